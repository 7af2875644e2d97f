/* SPDX-License-Identifier: MIT */
#include "llm/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "llm/checkpoint.h"

static const char *const linear_names[LINEAR_KINDS] = {
    [LINEAR_Q] = "self_attn.q_proj", [LINEAR_K] = "self_attn.k_proj",
    [LINEAR_V] = "self_attn.v_proj", [LINEAR_O] = "self_attn.o_proj",
    [LINEAR_GATE] = "mlp.gate_proj", [LINEAR_UP] = "mlp.up_proj",
    [LINEAR_DOWN] = "mlp.down_proj",
};

void model_linear_name(char name[MODEL_NAME_SIZE], size_t block, enum linear_kind kind)
{
    snprintf(name, MODEL_NAME_SIZE, "model.layers.%zu.%s.weight", block, linear_names[kind]);
}

static void set_shapes(struct block *block, const struct config *config)
{
    const size_t query = config->heads * config->head_dim;
    const size_t key = config->kv_heads * config->head_dim;
    const size_t hidden = config->hidden;
    const size_t shapes[LINEAR_KINDS][2] = {
        [LINEAR_Q] = {query, hidden},
        [LINEAR_K] = {key, hidden},
        [LINEAR_V] = {key, hidden},
        [LINEAR_O] = {hidden, query},
        [LINEAR_GATE] = {config->intermediate, hidden},
        [LINEAR_UP] = {config->intermediate, hidden},
        [LINEAR_DOWN] = {hidden, config->intermediate},
    };

    for (size_t kind = 0; kind < LINEAR_KINDS; kind++) {
        block->linear[kind].rows = shapes[kind][0];
        block->linear[kind].columns = shapes[kind][1];
    }
}

struct loader {
    struct checkpoint *checkpoint;
    struct failure *failure;
    size_t linear_bytes; /* of the linear layers in the checkpoint */
};

static bool check_shape(const struct loader *loader, const struct tensor *tensor, size_t rows,
                        size_t columns)
{
    const bool vector = rows == 1;
    const size_t dimensions = vector ? 1 : 2;

    if (tensor->dimensions == dimensions && tensor->shape[dimensions - 1] == columns &&
        (vector || tensor->shape[0] == rows))
        return true;
    if (vector)
        return refuse(loader->failure, "%s: tensor \"%s\": shape is not [%zu] as in config.json",
                      tensor->file, tensor->name, columns);
    return refuse(loader->failure, "%s: tensor \"%s\": shape is not [%zu, %zu] as in config.json",
                  tensor->file, tensor->name, rows, columns);
}

/* A matrix, or a vector if rows is 1. Returns NULL on failure. */
static float *load(const struct loader *loader, const char *name, size_t rows, size_t columns)
{
    const struct tensor *const tensor = checkpoint_take(loader->checkpoint, name, loader->failure);

    if (!tensor || !check_shape(loader, tensor, rows, columns))
        return NULL;
    float *const values = malloc(tensor->count * sizeof *values);
    if (!values) {
        refuse(loader->failure, "%s: tensor \"%s\": out of memory", tensor->file, name);
        return NULL;
    }
    if (!tensor_read_f32(tensor, values, loader->failure)) {
        free(values);
        return NULL;
    }
    return values;
}

static float *load_norm(const struct loader *loader, size_t number, const char *which,
                        size_t length)
{
    char name[MODEL_NAME_SIZE];

    snprintf(name, sizeof name, "model.layers.%zu.%s.weight", number, which);
    return load(loader, name, 1, length);
}

static bool load_linear(struct loader *loader, size_t number, enum linear_kind kind,
                        struct linear *linear)
{
    char name[MODEL_NAME_SIZE];

    model_linear_name(name, number, kind);
    linear->weights = load(loader, name, linear->rows, linear->columns);
    if (!linear->weights)
        return false;
    loader->linear_bytes += checkpoint_take(loader->checkpoint, name, loader->failure)->bytes;
    return true;
}

