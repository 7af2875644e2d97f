/* SPDX-License-Identifier: MIT */
#include "text/normalizer.h"

#include "text/compose.h"
#include "text/json.h"
#include "text/prefix.h"
#include "text/replace.h"

static bool add(struct chain *chain, struct stage *stage)
{
    if (stage)
        chain_add(chain, stage);
    return stage != NULL;
}

static bool read_prepend(struct chain *chain, const json_t *json, struct failure *failure)
{
    const char *const text = json_string_value(json_object_get(json, "prepend"));

    if (!text)
        return refuse(failure, "normalizer: Prepend has no text 'prepend'");
    return add(chain, prefix_create(text, PREFIX_EVERYWHERE, failure));
}

static bool read_replace(struct chain *chain, const json_t *json, struct failure *failure)
{
    const char *const from = json_pattern_text(json);
    const char *const to = json_string_value(json_object_get(json, "content"));

    if (!from || !*from || !to)
        return refuse(failure, "normalizer: Replace of anything but a text is not understood");
    return add(chain, replace_create(from, to, failure));
}

static bool read_one(struct chain *chain, const json_t *json, struct failure *failure)
{
    if (json_is_kind(json, "NFC"))
        return add(chain, compose_create(failure));
    if (json_is_kind(json, "Prepend"))
        return read_prepend(chain, json, failure);
    if (json_is_kind(json, "Replace"))
        return read_replace(chain, json, failure);
    return refuse(failure, "normalizer: the kind '%s' is not understood", json_kind(json));
}

bool normalizer_read(struct chain *chain, const json_t *json, struct failure *failure)
{
    const json_t *const list = json_object_get(json, "normalizers");

    if (!json || json_is_null(json))
        return true;
    if (!json_is_kind(json, "Sequence"))
        return read_one(chain, json, failure);
    if (!json_is_array(list))
        return refuse(failure, "normalizer: Sequence has no list 'normalizers'");
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!read_one(chain, json_array_get(list, i), failure))
            return false;
    return true;
}
