/* SPDX-License-Identifier: MIT */
#include "llm/model/config_rope.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "llm/model/config_rope_kind.h"
#include "llm/model/config_sight.h"

/* What one of the objects says. */
struct said {
    bool present;
    double theta; /* 0: nothing */
    double part;  /* of a head that turns; 0: nothing */
    struct rope rope;
};

static bool read_part(const struct config_reader *reader, double *part)
{
    if (!config_read_positive(reader, "partial_rotary_factor", part))
        return false;
    return *part <= 1 ||
           refuse(reader->failure, "%s: \"partial_rotary_factor\" is %g, not between 0 and 1",
                  reader->path, *part);
}

/* *value: what is said already, or 0. */
static bool agree(const struct config_reader *reader, const char *key, const char *object,
                  double said, double *value)
{
    if (*value > 0 && said > 0 && *value != said)
        return refuse(reader->failure, "%s: \"%s\" is %g, but in \"%s\" it is %g", reader->path,
                      key, *value, object, said);
    if (said > 0)
        *value = said;
    return true;
}

/* What is told outside of objects. */
struct outer {
    double theta;
    double part;
    size_t original; /* as of Phi-3; 0: nothing */
};

static bool read_outer(const struct config *config, const struct config_reader *reader,
                       struct outer *outer)
{
    *outer = (struct outer){.theta = 0};
    if (config->family->defaults.original_positions > 0 &&
        !config_read_size(reader, "original_max_position_embeddings", CONFIG_MAX_POSITIONS,
                          &outer->original))
        return false;
    return config_read_positive(reader, "rope_theta", &outer->theta) &&
           read_part(reader, &outer->part);
}

static void set_rotated(const struct config *config, double part, struct rope *rope)
{
    rope->rotated = (size_t)((double)config->head_dim * (part > 0 ? part : 1));
}

/* The object is there. */
static bool read_object(const struct config *config, const struct outer *outer,
                        const struct config_reader *reader, const char *name, bool kind_required,
                        struct said *said)
{
    const struct rope_facts facts = {.positions = config->positions, .original = outer->original};

    said->present = true;
    if (!config_read_positive(reader, "rope_theta", &said->theta) ||
        !read_part(reader, &said->part))
        return false;
    set_rotated(config, said->part > 0 ? said->part : outer->part, &said->rope);
    return config_read_rope_kind(reader, &facts, kind_required, &said->rope) &&
           config_check_rope_keys(reader, name);
}

static bool open_object(const struct config *config, const struct outer *outer,
                        const struct config_reader *reader, const char *key, bool kind_required,
                        struct said *said)
{
    const json_t *const object = config_member(reader, key);
    struct config_reader inner;

    if (!object)
        return true;
    if (!json_is_object(object))
        return refuse(reader->failure, "%s: \"%s\" is not an object", reader->path, key);
    if (!config_reader_begin(&inner, reader->path, object, reader->failure))
        return false;
    const bool ok = read_object(config, outer, &inner, key, kind_required, said);
    config_reader_end(&inner);
    return ok;
}

static bool is_nested(const struct config_reader *reader, const char *key)
{
    const json_t *const object = json_object_get(reader->object, key);

    return json_object_get(object, config_sight_name(SIGHT_FULL)) ||
           json_object_get(object, config_sight_name(SIGHT_LOCAL));
}

/* An object for each way in which blocks see. */
static bool read_nested(const struct config *config, const struct outer *outer,
                        const struct config_reader *reader, const char *key,
                        struct said said[SIGHTS])
{
    struct config_reader inner;
    bool ok = true;

    if (!config_reader_begin(&inner, reader->path, config_member(reader, key), reader->failure))
        return false;
    for (size_t i = 0; ok && i < SIGHTS; i++)
        ok = open_object(config, outer, &inner, config_sight_name((enum block_sight)i), false,
                         &said[i]);
    ok = ok && config_check_rope_keys(&inner, key);
    config_reader_end(&inner);
    return ok;
}

