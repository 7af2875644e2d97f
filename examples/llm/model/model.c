/* SPDX-License-Identifier: MIT */
#include "llm/model/model.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/interrupt.h"

const char model_embedding_name[] = "model.embed_tokens.weight";
const char model_head_name[] = "lm_head.weight";

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

struct linear model_linear_shape(const struct config *config, enum linear_kind kind)
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

    return (struct linear){.rows = shapes[kind][0], .columns = shapes[kind][1]};
}

size_t model_widest(const struct config *config)
{
    size_t widest = 0;

    for (size_t kind = 0; kind < LINEAR_KINDS; kind++) {
        const size_t columns = model_linear_shape(config, (enum linear_kind)kind).columns;
        widest = columns > widest ? columns : widest;
    }
    return widest;
}

/* Vectors of gains that a block has beside its linear layers. */
static const struct gains {
    const char *name;
    size_t offset; /* of the pointer in struct block */
    bool of_heads;
} all_gains[] = {
    {"input_layernorm", offsetof(struct block, attention_norm), false},
    {"post_attention_layernorm", offsetof(struct block, ffn_norm), false},
    {"self_attn.q_norm", offsetof(struct block, query_norm), true},
    {"self_attn.k_norm", offsetof(struct block, key_norm), true},
};

enum { GAINS = sizeof all_gains / sizeof all_gains[0] };

static void name_gains(char name[MODEL_NAME_SIZE], size_t block, const struct gains *gains)
{
    snprintf(name, MODEL_NAME_SIZE, "model.layers.%zu.%s.weight", block, gains->name);
}

static bool has_gains(const struct config *config, const struct gains *gains)
{
    return config->head_norms || !gains->of_heads;
}

static float **gains_of(struct block *block, const struct gains *gains)
{
    return (float **)(void *)((char *)block + gains->offset);
}

static bool check_shape(const struct tensor *tensor, size_t rows, size_t columns,
                        struct failure *failure)
{
    const bool vector = rows == 1;
    const size_t dimensions = vector ? 1 : 2;

    if (tensor->dimensions == dimensions && tensor->shape[dimensions - 1] == columns &&
        (vector || tensor->shape[0] == rows))
        return true;
    if (vector)
        return refuse(failure, "%s: tensor \"%s\": shape is not [%zu] as in config.json",
                      tensor->file, tensor->name, columns);
    return refuse(failure, "%s: tensor \"%s\": shape is not [%zu, %zu] as in config.json",
                  tensor->file, tensor->name, rows, columns);
}

/* A matrix, or a vector if rows is 1. Returns NULL on failure. */
static const struct tensor *take(const struct model *model, const char *name, size_t rows,
                                 size_t columns, struct failure *failure)
{
    const struct tensor *const tensor = checkpoint_take(model->checkpoint, name, failure);

    return tensor && check_shape(tensor, rows, columns, failure) ? tensor : NULL;
}

/* Returns NULL on failure. */
static float *load(const struct model *model, const struct tensor *tensor, struct failure *failure)
{
    float *const values = malloc(tensor->count * sizeof *values);

    if (!values) {
        refuse(failure, "%s: tensor \"%s\": out of memory", tensor->file, tensor->name);
        return NULL;
    }
    const bool ok = checkpoint_read_f32(model->checkpoint, tensor, values, failure);
    tensor_release(tensor);
    if (ok)
        return values;
    free(values);
    return NULL;
}

/* One that is coded is in memory from now on: rows of it are asked for in any order. */
static bool take_table(const struct model *model, struct table *table, const char *name,
                       struct failure *failure)
{
    const struct config *const config = &model->config;

    *table = (struct table){.rows = config->vocabulary, .columns = config->hidden};
    table->stored = take(model, name, table->rows, table->columns, failure);
    if (!table->stored || !table->stored->coded_type)
        return table->stored != NULL;
    table->values = load(model, table->stored, failure);
    return table->values != NULL;
}

/* Check that a block's tensors are there. */
static bool take_block(const struct model *model, size_t number, size_t *linear_bytes,
                       struct failure *failure)
{
    const struct config *const config = &model->config;
    char name[MODEL_NAME_SIZE];

    for (size_t i = 0; i < GAINS; i++) {
        const size_t length = all_gains[i].of_heads ? config->head_dim : config->hidden;
        name_gains(name, number, &all_gains[i]);
        if (has_gains(config, &all_gains[i]) && !take(model, name, 1, length, failure))
            return false;
    }
    for (size_t kind = 0; kind < LINEAR_KINDS; kind++) {
        const struct linear shape = model_linear_shape(config, (enum linear_kind)kind);
        model_linear_name(name, number, (enum linear_kind)kind);
        const struct tensor *const tensor = take(model, name, shape.rows, shape.columns, failure);
        if (!tensor)
            return false;
        *linear_bytes += tensor->bytes;
    }
    return true;
}

static bool take_all(struct model *model, struct failure *failure)
{
    const struct config *const config = &model->config;
    size_t linear_bytes = 0;

    if (!take_table(model, &model->embedding, model_embedding_name, failure))
        return false;
    const struct tensor *const norm = take(model, "model.norm.weight", 1, config->hidden, failure);
    if (!norm || (!config->tied && !take_table(model, &model->head, model_head_name, failure)))
        return false;
    for (size_t i = 0; i < config->blocks; i++)
        if (!take_block(model, i, &linear_bytes, failure))
            return false;
    if (!checkpoint_refuse_rest(model->checkpoint, config->architecture, failure))
        return false;
    model->stored_bits = 8 * (double)linear_bytes / (double)model_linear_weights(model);
    model->norm = load(model, norm, failure);
    return model->norm != NULL;
}

