/* SPDX-License-Identifier: MIT */
#include "llm/watersic/outputs_estimate.h"

#include "llm/model/backward.h"
#include "llm/watersic/labels.h"

static uint64_t layer_bytes(const struct recipe *recipe, const struct layer_place *place)
{
    const uint64_t rows = place->rows;
    const bool full = recipe->outputs != OUTPUTS_NONE && rows <= recipe->outputs_rows;

    return (rows + (full ? rows * rows : 0)) * sizeof(double);
}

static uint64_t block_bytes(const struct config *config, const struct recipe *recipe, size_t block)
{
    uint64_t bytes = 0;

    for (size_t slot = 0; slot < layers_of_block(config, block); slot++) {
        const struct layer_place place = layers_in(config, block, slot);
        bytes += layer_bytes(recipe, &place);
    }
    return bytes;
}

/* Of embedding and head. */
static uint64_t ends_bytes(const struct config *config)
{
    return ((uint64_t)config->hidden * config->hidden + config->vocabulary) * sizeof(double);
}

static uint64_t all_bytes(const struct config *config, const struct recipe *recipe)
{
    uint64_t bytes = ends_bytes(config);

    for (size_t i = 0; i < config->blocks; i++)
        bytes += block_bytes(config, recipe, i);
    return bytes;
}

size_t outputs_pass_tokens(const struct calibration *calibration)
{
    const size_t most = calibration->recipe->outputs_tokens;

    return calibration->tokens->count < most ? calibration->tokens->count : most;
}

/* Where every block begins, where the head does, and derivatives at two places. */
static uint64_t states_bytes(const struct config *config, const struct calibration *calibration)
{
    return (uint64_t)outputs_pass_tokens(calibration) * config->hidden * (config->blocks + 3) *
           sizeof(float);
}

uint64_t outputs_pass_files(const struct config *config, const struct calibration *calibration)
{
    return calibration->directory
               ? states_bytes(config, calibration) + all_bytes(config, calibration->recipe)
               : 0;
}

uint64_t outputs_pass_memory(const struct config *config, const struct calibration *calibration)
{
    const struct recipe *const recipe = calibration->recipe;
    const size_t tokens = outputs_pass_tokens(calibration);
    const size_t capacity = forward_capacity(calibration->window);
    const size_t count = tokens < capacity ? tokens : capacity;
    const uint64_t text =
        calibration->directory
            ? block_bytes(config, recipe, layers_largest_block(config)) + ends_bytes(config)
            : states_bytes(config, calibration) + all_bytes(config, recipe);

    return block_memory(config) + text + calibration->tokens->count * 2 * sizeof(uint32_t) +
           backward_memory(config, calibration->window, tokens) +
           2 * (uint64_t)count * config->hidden * sizeof(float) + labels_memory(config, count);
}

uint64_t outputs_memory(const struct config *config, const struct calibration *calibration)
{
    size_t blocks[LAYERS_SHAPES];
    uint64_t largest = 0;

    if (!calibration->directory)
        return all_bytes(config, calibration->recipe);
    for (size_t i = layers_shapes(config, blocks); i-- > 0;) {
        for (size_t slot = 0; slot < LINEAR_KINDS; slot++) {
            const struct layer_place place = layers_in(config, blocks[i], slot);
            const uint64_t bytes = layer_bytes(calibration->recipe, &place);
            largest = bytes > largest ? bytes : largest;
        }
    }
    return largest;
}
