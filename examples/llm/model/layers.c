/* SPDX-License-Identifier: MIT */
#include "llm/model/layers.h"

#include <stdio.h>
#include <string.h>

/* Layers of an expert. */
enum { OF_EXPERT = LINEAR_KINDS - LINEAR_GATE };

static const char *const parts[LINEAR_KINDS] = {
    [LINEAR_Q] = "self_attn.q_proj", [LINEAR_K] = "self_attn.k_proj",
    [LINEAR_V] = "self_attn.v_proj", [LINEAR_O] = "self_attn.o_proj",
    [LINEAR_GATE] = "mlp.gate_proj", [LINEAR_UP] = "mlp.up_proj",
    [LINEAR_DOWN] = "mlp.down_proj",
};

size_t layers_slot(enum linear_kind kind, size_t expert)
{
    return (size_t)kind + (kind >= LINEAR_GATE ? OF_EXPERT * expert : 0);
}

enum linear_kind layers_kind(size_t slot)
{
    return slot < LINEAR_GATE ? (enum linear_kind)slot
                              : (enum linear_kind)(LINEAR_GATE + (slot - LINEAR_GATE) % OF_EXPERT);
}

size_t layers_expert(size_t slot)
{
    return slot < LINEAR_GATE ? 0 : (slot - LINEAR_GATE) / OF_EXPERT;
}

size_t layers_of_block(const struct config *config, size_t block)
{
    const size_t experts = config_experts(config, block);

    return LINEAR_GATE + OF_EXPERT * (experts > 0 ? experts : 1);
}

size_t layers_before(const struct config *config, size_t block)
{
    size_t count = 0;

    for (size_t i = 0; i < block; i++)
        count += layers_of_block(config, i);
    return count;
}

size_t layers_count(const struct config *config)
{
    return layers_before(config, config->blocks);
}

struct layer_place layers_in(const struct config *config, size_t block, size_t slot)
{
    const size_t query = config->heads * config->head_dim;
    const size_t key = config->kv_heads * config->head_dim;
    const size_t hidden = config->hidden;
    const size_t inner = config_intermediate(config, block);
    const size_t shapes[LINEAR_KINDS][2] = {
        [LINEAR_Q] = {query, hidden},    [LINEAR_K] = {key, hidden},
        [LINEAR_V] = {key, hidden},      [LINEAR_O] = {hidden, query},
        [LINEAR_GATE] = {inner, hidden}, [LINEAR_UP] = {inner, hidden},
        [LINEAR_DOWN] = {hidden, inner},
    };
    const enum linear_kind kind = layers_kind(slot);

    return (struct layer_place){.block = block,
                                .slot = slot,
                                .kind = kind,
                                .expert = layers_expert(slot),
                                .rows = shapes[kind][0],
                                .columns = shapes[kind][1]};
}

struct layer_place layers_at(const struct config *config, size_t number)
{
    size_t block = 0;

    while (number >= layers_of_block(config, block))
        number -= layers_of_block(config, block++);
    return layers_in(config, block, number);
}

static size_t weights_of_block(const struct config *config, size_t block)
{
    size_t weights = 0;

    for (size_t slot = 0; slot < layers_of_block(config, block); slot++) {
        const struct layer_place place = layers_in(config, block, slot);
        weights += place.rows * place.columns;
    }
    return weights;
}

size_t layers_shapes(const struct config *config, size_t blocks[LAYERS_SHAPES])
{
    size_t count = 0;

    for (size_t i = 0; i < config->blocks && count < LAYERS_SHAPES; i++)
        if (count == 0 || config->sparse[i] != config->sparse[blocks[0]])
            blocks[count++] = i;
    return count;
}

size_t layers_largest_block(const struct config *config)
{
    size_t blocks[LAYERS_SHAPES];
    size_t largest = 0;

    for (size_t i = layers_shapes(config, blocks); i-- > 0;)
        if (weights_of_block(config, blocks[i]) > weights_of_block(config, largest))
            largest = blocks[i];
    return largest;
}

size_t layers_weights(const struct config *config)
{
    size_t weights = 0;

    for (size_t i = 0; i < config->blocks; i++)
        weights += weights_of_block(config, i);
    return weights;
}

/* Experts of a block are alike. */
size_t layers_widest(const struct config *config)
{
    size_t blocks[LAYERS_SHAPES];
    size_t widest = 0;

    for (size_t i = layers_shapes(config, blocks); i-- > 0;) {
        for (size_t slot = 0; slot < LINEAR_KINDS; slot++) {
            const size_t columns = layers_in(config, blocks[i], slot).columns;
            widest = columns > widest ? columns : widest;
        }
    }
    return widest;
}

void layers_part(const struct config *config, const struct layer_place *place,
                 char part[MODEL_NAME_SIZE])
{
    const bool expert = place->kind >= LINEAR_GATE && config_experts(config, place->block) > 0;
    const struct family_mixture *const mixture = expert ? config->family->mixture : NULL;

    if (mixture)
        snprintf(part, MODEL_NAME_SIZE, "%s.%zu.%s", mixture->prefix, place->expert,
                 mixture->parts[place->kind - LINEAR_GATE]);
    else
        snprintf(part, MODEL_NAME_SIZE, "%s", parts[place->kind]);
}

static void name_layer(const struct config *config, const struct layer_place *place,
                       char name[MODEL_NAME_SIZE])
{
    char part[MODEL_NAME_SIZE];

    layers_part(config, place, part);
    if (snprintf(name, MODEL_NAME_SIZE, "model.layers.%zu.%s.weight", place->block, part) >=
        MODEL_NAME_SIZE)
        name[0] = '\0';
}

void layers_name(const struct config *config, size_t number, char name[MODEL_NAME_SIZE])
{
    const struct layer_place place = layers_at(config, number);

    name_layer(config, &place, name);
}

/* The expert in a name; 0 if it tells none. */
static size_t expert_in(const struct config *config, size_t block, const char *name)
{
    const char *const prefix =
        config_experts(config, block) > 0 ? config->family->mixture->prefix : NULL;
    const char *const found = prefix ? strstr(name, prefix) : NULL;
    size_t expert = 0;

    if (found)
        sscanf(found + strlen(prefix), ".%zu.", &expert);
    return expert;
}

bool layers_find(const struct config *config, const char *name, size_t *number)
{
    char own[MODEL_NAME_SIZE];
    size_t block;

    if (sscanf(name, "model.layers.%zu.", &block) != 1 || block >= config->blocks)
        return false;
    const size_t expert = expert_in(config, block, name);
    for (size_t kind = 0; kind < LINEAR_KINDS; kind++) {
        const size_t slot = layers_slot((enum linear_kind)kind, expert);
        const struct layer_place place = layers_in(config, block, slot);
        name_layer(config, &place, own);
        if (slot < layers_of_block(config, block) && strcmp(name, own) == 0) {
            *number = layers_before(config, block) + slot;
            return true;
        }
    }
    return false;
}