bool model_open(struct model *model, const char *directory, struct failure *failure)
{
    *model = (struct model){.stored_bits = 0};
    if (!config_load(&model->config, directory, failure) ||
        !checkpoint_open(&model->checkpoint, directory, failure))
        return false;
    if (take_all(model, failure))
        return true;
    model_free(model);
    return false;
}

static struct attention_rule attention_of(const struct config *config)
{
    return (struct attention_rule){.scale = 1 / sqrtf((float)config->head_dim)};
}

static bool load_parts(const struct model *model, size_t number, struct block *block,
                       struct failure *failure)
{
    char name[MODEL_NAME_SIZE];

    block->attention = attention_of(&model->config);
    for (size_t i = 0; i < GAINS; i++) {
        float **const gains = gains_of(block, &all_gains[i]);
        name_gains(name, number, &all_gains[i]);
        if (has_gains(&model->config, &all_gains[i]) &&
            !(*gains = load(model, checkpoint_find(model->checkpoint, name), failure)))
            return false;
    }
    for (size_t kind = 0; kind < LINEAR_KINDS; kind++) {
        struct linear *const linear = &block->linear[kind];
        *linear = model_linear_shape(&model->config, (enum linear_kind)kind);
        model_linear_name(name, number, (enum linear_kind)kind);
        linear->weights = load(model, checkpoint_find(model->checkpoint, name), failure);
        if (!linear->weights)
            return false;
    }
    return true;
}

static void zero_rows(const struct model *model, size_t number, struct block *block)
{
    for (size_t kind = 0; model->exclusions && kind < LINEAR_KINDS; kind++) {
        const struct exclusion *const exclusion =
            &model->exclusions->of[number * LINEAR_KINDS + kind];
        const size_t columns = block->linear[kind].columns;
        for (size_t i = 0; i < exclusion->row_count; i++)
            memset(block->linear[kind].weights + exclusion->rows[i] * columns, 0,
                   columns * sizeof *block->linear[kind].weights);
    }
}

bool model_load_block(const struct model *model, size_t number, struct block *block,
                      struct failure *failure)
{
    *block = (struct block){.attention_norm = NULL};
    if (interrupt_none(failure) && load_parts(model, number, block, failure)) {
        zero_rows(model, number, block);
        return true;
    }
    block_free(block);
    return false;
}

const struct block *model_block(const struct model *model, size_t number, struct block *loaded,
                                struct failure *failure)
{
    if (model->blocks)
        return &model->blocks[number];
    block_free(loaded);
    return model_load_block(model, number, loaded, failure) ? loaded : NULL;
}

uint64_t block_memory(const struct config *config)
{
    uint64_t numbers = 2 * config->hidden + (config->head_norms ? 2 * config->head_dim : 0);

    for (size_t kind = 0; kind < LINEAR_KINDS; kind++) {
        const struct linear shape = model_linear_shape(config, (enum linear_kind)kind);
        numbers += (uint64_t)shape.rows * shape.columns;
    }
    return numbers * sizeof(float);
}

void block_free(struct block *block)
{
    for (size_t i = 0; i < GAINS; i++)
        free(*gains_of(block, &all_gains[i]));
    for (size_t kind = 0; kind < LINEAR_KINDS; kind++)
        free(block->linear[kind].weights);
    *block = (struct block){.attention_norm = NULL};
}

bool model_load_rest(struct model *model, struct failure *failure)
{
    model->blocks = calloc(model->config.blocks, sizeof *model->blocks);
    if (!model->blocks)
        return refuse(failure, "out of memory for %zu blocks", model->config.blocks);
    for (size_t i = 0; i < model->config.blocks; i++)
        if (!model_load_block(model, i, &model->blocks[i], failure))
            return false;
    return model_load_head(model, failure);
}

bool model_load_head(struct model *model, struct failure *failure)
{
    struct table *const head = model->config.tied ? &model->embedding : &model->head;

    return head->values || table_load(head, failure);
}

bool model_load(struct model *model, const char *directory, struct failure *failure)
{
    if (!model_open(model, directory, failure))
        return false;
    if (model_load_rest(model, failure))
        return true;
    model_free(model);
    return false;
}

void model_free(struct model *model)
{
    for (size_t i = 0; model->blocks && i < model->config.blocks; i++)
        block_free(&model->blocks[i]);
    free(model->blocks);
    table_unload(&model->embedding);
    table_unload(&model->head);
    free(model->norm);
    checkpoint_close(model->checkpoint);
    *model = (struct model){.stored_bits = 0};
}

const struct table *model_head(const struct model *model)
{
    return model->config.tied ? &model->embedding : &model->head;
}

size_t model_linear_weights(const struct model *model)
{
    size_t weights = 0;

    for (size_t kind = 0; kind < LINEAR_KINDS; kind++) {
        const struct linear shape = model_linear_shape(&model->config, (enum linear_kind)kind);
        weights += shape.rows * shape.columns;
    }
    return weights * model->config.blocks;
}
