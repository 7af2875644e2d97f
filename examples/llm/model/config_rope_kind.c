/* SPDX-License-Identifier: MIT */
#include "llm/model/config_rope_kind.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "llm/model/config.h"

bool config_check_rope_keys(const struct config_reader *reader, const char *object)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)reader->object, key, value)
    {
        if (!json_is_null(value) && !config_is_used(reader, key))
            return refuse(reader->failure, "%s: \"%s\" in \"%s\" is not supported", reader->path,
                          key, object);
    }
    return true;
}

static bool read_original(const struct config_reader *reader, struct rope *rope)
{
    return config_require_size(reader, "original_max_position_embeddings", CONFIG_MAX_POSITIONS,
                               &rope->original);
}

static bool check_order(const struct config_reader *reader, const struct rope *rope,
                        const char *high, const char *low)
{
    return rope->high > rope->low ||
           refuse(reader->failure, "%s: \"%s\" is %g, not above \"%s\", %g", reader->path, high,
                  rope->high, low, rope->low);
}

static bool read_llama3(const struct config_reader *reader, struct rope *rope)
{
    return config_require_positive(reader, "factor", &rope->factor) &&
           config_require_positive(reader, "low_freq_factor", &rope->low) &&
           config_require_positive(reader, "high_freq_factor", &rope->high) &&
           read_original(reader, rope) &&
           check_order(reader, rope, "high_freq_factor", "low_freq_factor");
}

static double yarn_growth(double factor, double scale)
{
    return factor > 1 ? 0.1 * scale * log(factor) + 1 : 1;
}

/* Two numbers, as of DeepSeek, or one; or else the factor tells. */
static bool read_yarn_amplitude(const struct config_reader *reader, struct rope *rope)
{
    double scale = 0, scale_all = 0;
    double given = 0;

    if (!config_read_positive(reader, "mscale", &scale) ||
        !config_read_positive(reader, "mscale_all_dim", &scale_all) ||
        !config_read_positive(reader, "attention_factor", &given))
        return false;
    if (given > 0)
        rope->amplitude = given;
    else if (scale > 0 && scale_all > 0)
        rope->amplitude = yarn_growth(rope->factor, scale) / yarn_growth(rope->factor, scale_all);
    else
        rope->amplitude = yarn_growth(rope->factor, 1);
    return true;
}

static bool read_yarn(const struct config_reader *reader, struct rope *rope)
{
    bool truncated = true;

    rope->low = 1;
    rope->high = 32;
    if (!config_require_positive(reader, "factor", &rope->factor) ||
        !config_read_positive(reader, "beta_slow", &rope->low) ||
        !config_read_positive(reader, "beta_fast", &rope->high) ||
        !config_read_flag(reader, "truncate", &truncated) || !read_original(reader, rope) ||
        !check_order(reader, rope, "beta_fast", "beta_slow"))
        return false;
    rope->exact = !truncated;
    return read_yarn_amplitude(reader, rope);
}

static bool read_factors(const struct config_reader *reader, const char *key, size_t pairs,
                         double *factors)
{
    const json_t *const list = config_member(reader, key);

    if (!json_is_array(list))
        return refuse(reader->failure, "%s: \"%s\" is missing or not a list", reader->path, key);
    if (json_array_size(list) != pairs || pairs > ROPE_MAX_PAIRS)
        return refuse(reader->failure, "%s: \"%s\" has %zu numbers for %zu pairs that turn%s",
                      reader->path, key, json_array_size(list), pairs,
                      pairs > ROPE_MAX_PAIRS ? ", more than are supported" : "");
    for (size_t i = 0; i < pairs; i++) {
        factors[i] = json_number_value(json_array_get(list, i));
        if (!(factors[i] > 0))
            return refuse(reader->failure, "%s: number %zu of \"%s\" is not positive", reader->path,
                          i, key);
    }
    return true;
}

/* How much longer texts may be now, or "factor" where the original length is not told. */
static bool read_long_amplitude(const struct config_reader *reader, size_t positions,
                                struct rope *rope)
{
    double given = 0;

    if (!config_read_positive(reader, "attention_factor", &given))
        return false;
    const double growth = (double)positions / (double)rope->original;
    rope->amplitude = growth > 1 ? sqrt(1 + log(growth) / log((double)rope->original)) : 1;
    if (given > 0)
        rope->amplitude = given;
    return true;
}

static bool read_long(const struct config_reader *reader, const struct rope_facts *facts,
                      struct rope *rope)
{
    double unused;

    rope->original = facts->original;
    /* The lengths tell it, and transformers goes by them. */
    return config_read_positive(reader, "factor", &unused) && read_original(reader, rope) &&
           read_factors(reader, "short_factor", rope->rotated / 2, rope->short_factors) &&
           read_factors(reader, "long_factor", rope->rotated / 2, rope->long_factors) &&
           read_long_amplitude(reader, facts->positions, rope);
}

static bool find_kind(const struct config_reader *reader, const char *key, const char *name,
                      enum rope_kind *kind)
{
    /* What Phi-3 called it at first. */
    if (strcmp(name, "su") == 0)
        name = rope_kind_name(ROPE_LONG);
    for (size_t i = 0; i < ROPE_KINDS; i++) {
        *kind = (enum rope_kind)i;
        if (strcmp(name, rope_kind_name(*kind)) == 0)
            return true;
    }
    return refuse(reader->failure,
                  "%s: \"%s\" is \"%s\"; only \"default\", \"linear\", \"llama3\", \"yarn\" and "
                  "\"longrope\" are supported",
                  reader->path, key, name);
}

bool config_read_rope_kind(const struct config_reader *reader, const struct rope_facts *facts,
                           bool required, struct rope *rope)
{
    /* Older files call it "type", and some have both. */
    const json_t *const old = config_member(reader, "type");
    const json_t *const now = config_member(reader, "rope_type");
    const char *const key = now ? "rope_type" : "type";
    const json_t *const value = now ? now : old;
    const char *const name = json_string_value(value);

    rope->kind = ROPE_DEFAULT;
    rope->amplitude = 1;
    if (!value && !required)
        return true;
    if (!name)
        return refuse(reader->failure, "%s: \"%s\" is missing or not a name", reader->path, key);
    if (!find_kind(reader, key, name, &rope->kind))
        return false;
    switch (rope->kind) {
    case ROPE_DEFAULT:
        return true;
    case ROPE_LINEAR:
        return config_require_positive(reader, "factor", &rope->factor);
    case ROPE_LLAMA3:
        return read_llama3(reader, rope);
    case ROPE_YARN:
        return read_yarn(reader, rope);
    case ROPE_LONG:
        return read_long(reader, facts, rope);
    }
    return true;
}
