/* SPDX-License-Identifier: MIT */
#include "llm/model/model.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/interrupt.h"
#include "llm/model/stored.h"

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

/* Vectors that a block has beside its linear layers. */
enum gains_of_what { OF_ALL, OF_TWO_NORMS, OF_FOUR_NORMS, OF_HEADS };

static const struct gains {
    const char *name;
    size_t offset; /* of the pointer in struct block */
    enum gains_of_what of;
} all_gains[] = {
    {"input_layernorm", offsetof(struct block, attention_norm), OF_ALL},
    {"post_attention_layernorm", offsetof(struct block, ffn_norm), OF_TWO_NORMS},
    {"post_attention_layernorm", offsetof(struct block, attention_output_norm), OF_FOUR_NORMS},
    {"pre_feedforward_layernorm", offsetof(struct block, ffn_norm), OF_FOUR_NORMS},
    {"post_feedforward_layernorm", offsetof(struct block, ffn_output_norm), OF_FOUR_NORMS},
    {"self_attn.q_norm", offsetof(struct block, query_norm), OF_HEADS},
    {"self_attn.k_norm", offsetof(struct block, key_norm), OF_HEADS},
};

enum { GAINS = sizeof all_gains / sizeof all_gains[0] };

static bool has_gains(const struct config *config, const struct gains *gains)
{
    switch (gains->of) {
    case OF_TWO_NORMS:
        return !config->family->output_norms;
    case OF_FOUR_NORMS:
        return config->family->output_norms;
    case OF_HEADS:
        return config->head_norms;
    case OF_ALL:
        break;
    }
    return true;
}

static size_t gains_length(const struct config *config, const struct gains *gains)
{
    return gains->of == OF_HEADS ? config->head_dim : config->hidden;
}

static float **gains_of(struct block *block, const struct gains *gains)
{
    return (float **)(void *)((char *)block + gains->offset);
}

static bool has_bias(const struct config *config, enum linear_kind kind)
{
    if (kind <= LINEAR_V)
        return config->query_bias;
    return kind == LINEAR_O ? config->output_bias : config->ffn_bias;
}

/* A tensor of the checkpoint. */
static void name_tensor(const struct config *config, size_t block, const char *part,
                        const char *end, char name[MODEL_NAME_SIZE])
{
    const char *const prefix = config->family->prefix;

    snprintf(name, MODEL_NAME_SIZE, "%smodel.layers.%zu.%s.%s", prefix ? prefix : "", block, part,
             end);
}

