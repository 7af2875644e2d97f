/* SPDX-License-Identifier: MIT */
#include "llm/model/block.h"

#include <stdlib.h>

/* Which blocks and families have them. */
enum gains_of_what { OF_ALL, OF_TWO_NORMS, OF_FOUR_NORMS, OF_HEADS, OF_EXPERTS };

static const struct kind_of_gains {
    const char *name; /* NULL: the family names it */
    size_t offset;    /* of the pointer in struct block */
    enum gains_of_what of;
} all_gains[] = {
    {"input_layernorm", offsetof(struct block, attention_norm), OF_ALL},
    {"post_attention_layernorm", offsetof(struct block, ffn_norm), OF_TWO_NORMS},
    {"post_attention_layernorm", offsetof(struct block, attention_output_norm), OF_FOUR_NORMS},
    {"pre_feedforward_layernorm", offsetof(struct block, ffn_norm), OF_FOUR_NORMS},
    {"post_feedforward_layernorm", offsetof(struct block, ffn_output_norm), OF_FOUR_NORMS},
    {"self_attn.q_norm", offsetof(struct block, query_norm), OF_HEADS},
    {"self_attn.k_norm", offsetof(struct block, key_norm), OF_HEADS},
    {NULL, offsetof(struct block, router), OF_EXPERTS},
};

enum { GAINS = sizeof all_gains / sizeof all_gains[0] };

static bool has_gains(const struct config *config, size_t number, enum gains_of_what of)
{
    switch (of) {
    case OF_TWO_NORMS:
        return !config->family->output_norms;
    case OF_FOUR_NORMS:
        return config->family->output_norms;
    case OF_HEADS:
        return config->head_norms;
    case OF_EXPERTS:
        return config_experts(config, number) > 0;
    case OF_ALL:
        break;
    }
    return true;
}

static float **place_of(struct block *block, const struct kind_of_gains *kind)
{
    return (float **)(void *)((char *)block + kind->offset);
}

size_t block_gains(const struct config *config, size_t number, struct block *block,
                   struct gains gains[BLOCK_MAX_GAINS])
{
    size_t count = 0;

    for (size_t i = 0; i < GAINS; i++) {
        const struct kind_of_gains *const kind = &all_gains[i];
        if (!has_gains(config, number, kind->of))
            continue;
        gains[count++] =
            (struct gains){.name = kind->name                ? kind->name
                                   : config->mixture.stacked ? "mlp.gate"
                                                             : config->family->mixture->router,
                           .rows = kind->of == OF_EXPERTS ? config_experts(config, number) : 0,
                           .length = kind->of == OF_HEADS ? config->head_dim : config->hidden,
                           .place = block ? place_of(block, kind) : NULL};
    }
    return count;
}

bool block_has_bias(const struct config *config, enum linear_kind kind)
{
    if (kind <= LINEAR_V)
        return config->query_bias;
    return kind == LINEAR_O ? config->output_bias : config->ffn_bias;
}

bool block_create(struct block *block, const struct config *config, size_t number,
                  struct failure *failure)
{
    const size_t layers = layers_of_block(config, number);

    *block = (struct block){.layers = layers, .linear = calloc(layers, sizeof *block->linear)};
    if (!block->linear)
        return refuse(failure, "out of memory for %zu layers", layers);
    for (size_t slot = 0; slot < layers; slot++) {
        const struct layer_place place = layers_in(config, number, slot);
        block->linear[slot] = (struct linear){.rows = place.rows, .columns = place.columns};
    }
    return true;
}

void block_borrow(struct block *block, const struct block *original)
{
    block->attention = original->attention;
    for (size_t i = 0; i < GAINS; i++)
        *place_of(block, &all_gains[i]) =
            *place_of((struct block *)(uintptr_t)original, &all_gains[i]);
    for (size_t slot = 0; slot < block->layers; slot++)
        block->linear[slot].bias = original->linear[slot].bias;
}

uint64_t block_memory(const struct config *config)
{
    const size_t number = layers_largest_block(config);
    struct gains gains[BLOCK_MAX_GAINS];
    uint64_t numbers = 0;

    for (size_t i = block_gains(config, number, NULL, gains); i-- > 0;)
        numbers += (uint64_t)(gains[i].rows > 0 ? gains[i].rows : 1) * gains[i].length;
    for (size_t slot = 0; slot < layers_of_block(config, number); slot++) {
        const struct layer_place place = layers_in(config, number, slot);
        numbers += (uint64_t)place.rows * place.columns;
        numbers += block_has_bias(config, place.kind) ? place.rows : 0;
    }
    return numbers * sizeof(float);
}

void block_free(struct block *block)
{
    for (size_t i = 0; i < GAINS; i++) {
        float **const place = place_of(block, &all_gains[i]);
        free(*place);
        *place = NULL; /* some have two names */
    }
    for (size_t slot = 0; slot < block->layers; slot++) {
        free(block->linear[slot].weights);
        free(block->linear[slot].bias);
    }
    free(block->linear);
    *block = (struct block){.attention_norm = NULL};
}