static bool load_head_norms(const struct loader *loader, size_t number, const struct config *config,
                            struct block *block)
{
    block->query_norm = load_norm(loader, number, "self_attn.q_norm", config->head_dim);
    if (!block->query_norm)
        return false;
    block->key_norm = load_norm(loader, number, "self_attn.k_norm", config->head_dim);
    return block->key_norm != NULL;
}

static bool load_block(struct loader *loader, size_t number, const struct config *config,
                       struct block *block)
{
    block->attention_norm = load_norm(loader, number, "input_layernorm", config->hidden);
    if (!block->attention_norm)
        return false;
    block->ffn_norm = load_norm(loader, number, "post_attention_layernorm", config->hidden);
    if (!block->ffn_norm || (config->head_norms && !load_head_norms(loader, number, config, block)))
        return false;
    set_shapes(block, config);
    for (size_t kind = 0; kind < LINEAR_KINDS; kind++)
        if (!load_linear(loader, number, (enum linear_kind)kind, &block->linear[kind]))
            return false;
    return true;
}

static bool load_all(struct loader *loader, struct model *model)
{
    const struct config *const config = &model->config;

    model->embedding =
        load(loader, "model.embed_tokens.weight", config->vocabulary, config->hidden);
    if (!model->embedding)
        return false;
    model->norm = load(loader, "model.norm.weight", 1, config->hidden);
    if (!model->norm)
        return false;
    model->head = config->tied ? model->embedding
                               : load(loader, "lm_head.weight", config->vocabulary, config->hidden);
    if (!model->head)
        return false;
    model->blocks = calloc(config->blocks, sizeof *model->blocks);
    if (!model->blocks)
        return refuse(loader->failure, "out of memory for %zu blocks", config->blocks);
    for (size_t i = 0; i < config->blocks; i++)
        if (!load_block(loader, i, config, &model->blocks[i]))
            return false;
    model->stored_bits = 8 * (double)loader->linear_bytes / (double)model_linear_weights(model);
    return checkpoint_refuse_rest(loader->checkpoint, config->architecture, loader->failure);
}

bool model_load(struct model *model, const char *directory, struct failure *failure)
{
    struct loader loader = {.failure = failure};

    *model = (struct model){.stored_bits = 0};
    if (!config_load(&model->config, directory, failure) ||
        !checkpoint_open(&loader.checkpoint, directory, failure))
        return false;
    const bool ok = load_all(&loader, model);
    checkpoint_close(loader.checkpoint);
    if (!ok)
        model_free(model);
    return ok;
}

static void free_block(struct block *block)
{
    free(block->attention_norm);
    free(block->ffn_norm);
    free(block->query_norm);
    free(block->key_norm);
    for (size_t kind = 0; kind < LINEAR_KINDS; kind++)
        free(block->linear[kind].weights);
}

void model_free(struct model *model)
{
    for (size_t i = 0; model->blocks && i < model->config.blocks; i++)
        free_block(&model->blocks[i]);
    free(model->blocks);
    if (model->head != model->embedding)
        free(model->head);
    free(model->embedding);
    free(model->norm);
    *model = (struct model){.stored_bits = 0};
}

void model_copy_linear(struct model *to, const struct model *from)
{
    for (size_t i = 0; i < from->config.blocks; i++) {
        for (size_t kind = 0; kind < LINEAR_KINDS; kind++) {
            const struct linear *const source = &from->blocks[i].linear[kind];
            memcpy(to->blocks[i].linear[kind].weights, source->weights,
                   source->rows * source->columns * sizeof *source->weights);
        }
    }
}

size_t model_linear_weights(const struct model *model)
{
    size_t weights = 0;

    for (size_t i = 0; i < model->config.blocks; i++)
        for (size_t kind = 0; kind < LINEAR_KINDS; kind++)
            weights += model->blocks[i].linear[kind].rows * model->blocks[i].linear[kind].columns;
    return weights;
}
