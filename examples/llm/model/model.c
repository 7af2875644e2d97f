/* SPDX-License-Identifier: MIT */
#include "llm/model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/interrupt.h"
#include "llm/model/stored.h"

static bool check_shape(const struct tensor *tensor, size_t rows, size_t columns,
                        struct failure *failure)
{
    const bool vector = rows == 0;
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

/* A matrix, or a vector if rows is 0. Returns NULL on failure. */
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

    tensors_name_outer(config, name, full);
    *table = (struct table){.rows = config->vocabulary, .columns = config->hidden};
    table->stored = take(model, full, table->rows, table->columns, failure);
    if (!table->stored || !table->stored->coded_type)
        return table->stored != NULL;
    table->values = load(table->stored, failure);
    return table->values != NULL;
}

static bool take_bias(const struct model *model, const struct layer_place *place,
                      struct failure *failure)
{
    char part[MODEL_NAME_SIZE], name[MODEL_NAME_SIZE];

    if (!block_has_bias(&model->config, place->kind))
        return true;
    layers_part(&model->config, place, part);
    tensors_name(&model->config, place->block, part, "bias", name);
    return take(model, name, 0, place->rows, failure);
}

/* Check that a block's tensors are there. */
static bool take_block(const struct model *model, size_t number, double *linear_bits,
                       struct failure *failure)
{
    const struct config *const config = &model->config;
    struct gains gains[BLOCK_MAX_GAINS];
    char name[MODEL_NAME_SIZE];

    for (size_t i = block_gains(config, number, NULL, gains); i-- > 0;) {
        tensors_name(config, number, gains[i].name, "weight", name);
        if (!take(model, name, gains[i].rows, gains[i].length, failure))
            return false;
    }
    for (size_t slot = 0; slot < layers_of_block(config, number); slot++) {
        const struct layer_place place = layers_in(config, number, slot);
        struct stored stored;
        if (!tensors_find(&stored, model->checkpoint, config, &place, failure) ||
            !take_bias(model, &place, failure))
            return false;
        *linear_bits += stored_bits(&stored);
    }
    return true;
}

/* Of a vector of gains; a matrix is as it is stored. */
static float *load_gains(const struct model *model, const struct tensor *tensor,
                         struct failure *failure)
{
    float *const gains = load(tensor, failure);
    const bool offset = model->config.family->offset_norms && tensor->dimensions == 1;

    for (size_t i = 0; gains && offset && i < tensor->count; i++)
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
    tensors_name_outer(config, "model.norm.weight", name);
    const struct tensor *const norm = take(model, name, 0, config->hidden, failure);
    if (!norm || (!config->tied && !take_table(model, &model->head, model_head_name, failure)))
        return false;
    for (size_t i = 0; i < config->blocks; i++)
        if (!take_block(model, i, &linear_bits, failure))
            return false;
    if (!checkpoint_refuse_rest(model->checkpoint, config->architecture, config->family->prefix,
                                failure))
        return false;
    model->embedding_factor = embedding_factor(config, model->embedding.stored);
    model->stored_bits = linear_bits / (double)layers_weights(config);
    model->norm = load_gains(model, norm, failure);
    return model->norm != NULL;
}

bool model_open(struct model *model, const char *directory, struct failure *failure)
{
    *model = (struct model){.stored_bits = 0};
    if (!config_load(&model->config, directory, failure) ||
        !checkpoint_open(&model->checkpoint, directory, failure))
        return false;
    tensors_look(&model->config, model->checkpoint);
    if (take_all(model, failure))
        return true;
    model_free(model);
    return false;
}

static bool load_bias(const struct model *model, const struct layer_place *place,
                      struct linear *linear, struct failure *failure)
{
    char part[MODEL_NAME_SIZE], name[MODEL_NAME_SIZE];

    if (!block_has_bias(&model->config, place->kind))
        return true;
    layers_part(&model->config, place, part);
    tensors_name(&model->config, place->block, part, "bias", name);
    linear->bias = load(checkpoint_find(model->checkpoint, name), failure);
    return linear->bias != NULL;
}

static bool load_weights(const struct model *model, const struct layer_place *place,
                         struct linear *linear, struct failure *failure)
{
    struct stored stored;

    if (!tensors_find(&stored, model->checkpoint, &model->config, place, failure))
        return false;
    linear->weights = malloc(linear->rows * linear->columns * sizeof *linear->weights);
    if (!linear->weights)
        return refuse(failure, "%s: tensor \"%s\": out of memory", stored.tensor->file,
                      stored.tensor->name);
    const bool ok = stored_read(&stored, 0, linear->rows, linear->weights, failure);
    stored_release(&stored);
    return ok;
}

static bool load_linear(const struct model *model, const struct layer_place *place,
                        const struct model_absence *absence, struct linear *linear,
                        struct failure *failure)
{
    char name[MODEL_NAME_SIZE];

    layers_name(&model->config, layers_before(&model->config, place->block) + place->slot, name);
    return ((absence && absence->has(absence->self, name)) ||
            load_weights(model, place, linear, failure)) &&
           load_bias(model, place, linear, failure);
}

static struct attention_rule attention_of(const struct config *config, enum block_sight sight)
{
    return (struct attention_rule){.scale = (float)config->score_factor,
                                   .cap = (float)config->score_cap,
                                   .sight = sight,
                                   .span = sight == SIGHT_LOCAL ? config->sight : 0};
}

static bool load_all_gains(const struct model *model, size_t number, struct block *block,
                           struct failure *failure)
{
    struct gains gains[BLOCK_MAX_GAINS];
    char name[MODEL_NAME_SIZE];

    for (size_t i = block_gains(&model->config, number, block, gains); i-- > 0;) {
        tensors_name(&model->config, number, gains[i].name, "weight", name);
        *gains[i].place = load_gains(model, checkpoint_find(model->checkpoint, name), failure);
        if (!*gains[i].place)
            return false;
    }
    return true;
}

static bool load_parts(const struct model *model, size_t number,
                       const struct model_absence *absence, struct block *block,
                       struct failure *failure)
{
    const struct config *const config = &model->config;

    if (!block_create(block, config, number, failure) ||
        !load_all_gains(model, number, block, failure))
        return false;
    block->attention = attention_of(config, config_sight(config, number));
    for (size_t slot = 0; slot < block->layers; slot++) {
        const struct layer_place place = layers_in(config, number, slot);
        if (!load_linear(model, &place, absence, &block->linear[slot], failure))
            return false;
    }
    return true;
}

static void zero_rows(const struct model *model, size_t number, struct block *block)
{
    const size_t before = layers_before(&model->config, number);

    for (size_t slot = 0; model->exclusions && slot < block->layers; slot++) {
        const struct exclusion *const exclusion = &model->exclusions->of[before + slot];
        struct linear *const linear = &block->linear[slot];
        for (size_t i = 0; linear->weights && i < exclusion->row_count; i++)
            memset(linear->weights + exclusion->rows[i] * linear->columns, 0,
                   linear->columns * sizeof *linear->weights);
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
