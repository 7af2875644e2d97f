/* SPDX-License-Identifier: MIT */
#include "llm/model/config_sight.h"

#include <string.h>

static const char *const sight_names[SIGHTS] = {
    [SIGHT_FULL] = "full_attention", [SIGHT_LOCAL] = "sliding_attention"};

const char *config_sight_name(enum block_sight sight)
{
    return sight_names[sight];
}

enum block_sight config_sight(const struct config *config, size_t block)
{
    return config->local[block] ? SIGHT_LOCAL : SIGHT_FULL;
}

static bool read_type(const struct config_reader *reader, size_t block, const json_t *entry,
                      bool *local)
{
    const char *const name = json_string_value(entry);

    if (!name)
        return refuse(reader->failure, "%s: \"layer_types\" of block %zu is not a name",
                      reader->path, block);
    *local = strcmp(name, sight_names[SIGHT_LOCAL]) == 0;
    return *local || strcmp(name, sight_names[SIGHT_FULL]) == 0 ||
           refuse(
               reader->failure,
               "%s: \"layer_types\" of block %zu is \"%s\"; only \"%s\" and \"%s\" are supported",
               reader->path, block, name, sight_names[SIGHT_FULL], sight_names[SIGHT_LOCAL]);
}

static bool read_types(struct config *config, const struct config_reader *reader,
                       const json_t *types)
{
    if (!json_is_array(types))
        return refuse(reader->failure, "%s: \"layer_types\" is not a list", reader->path);
    if (json_array_size(types) != config->blocks)
        return refuse(reader->failure, "%s: \"layer_types\" has %zu entries for %zu blocks",
                      reader->path, json_array_size(types), config->blocks);
    for (size_t i = 0; i < config->blocks; i++)
        if (!read_type(reader, i, json_array_get(types, i), &config->local[i]))
            return false;
    return true;
}

/* Blocks from *first on are local, but for every *pattern-th (0: but for none). */
static bool read_rule(const struct config *config, const struct config_reader *reader,
                      size_t *first, size_t *pattern)
{
    static const char pattern_key[] = "sliding_window_pattern";

    *first = 0;
    *pattern = 0;
    switch (config->family->windows) {
    case WINDOW_NEVER:
        *first = config->blocks;
        return true;
    case WINDOW_ALWAYS:
        return true;
    case WINDOW_LATE:
        *first = 28;
        return config_read_size(reader, "max_window_layers", CONFIG_MAX_SIZE, first);
    case WINDOW_PATTERN:
        *pattern = config->family->defaults.pattern;
        return config_read_size(reader, "_sliding_window_pattern", CONFIG_MAX_BLOCKS, pattern) &&
               config_read_size(reader, pattern_key, CONFIG_MAX_BLOCKS, pattern);
    }
    return true;
}

/* A window that is null, as opposed to one that is left out, is none. */
static bool read_window(struct config *config, const struct config_reader *reader)
{
    bool on = true;

    if (config->family->windows == WINDOW_NEVER)
        return true;
    if (config->family->windows == WINDOW_LATE) {
        on = false;
        if (!config_read_flag(reader, "use_sliding_window", &on))
            return false;
    }
    if (!json_object_get(reader->object, "sliding_window"))
        config->sight = config->family->defaults.window;
    if (!config_read_size(reader, "sliding_window", CONFIG_MAX_POSITIONS, &config->sight))
        return false;
    if (!on)
        config->sight = 0;
    return true;
}

static bool check_window(struct config *config, const struct config_reader *reader)
{
    bool any = false;

    for (size_t i = 0; i < config->blocks; i++)
        any = any || config->local[i];
    if (any && config->sight == 0)
        return refuse(reader->failure,
                      "%s: \"layer_types\" has \"%s\", but there is no sliding window",
                      reader->path, sight_names[SIGHT_LOCAL]);
    if (!any)
        config->sight = 0;
    return true;
}

bool config_read_sight(struct config *config, const struct config_reader *reader)
{
    const json_t *const types = config_member(reader, "layer_types");
    size_t first, pattern;

    if (!read_window(config, reader) || !read_rule(config, reader, &first, &pattern))
        return false;
    for (size_t i = first; config->sight > 0 && i < config->blocks; i++)
        config->local[i] = pattern == 0 || (i + 1) % pattern != 0;
    return (!types || read_types(config, reader, types)) && check_window(config, reader);
}