/* Tensors beside those of blocks. */
static void name_outer(const struct config *config, const char *own, char name[MODEL_NAME_SIZE])
{
    snprintf(name, MODEL_NAME_SIZE, "%s%s", config->family->prefix ? config->family->prefix : "",
             own);
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
static float *load(const struct tensor *tensor, struct failure *failure)
{
    float *const values = malloc(tensor->count * sizeof *values);

    if (!values) {
        refuse(failure, "%s: tensor \"%s\": out of memory", tensor->file, tensor->name);
        return NULL;
    }
    const bool ok = checkpoint_read_f32(tensor, values, failure);
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
    char full[MODEL_NAME_SIZE];

    name_outer(config, name, full);
    *table = (struct table){.rows = config->vocabulary, .columns = config->hidden};
    table->stored = take(model, full, table->rows, table->columns, failure);
    if (!table->stored || !table->stored->coded_type)
        return table->stored != NULL;
    table->values = load(table->stored, failure);
    return table->values != NULL;
}

/* Layers that some families fuse, from the first of them on. */
static const struct fusion {
    const char *name;
    enum linear_kind first;
    enum linear_kind last;
} fusions[] = {
    {"self_attn.qkv_proj", LINEAR_Q, LINEAR_V},
    {"mlp.gate_up_proj", LINEAR_GATE, LINEAR_UP},
};

/* The tensor that a layer is in, and the rows before it and in all. */
static const char *find_place(const struct config *config, enum linear_kind kind, size_t *first,
                              size_t *rows)
{
    *first = 0;
    *rows = model_linear_shape(config, kind).rows;
    for (size_t i = 0; config->family->fused && i < sizeof fusions / sizeof fusions[0]; i++) {
        if (kind < fusions[i].first || kind > fusions[i].last)
            continue;
        *rows = 0;
        for (size_t other = fusions[i].first; other <= (size_t)fusions[i].last; other++) {
            if (other == (size_t)kind)
                *first = *rows;
            *rows += model_linear_shape(config, (enum linear_kind)other).rows;
        }
        return fusions[i].name;
    }
    return linear_names[kind];
}

static bool find_linear(const struct model *model, size_t number, enum linear_kind kind,
                        struct stored *stored, struct failure *failure)
{
    const struct config *const config = &model->config;
    const struct linear shape = model_linear_shape(config, kind);
    char name[MODEL_NAME_SIZE];
    size_t first, rows;

    name_tensor(config, number, find_place(config, kind, &first, &rows), "weight", name);
    if (!stored_find(stored, model->checkpoint, name, config->scale_block, failure))
        return false;
    if (stored->tensor->dimensions - (stored->form == STORED_MXFP4 ? 1 : 0) != 2 ||
        stored->rows != rows || stored->columns != shape.columns)
        return refuse(failure, "%s: tensor \"%s\": shape is not [%zu, %zu] as in config.json",
                      stored->tensor->file, stored->tensor->name, rows, shape.columns);
    *stored = stored_part(stored, first, shape.rows);
    return true;
}

static bool take_bias(const struct model *model, size_t number, enum linear_kind kind,
                      struct failure *failure)
{
    const struct config *const config = &model->config;
    char name[MODEL_NAME_SIZE];

    name_tensor(config, number, linear_names[kind], "bias", name);
    return !has_bias(config, kind) ||
           take(model, name, 1, model_linear_shape(config, kind).rows, failure);
}

/* Check that a block's tensors are there. */
static bool take_block(const struct model *model, size_t number, double *linear_bits,
                       struct failure *failure)
{
    const struct config *const config = &model->config;
    char name[MODEL_NAME_SIZE];

    for (size_t i = 0; i < GAINS; i++) {
        name_tensor(config, number, all_gains[i].name, "weight", name);
        if (has_gains(config, &all_gains[i]) &&
            !take(model, name, 1, gains_length(config, &all_gains[i]), failure))
            return false;
    }
    for (size_t kind = 0; kind < LINEAR_KINDS; kind++) {
        struct stored stored;
        if (!find_linear(model, number, (enum linear_kind)kind, &stored, failure) ||
            !take_bias(model, number, (enum linear_kind)kind, failure))
            return false;
        *linear_bits += stored_bits(&stored);
    }
    return true;
}

static float *load_gains(const struct model *model, const struct tensor *tensor,
                         struct failure *failure)
{
    float *const gains = load(tensor, failure);

    for (size_t i = 0; gains && model->config.family->offset_norms && i < tensor->count; i++)
        gains[i] += 1;
    return gains;
}

/* Computed as the checkpoint's numbers are: with as many significant bits. */
static float embedding_factor(const struct config *config, const struct tensor *embedding)
{
    const char *const type = embedding->coded_type ? embedding->coded_type : embedding->type;
    const int bits = strcmp(type, "BF16") == 0 ? 8 : strcmp(type, "F16") == 0 ? 11 : 24;
    int exponent;

    if (!config->family->scaled_embedding)
        return 1;
    const double fraction = frexp(sqrt((double)config->hidden), &exponent);
    return (float)ldexp(nearbyint(ldexp(fraction, bits)), exponent - bits);
}

static bool take_all(struct model *model, struct failure *failure)
{
    const struct config *const config = &model->config;
    char name[MODEL_NAME_SIZE];
    double linear_bits = 0;

    if (!take_table(model, &model->embedding, model_embedding_name, failure))
        return false;
    name_outer(config, "model.norm.weight", name);
    const struct tensor *const norm = take(model, name, 1, config->hidden, failure);
    if (!norm || (!config->tied && !take_table(model, &model->head, model_head_name, failure)))
        return false;
    for (size_t i = 0; i < config->blocks; i++)
        if (!take_block(model, i, &linear_bits, failure))
            return false;
    if (!checkpoint_refuse_rest(model->checkpoint, config->architecture, config->family->prefix,
                                failure))
        return false;
    model->embedding_factor = embedding_factor(config, model->embedding.stored);
    model->stored_bits = linear_bits / (double)model_linear_weights(model);
    model->norm = load_gains(model, norm, failure);
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

static bool load_weights(const struct model *model, size_t number, enum linear_kind kind,
                         struct linear *linear, struct failure *failure)
{
    struct stored stored;

    if (!find_linear(model, number, kind, &stored, failure))
        return false;
    linear->weights = malloc(linear->rows * linear->columns * sizeof *linear->weights);
    if (!linear->weights)
        return refuse(failure, "%s: tensor \"%s\": out of memory", stored.tensor->file,
                      stored.tensor->name);
    const bool ok = stored_read(&stored, 0, linear->rows, linear->weights, failure);
    stored_release(&stored);
    return ok;
}

static bool load_linear(const struct model *model, size_t number, enum linear_kind kind,
                        const struct model_absence *absence, struct linear *linear,
                        struct failure *failure)
{
    const struct config *const config = &model->config;
    char name[MODEL_NAME_SIZE];

    *linear = model_linear_shape(config, kind);
    model_linear_name(name, number, kind);
    if (!(absence && absence->has(absence->self, name)) &&
        !load_weights(model, number, kind, linear, failure))
        return false;
    if (!has_bias(config, kind))
        return true;
    name_tensor(config, number, linear_names[kind], "bias", name);
    linear->bias = load(checkpoint_find(model->checkpoint, name), failure);
    return linear->bias != NULL;
}

static struct attention_rule attention_of(const struct config *config, enum block_sight sight)
{
    return (struct attention_rule){.scale = (float)config->score_factor,
                                   .cap = (float)config->score_cap,
                                   .sight = sight,
                                   .span = sight == SIGHT_LOCAL ? config->sight : 0};
}

static bool load_parts(const struct model *model, size_t number,
                       const struct model_absence *absence, struct block *block,
                       struct failure *failure)
{
    const struct config *const config = &model->config;
    char name[MODEL_NAME_SIZE];

    block->attention = attention_of(config, config_sight(config, number));
    for (size_t i = 0; i < GAINS; i++) {
        float **const gains = gains_of(block, &all_gains[i]);
        name_tensor(config, number, all_gains[i].name, "weight", name);
        if (has_gains(config, &all_gains[i]) &&
            !(*gains = load_gains(model, checkpoint_find(model->checkpoint, name), failure)))
            return false;
    }
    for (size_t kind = 0; kind < LINEAR_KINDS; kind++)
        if (!load_linear(model, number, (enum linear_kind)kind, absence, &block->linear[kind],
                         failure))
            return false;
    return true;
}

void block_borrow(struct block *block, const struct block *original)
{
    block->attention = original->attention;
    for (size_t i = 0; i < GAINS; i++)
        *gains_of(block, &all_gains[i]) =
            *gains_of((struct block *)(uintptr_t)original, &all_gains[i]);
    for (size_t kind = 0; kind < LINEAR_KINDS; kind++)
        block->linear[kind].bias = original->linear[kind].bias;
}

static void zero_rows(const struct model *model, size_t number, struct block *block)
{
    for (size_t kind = 0; model->exclusions && kind < LINEAR_KINDS; kind++) {
        const struct exclusion *const exclusion =
            &model->exclusions->of[number * LINEAR_KINDS + kind];
        const size_t columns = block->linear[kind].columns;
        for (size_t i = 0; block->linear[kind].weights && i < exclusion->row_count; i++)
            memset(block->linear[kind].weights + exclusion->rows[i] * columns, 0,
                   columns * sizeof *block->linear[kind].weights);
    }
}

bool model_load_block_without(const struct model *model, size_t number,
                              const struct model_absence *absence, struct block *block,
                              struct failure *failure)
{
    *block = (struct block){.attention_norm = NULL};
    if (interrupt_none(failure) && load_parts(model, number, absence, block, failure)) {
        zero_rows(model, number, block);
        return true;
    }
    block_free(block);
    return false;
}

bool model_load_block(const struct model *model, size_t number, struct block *block,
                      struct failure *failure)
{
    return model_load_block_without(model, number, NULL, block, failure);
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
    uint64_t numbers = 0;

    for (size_t i = 0; i < GAINS; i++)
        numbers += has_gains(config, &all_gains[i]) ? gains_length(config, &all_gains[i]) : 0;
    for (size_t kind = 0; kind < LINEAR_KINDS; kind++) {
        const struct linear shape = model_linear_shape(config, (enum linear_kind)kind);
        numbers += (uint64_t)shape.rows * shape.columns;
        numbers += has_bias(config, (enum linear_kind)kind) ? shape.rows : 0;
    }
    return numbers * sizeof(float);
}

void block_free(struct block *block)
{
    for (size_t i = 0; i < GAINS; i++) {
        float **const gains = gains_of(block, &all_gains[i]);
        free(*gains);
        *gains = NULL; /* some have two names */
    }
    for (size_t kind = 0; kind < LINEAR_KINDS; kind++) {
        free(block->linear[kind].weights);
        free(block->linear[kind].bias);
    }
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

bool model_load_tables(struct model *model, struct failure *failure)
{
    return (model->embedding.values || table_load(&model->embedding, failure)) &&
           model_load_head(model, failure);
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

static bool is_linear_name(const char *name, size_t *block, enum linear_kind *kind)
{
    char own[MODEL_NAME_SIZE];

    if (sscanf(name, "model.layers.%zu.", block) != 1)
        return false;
    for (size_t i = 0; i < LINEAR_KINDS; i++) {
        *kind = (enum linear_kind)i;
        model_linear_name(own, *block, *kind);
        if (strcmp(name, own) == 0)
            return true;
    }
    return false;
}

void model_tensor_name(const struct config *config, const char *name, char tensor[MODEL_NAME_SIZE])
{
    enum linear_kind kind;
    size_t block, first, rows;

    if (is_linear_name(name, &block, &kind))
        name_tensor(config, block, find_place(config, kind, &first, &rows), "weight", tensor);
    else if (strcmp(name, model_embedding_name) == 0 || strcmp(name, model_head_name) == 0)
        name_outer(config, name, tensor);
    else
        snprintf(tensor, MODEL_NAME_SIZE, "%s", name);
}
