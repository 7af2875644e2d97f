/* SPDX-License-Identifier: MIT */
#include "llm/model/config_rope.h"

#include <stdint.h>
#include <string.h>

/* What one of the objects says. */
struct rope {
    double theta; /* 0: nothing */
    struct rope_scaling scaling;
};

/* Whatever stands there is about rotations: what is not known changes them. */
static bool check_keys(const struct config_reader *reader, const char *object)
{
    static const char *const known[] = {"rope_type",
                                        "type",
                                        "rope_theta",
                                        "factor",
                                        "low_freq_factor",
                                        "high_freq_factor",
                                        "original_max_position_embeddings",
                                        "partial_rotary_factor"};
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)reader->object, key, value)
    {
        bool found = json_is_null(value);
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
            found = found || strcmp(key, known[i]) == 0;
        if (!found)
            return refuse(reader->failure, "%s: \"%s\" in \"%s\" is not supported", reader->path,
                          key, object);
    }
    return true;
}

static bool read_llama3(struct rope_scaling *scaling, const struct config_reader *reader)
{
    if (!config_require_positive(reader, "factor", &scaling->factor) ||
        !config_require_positive(reader, "low_freq_factor", &scaling->low) ||
        !config_require_positive(reader, "high_freq_factor", &scaling->high) ||
        !config_require_size(reader, "original_max_position_embeddings", CONFIG_MAX_POSITIONS,
                             &scaling->original))
        return false;
    if (!(scaling->high > scaling->low))
        return refuse(reader->failure,
                      "%s: \"high_freq_factor\" is %g, not above \"low_freq_factor\", %g",
                      reader->path, scaling->high, scaling->low);
    scaling->on = true;
    return true;
}

/* Every number of a head is rotated. */
static bool check_part(const struct config_reader *reader)
{
    double part = 1;

    if (!config_read_positive(reader, "partial_rotary_factor", &part))
        return false;
    return part == 1 ||
           refuse(reader->failure, "%s: \"partial_rotary_factor\" is %g; only 1 is supported",
                  reader->path, part);
}

/* The kind may be left out where the object is more than a scaling. */
static bool read_kind(struct rope *rope, const struct config_reader *reader, bool required)
{
    /* Older files call it "type". */
    const char *const key = config_member(reader, "rope_type") ? "rope_type" : "type";
    const json_t *const value = config_member(reader, key);
    const char *const name = json_string_value(value);

    if (!value && !required)
        return true;
    if (!name)
        return refuse(reader->failure, "%s: \"%s\" is missing or not a name", reader->path, key);
    if (strcmp(name, "llama3") == 0)
        return read_llama3(&rope->scaling, reader);
    return strcmp(name, "default") == 0 ||
           refuse(reader->failure,
                  "%s: \"%s\" is \"%s\"; only \"default\" and \"llama3\" are supported",
                  reader->path, key, name);
}

/* *present: the object is there. */
static bool read_object(struct rope *rope, const struct config_reader *reader, const char *key,
                        bool kind_required, bool *present)
{
    const json_t *const object = config_member(reader, key);
    const struct config_reader inner = {
        .path = reader->path, .object = object, .failure = reader->failure};

    *rope = (struct rope){.theta = 0};
    *present = object != NULL;
    if (!object)
        return true;
    if (!json_is_object(object))
        return refuse(reader->failure, "%s: \"%s\" is not an object", reader->path, key);
    return read_kind(rope, &inner, kind_required) && check_keys(&inner, key) &&
           check_part(&inner) && config_read_positive(&inner, "rope_theta", &rope->theta);
}

static bool is_same_scaling(const struct rope_scaling *a, const struct rope_scaling *b)
{
    if (!a->on || !b->on)
        return a->on == b->on;
    return a->factor == b->factor && a->low == b->low && a->high == b->high &&
           a->original == b->original;
}

static bool take_theta(double *theta, double said, const char *key,
                       const struct config_reader *reader)
{
    if (*theta > 0 && said > 0 && *theta != said)
        return refuse(reader->failure, "%s: \"rope_theta\" is %g, but in \"%s\" it is %g",
                      reader->path, *theta, key, said);
    if (said > 0)
        *theta = said;
    return true;
}

bool config_read_rope(struct config *config, const struct config_reader *reader)
{
    struct rope before, now;
    bool has_before, has_now;
    double theta = 0;

    if (!config_read_positive(reader, "rope_theta", &theta) ||
        !read_object(&before, reader, "rope_scaling", true, &has_before) ||
        !read_object(&now, reader, "rope_parameters", false, &has_now) ||
        !take_theta(&theta, before.theta, "rope_scaling", reader) ||
        !take_theta(&theta, now.theta, "rope_parameters", reader))
        return false;
    if (has_before && has_now && !is_same_scaling(&before.scaling, &now.scaling))
        return refuse(reader->failure,
                      "%s: \"rope_scaling\" and \"rope_parameters\" contradict each other",
                      reader->path);
    config->rope_scaling = has_now ? now.scaling : before.scaling;
    /* What is left out has the value that transformers gives it. */
    config->rope_theta = theta > 0 ? theta : 10000;
    return true;
}
