/* SPDX-License-Identifier: MIT */
#include "llm/model/tensors.h"

#include <stdio.h>
#include <string.h>

const char model_embedding_name[] = "model.embed_tokens.weight";
const char model_head_name[] = "lm_head.weight";

static const char *prefix_of(const struct config *config)
{
    return config->family->prefix ? config->family->prefix : "";
}

/* end may be NULL: nothing follows the part. A name that does not fit is that of no tensor. */
void tensors_name(const struct config *config, size_t block, const char *part, const char *end,
                  char name[MODEL_NAME_SIZE])
{
    if (snprintf(name, MODEL_NAME_SIZE, "%smodel.layers.%zu.%s%s%s", prefix_of(config), block, part,
                 end ? "." : "", end ? end : "") >= MODEL_NAME_SIZE)
        name[0] = '\0';
}

void tensors_name_outer(const struct config *config, const char *own, char name[MODEL_NAME_SIZE])
{
    snprintf(name, MODEL_NAME_SIZE, "%s%s", prefix_of(config), own);
}

/* A layer as a band of a tensor. */
struct band {
    char name[MODEL_NAME_SIZE];
    size_t first;  /* rows before it */
    size_t height; /* of the matrix that it is a band of */
    size_t stack;  /* matrices in the tensor; 0: it is none of a stack */
};

/* Layers that some families fuse, from the first of them on. Stacked experts are fused likewise. */
static const struct fusion {
    const char *name;
    const char *stacked;
    enum linear_kind first;
    enum linear_kind last;
} fusions[] = {
    {"self_attn.qkv_proj", NULL, LINEAR_Q, LINEAR_V},
    {"mlp.gate_up_proj", "mlp.experts.gate_up_proj", LINEAR_GATE, LINEAR_UP},
    {NULL, "mlp.experts.down_proj", LINEAR_DOWN, LINEAR_DOWN},
};

static bool is_stacked(const struct config *config, const struct layer_place *place)
{
    return place->kind >= LINEAR_GATE && config->mixture.stacked &&
           config_experts(config, place->block) > 0;
}

/* Rows of fused layers before this one, and of all. */
static void find_rows(const struct config *config, const struct layer_place *place,
                      const struct fusion *fusion, struct band *band)
{
    band->height = 0;
    for (size_t kind = fusion->first; kind <= (size_t)fusion->last; kind++) {
        if (kind == (size_t)place->kind)
            band->first = band->height;
        band->height += layers_in(config, place->block, kind).rows;
    }
}

static struct band find_band(const struct config *config, const struct layer_place *place)
{
    const bool stacked = is_stacked(config, place);
    struct band band = {.height = place->rows};
    char part[MODEL_NAME_SIZE];

    layers_part(config, place, part);
    tensors_name(config, place->block, part, "weight", band.name);
    for (size_t i = 0; i < sizeof fusions / sizeof fusions[0]; i++) {
        const struct fusion *const fusion = &fusions[i];
        const char *const name = stacked ? fusion->stacked : fusion->name;
        if (!name || place->kind < fusion->first || place->kind > fusion->last ||
            !(stacked || config->family->fused))
            continue;
        tensors_name(config, place->block, name, stacked ? NULL : "weight", band.name);
        find_rows(config, place, fusion, &band);
        band.first += stacked ? place->expert * band.height : 0;
        band.stack = stacked ? config_experts(config, place->block) : 0;
    }
    return band;
}

static bool check_shape(const struct stored *stored, const struct band *band, size_t columns,
                        struct failure *failure)
{
    const size_t inside = stored->form == STORED_MXFP4 ? 1 : 0;
    const size_t dimensions = stored->tensor->dimensions - inside;

    if (dimensions == (band->stack > 0 ? 3 : 2) && stored->matrix_rows == band->height &&
        stored->columns == columns &&
        stored->rows == band->height * (band->stack > 0 ? band->stack : 1))
        return true;
    if (band->stack > 0)
        return refuse(failure, "%s: tensor \"%s\": shape is not [%zu, %zu, %zu] as in config.json",
                      stored->tensor->file, stored->tensor->name, band->stack, band->height,
                      columns);
    return refuse(failure, "%s: tensor \"%s\": shape is not [%zu, %zu] as in config.json",
                  stored->tensor->file, stored->tensor->name, band->height, columns);
}

bool tensors_find(struct stored *stored, struct checkpoint *checkpoint, const struct config *config,
                  const struct layer_place *place, struct failure *failure)
{
    const struct band band = find_band(config, place);

    if (!stored_find(stored, checkpoint, band.name, config->scale_block, failure) ||
        !check_shape(stored, &band, place->columns, failure))
        return false;
    *stored = stored_part(stored, band.first, place->rows);
    return true;
}

void tensors_of_layer(const struct config *config, const char *name, char tensor[MODEL_NAME_SIZE])
{
    size_t number;

    if (layers_find(config, name, &number)) {
        const struct layer_place place = layers_at(config, number);
        const struct band band = find_band(config, &place);
        memcpy(tensor, band.name, MODEL_NAME_SIZE);
    } else if (strcmp(name, model_embedding_name) == 0 || strcmp(name, model_head_name) == 0)
        tensors_name_outer(config, name, tensor);
    else
        snprintf(tensor, MODEL_NAME_SIZE, "%s", name);
}

static bool has(const struct config *config, const struct checkpoint *checkpoint, size_t block,
                const char *part)
{
    char name[MODEL_NAME_SIZE];

    tensors_name(config, block, part, NULL, name);
    if (checkpoint_find(checkpoint, name))
        return true;
    tensors_name(config, block, part, "_blocks", name);
    return checkpoint_find(checkpoint, name) != NULL;
}

/* All blocks are stored alike: the first one that has experts tells how. */
void tensors_look(struct config *config, const struct checkpoint *checkpoint)
{
    size_t block = 0;

    while (block < config->blocks && config_experts(config, block) == 0)
        block++;
    config->mixture.stacked =
        block < config->blocks && has(config, checkpoint, block, fusions[1].stacked);
}