/* What old and new keys say of blocks that see in one way. The theta outside is said for all. */
static bool merge(const struct config *config, const struct config_reader *reader,
                  const struct outer *outer, const struct said *before, const struct said *now,
                  struct rope *rope)
{
    double theta = outer->theta;
    double part = outer->part;

    if (!agree(reader, "rope_theta", "rope_scaling", before->theta, &theta) ||
        !agree(reader, "rope_theta", "rope_parameters", now->theta, &theta) ||
        !agree(reader, "partial_rotary_factor", "rope_scaling", before->part, &part) ||
        !agree(reader, "partial_rotary_factor", "rope_parameters", now->part, &part))
        return false;
    if (before->present && now->present && !rope_is_same(&before->rope, &now->rope))
        return refuse(reader->failure,
                      "%s: \"rope_scaling\" and \"rope_parameters\" contradict each other",
                      reader->path);
    if (now->present)
        *rope = now->rope;
    else if (before->present)
        *rope = before->rope;
    else
        *rope = (struct rope){.amplitude = 1};
    set_rotated(config, part, rope);
    rope->theta = theta;
    if (rope->rotated % 2 == 0 && rope->rotated > 0)
        return true;
    return refuse(reader->failure,
                  "%s: %zu of the %zu numbers of a head are rotated; that is not even",
                  reader->path, rope->rotated, config->head_dim);
}

/* Of the local blocks of a family that tells their theta under a key of its own. Nothing stretches
 * their rotations. */
static bool read_local(const struct config *config, const struct config_reader *reader,
                       const struct said *now, struct rope *rope)
{
    const double usual = config->family->defaults.local_theta;
    double theta = 0;

    if (!config_read_positive(reader, "rope_local_base_freq", &theta) ||
        !agree(reader, "rope_local_base_freq", "rope_parameters", now->theta, &theta))
        return false;
    *rope = now->present ? now->rope : (struct rope){.amplitude = 1};
    set_rotated(config, now->part, rope);
    rope->theta = theta > 0 ? theta : usual;
    return true;
}

static bool check_nesting(const struct config *config, const struct config_reader *reader,
                          bool nested, const struct said now[SIGHTS])
{
    if (config->family->local_rotations && !nested && now[SIGHT_FULL].present)
        return refuse(reader->failure, "%s: \"rope_parameters\" does not tell \"%s\" from \"%s\"",
                      reader->path, config_sight_name(SIGHT_FULL), config_sight_name(SIGHT_LOCAL));
    for (size_t i = 0; nested && i < config->blocks; i++)
        if (!now[config_sight(config, i)].present)
            return refuse(reader->failure, "%s: \"%s\" in \"rope_parameters\" is missing",
                          reader->path, config_sight_name(config_sight(config, i)));
    return true;
}

bool config_read_rope(struct config *config, const struct config_reader *reader)
{
    static const char new_key[] = "rope_parameters";
    const bool own = config->family->local_rotations;
    const bool nested = is_nested(reader, new_key);
    struct said before = {.theta = 0};
    struct said now[SIGHTS] = {{.theta = 0}};
    struct outer outer;

    if (!read_outer(config, reader, &outer) ||
        !open_object(config, &outer, reader, "rope_scaling", true, &before) ||
        !(nested ? read_nested(config, &outer, reader, new_key, now)
                 : open_object(config, &outer, reader, new_key, false, &now[SIGHT_FULL])) ||
        !check_nesting(config, reader, nested, now) ||
        !merge(config, reader, &outer, &before, &now[SIGHT_FULL], &config->rope[SIGHT_FULL]))
        return false;
    if (!nested)
        now[SIGHT_LOCAL] = own ? (struct said){.theta = 0} : now[SIGHT_FULL];
    if (!(own ? read_local(config, reader, &now[SIGHT_LOCAL], &config->rope[SIGHT_LOCAL])
              : merge(config, reader, &outer, &before, &now[SIGHT_LOCAL],
                      &config->rope[SIGHT_LOCAL])))
        return false;
    for (size_t i = 0; i < SIGHTS; i++)
        if (!(config->rope[i].theta > 0))
            config->rope[i].theta = config->family->defaults.theta;
    return true;
}
