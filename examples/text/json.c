/* SPDX-License-Identifier: MIT */
#include "text/json.h"

#include <string.h>

const char *json_kind(const json_t *object)
{
    const char *const kind = json_string_value(json_object_get(object, "type"));

    return kind ? kind : "(none)";
}

bool json_is_kind(const json_t *object, const char *kind)
{
    return strcmp(json_kind(object), kind) == 0;
}

bool json_switch(const json_t *object, const char *name, bool usual)
{
    const json_t *const value = json_object_get(object, name);

    return json_is_boolean(value) ? json_is_true(value) : usual;
}

const char *json_pattern_text(const json_t *object)
{
    return json_string_value(json_object_get(json_object_get(object, "pattern"), "String"));
}
