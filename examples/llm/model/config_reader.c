/* SPDX-License-Identifier: MIT */
#include "llm/model/config_reader.h"

#include <string.h>

bool config_reader_begin(struct config_reader *reader, const char *path, const json_t *object,
                         struct failure *failure)
{
    *reader = (struct config_reader){
        .path = path, .object = object, .used = json_object(), .failure = failure};
    return reader->used || refuse(failure, "%s: out of memory", path);
}

void config_reader_end(struct config_reader *reader)
{
    json_decref(reader->used);
}

bool config_is_used(const struct config_reader *reader, const char *key)
{
    return json_object_get(reader->used, key) != NULL;
}

const json_t *config_member(const struct config_reader *reader, const char *key)
{
    json_object_set_new(reader->used, key, json_true());
    const json_t *const entry = json_object_get(reader->object, key);

    return json_is_null(entry) ? NULL : entry;
}

static bool refuse_missing(const struct config_reader *reader, const char *key)
{
    return refuse(reader->failure, "%s: \"%s\" is missing", reader->path, key);
}

bool config_read_size(const struct config_reader *reader, const char *key, size_t most,
                      size_t *value)
{
    const json_t *const entry = config_member(reader, key);

    if (!entry)
        return true;
    if (!json_is_integer(entry))
        return refuse(reader->failure, "%s: \"%s\" is not an integer", reader->path, key);
    const json_int_t number = json_integer_value(entry);
    if (number < 1 || (unsigned long long)number > most)
        return refuse(reader->failure, "%s: \"%s\" is %lld, not between 1 and %zu", reader->path,
                      key, (long long)number, most);
    *value = (size_t)number;
    return true;
}

bool config_require_size(const struct config_reader *reader, const char *key, size_t most,
                         size_t *value)
{
    return config_member(reader, key) || *value > 0 ? config_read_size(reader, key, most, value)
                                                    : refuse_missing(reader, key);
}

bool config_read_positive(const struct config_reader *reader, const char *key, double *value)
{
    const json_t *const entry = config_member(reader, key);

    if (!entry)
        return true;
    if (!json_is_number(entry) || !(json_number_value(entry) > 0))
        return refuse(reader->failure, "%s: \"%s\" is not a positive number", reader->path, key);
    *value = json_number_value(entry);
    return true;
}

bool config_require_positive(const struct config_reader *reader, const char *key, double *value)
{
    return config_member(reader, key) || *value > 0 ? config_read_positive(reader, key, value)
                                                    : refuse_missing(reader, key);
}

bool config_read_flag(const struct config_reader *reader, const char *key, bool *value)
{
    const json_t *const entry = config_member(reader, key);

    if (!entry)
        return true;
    if (!json_is_boolean(entry))
        return refuse(reader->failure, "%s: \"%s\" is neither true nor false", reader->path, key);
    *value = json_is_true(entry);
    return true;
}

bool config_expect_name(const struct config_reader *reader, const char *key, const json_t *value,
                        const char *expected)
{
    const char *const name = json_string_value(value);

    if (!name)
        return refuse(reader->failure, "%s: \"%s\" is missing or not a name", reader->path, key);
    if (strcmp(name, expected) != 0)
        return refuse(reader->failure, "%s: \"%s\" is \"%s\"; only \"%s\" is supported",
                      reader->path, key, name, expected);
    return true;
}
