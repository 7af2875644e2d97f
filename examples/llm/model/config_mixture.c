/* SPDX-License-Identifier: MIT */
#include "llm/model/config_mixture.h"

/* Slots of layers are counted with it. */
enum { most_experts = 4096 };

size_t config_experts(const struct config *config, size_t block)
{
    return config->sparse[block] ? config->mixture.experts : 0;
}

size_t config_intermediate(const struct config *config, size_t block)
{
    return config->sparse[block] ? config->mixture.intermediate : config->intermediate;
}

size_t config_largest_intermediate(const struct config *config)
{
    size_t largest = 0;

    for (size_t i = 0; i < config->blocks; i++) {
        const size_t length = config_intermediate(config, i);
        largest = length > largest ? length : largest;
    }
    return largest;
}

/* Blocks of the list "mlp_only_layers" have none. */
static bool read_dense_blocks(struct config *config, const struct config_reader *reader)
{
    static const char key[] = "mlp_only_layers";
    const json_t *const list = config_member(reader, key);

    if (!list)
        return true;
    if (!json_is_array(list))
        return refuse(reader->failure, "%s: \"%s\" is not a list", reader->path, key);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *const entry = json_array_get(list, i);
        const json_int_t block = json_is_integer(entry) ? json_integer_value(entry) : -1;
        if (block < 0 || (size_t)block >= config->blocks)
            return refuse(reader->failure, "%s: \"%s\": entry %zu is no block from 0 to %zu",
                          reader->path, key, i, config->blocks - 1);
        config->sparse[block] = false;
    }
    return true;
}

static bool read_blocks(struct config *config, const struct config_reader *reader)
{
    const bool some = config->family->mixture->some_blocks;
    size_t step = 1;

    if (some && !config_read_size(reader, "decoder_sparse_step", CONFIG_MAX_BLOCKS, &step))
        return false;
    for (size_t i = 0; i < config->blocks; i++)
        config->sparse[i] = (i + 1) % step == 0;
    return !some || read_dense_blocks(config, reader);
}

static bool read_experts(struct config *config, const struct config_reader *reader)
{
    const struct family_mixture *const family = config->family->mixture;
    struct config_mixture *const mixture = &config->mixture;

    *mixture = (struct config_mixture){
        .experts = family->experts,
        .chosen = family->chosen,
        .intermediate = family->intermediate_key ? family->intermediate : config->intermediate,
        .normalised = family->always_normalised};
    return config_require_size(reader, family->count_key, most_experts, &mixture->experts) &&
           config_require_size(reader, "num_experts_per_tok", most_experts, &mixture->chosen) &&
           (!family->intermediate_key ||
            config_require_size(reader, family->intermediate_key, CONFIG_MAX_SIZE,
                                &mixture->intermediate)) &&
           (family->always_normalised ||
            config_read_flag(reader, "norm_topk_prob", &mixture->normalised));
}

bool config_read_mixture(struct config *config, const struct config_reader *reader)
{
    const struct config_mixture *const mixture = &config->mixture;

    if (!config->family->mixture)
        return true;
    if (!read_experts(config, reader) || !read_blocks(config, reader))
        return false;
    return mixture->chosen <= mixture->experts ||
           refuse(reader->failure,
                  "%s: \"num_experts_per_tok\" is %zu, more than the %zu of \"%s\"", reader->path,
                  mixture->chosen, mixture->experts, config->family->mixture->count_key);
}
