/* SPDX-License-Identifier: MIT */
#include "text/metaspace.h"

#include <string.h>

#include "text/json.h"
#include "common/utf8.h"

static bool is_one_character(const char *text)
{
    size_t length;

    if (!text || !*text)
        return false;
    utf8_read(text, &length);
    return strlen(text) == length;
}

/* Older files say add_prefix_space, newer ones prepend_scheme. */
static bool read_prepend(struct metaspace *metaspace, const json_t *json, struct failure *failure)
{
    static const char *const names[] = {
        [METASPACE_NEVER] = "never", [METASPACE_FIRST] = "first", [METASPACE_ALWAYS] = "always"};
    const char *const name = json_string_value(json_object_get(json, "prepend_scheme"));

    metaspace->prepend =
        json_switch(json, "add_prefix_space", true) ? METASPACE_ALWAYS : METASPACE_NEVER;
    if (!name)
        return true;
    for (int i = 0; i < 3; i++)
        if (strcmp(name, names[i]) == 0) {
            metaspace->prepend = (enum metaspace_prepend)i;
            return true;
        }
    return refuse(failure, "Metaspace: prepend_scheme '%s' is not understood", name);
}

bool metaspace_read(struct metaspace *metaspace, const json_t *json, struct failure *failure)
{
    metaspace->replacement = json_string_value(json_object_get(json, "replacement"));
    metaspace->split = json_switch(json, "split", true);
    if (!is_one_character(metaspace->replacement))
        return refuse(failure, "Metaspace: replacement is missing, or not one character");
    return read_prepend(metaspace, json, failure);
}
