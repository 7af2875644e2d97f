/* SPDX-License-Identifier: MIT */
#include "llm/model/restore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool read_info(const struct restored *restored, const wsic_layer *layer, const char *name,
                      wsic_layer_info *info, struct failure *failure)
{
    info->size = sizeof *info;
    if (wsic_layer_get_info(layer, info) < 0)
        return refuse(failure, "%s: layer \"%s\": %s", restored->path, name,
                      wsic_layer_message(layer));
    return true;
}

bool restored_has(const struct restored *restored, const char *name)
{
    return package_find(restored->package, name, NULL);
}

/* The list holds names in quotes; no name of a tensor has any. */
bool restored_skips(const struct restored *restored, const char *name)
{
    const char *const list = package_metadata(restored->package, "skipped");
    char quoted[MODEL_NAME_SIZE + 2];

    snprintf(quoted, sizeof quoted, "\"%s\"", name);
    return list && strstr(list, quoted) && !restored_has(restored, name);
}

wsic_layer *restored_layer(const struct restored *restored, const char *name,
                           const struct linear *shape, wsic_layer_info *info,
                           struct failure *failure)
{
    size_t index;

    if (!package_find(restored->package, name, &index)) {
        refuse(failure, "%s: layer \"%s\" is missing", restored->path, name);
        return NULL;
    }
    wsic_layer *const layer = package_layer(restored->package, index, failure);
    if (!layer)
        return NULL;
    if (!read_info(restored, layer, name, info, failure)) {
        wsic_layer_destroy(layer);
        return NULL;
    }
    if (info->rows == shape->rows && info->columns == shape->columns)
        return layer;
    refuse(failure, "%s: layer \"%s\" is %llu x %llu, but the model's is %zu x %zu", restored->path,
           name, (unsigned long long)info->rows, (unsigned long long)info->columns, shape->rows,
           shape->columns);
    wsic_layer_destroy(layer);
    return NULL;
}

static bool restore_layer(const struct restored *restored, const char *name, struct linear *linear,
                          wsic_layer_info *info, struct failure *failure)
{
    wsic_layer *const layer = restored_layer(restored, name, linear, info, failure);
    wsic_matrix weights;

    if (!layer)
        return false;
    wsic_matrix_init(&weights, sizeof weights, linear->weights, WSIC_F32, linear->rows,
                     linear->columns, 0);
    const bool ok =
        wsic_layer_dequantize(layer, 0, &weights) >= 0 ||
        refuse(failure, "%s: layer \"%s\": %s", restored->path, name, wsic_layer_message(layer));
    wsic_layer_destroy(layer);
    return ok;
}

/* Nothing is evaluated that is not in the model, nor left out of what is counted. */
static bool check_names(const struct restored *restored, struct failure *failure)
{
    const struct config *const config = &restored->model.config;
    size_t known = 0;
    char name[MODEL_NAME_SIZE];

    for (size_t i = 0; i < layers_count(config); i++) {
        layers_name(config, i, name);
        if (restored_skips(restored, name))
            continue;
        if (!restored_has(restored, name))
            return refuse(failure, "%s: layer \"%s\" is missing", restored->path, name);
        known++;
    }
    known += restored_has(restored, model_embedding_name);
    known += !config->tied && restored_has(restored, model_head_name);
    if (known < package_count(restored->package))
        return refuse(failure, "%s: %zu of its %zu layers are no part of the model", restored->path,
                      package_count(restored->package) - known, package_count(restored->package));
    return true;
}

static bool count_weights(struct restored *restored, struct failure *failure)
{
    for (size_t i = 0; i < package_count(restored->package); i++) {
        wsic_layer *const layer = package_layer(restored->package, i, failure);
        wsic_layer_info info;
        if (!layer)
            return false;
        const bool ok =
            read_info(restored, layer, package_name(restored->package, i), &info, failure);
        wsic_layer_destroy(layer);
        if (!ok)
            return false;
        restored->weights += info.rows * info.columns;
    }
    return true;
}

/* Have a matrix of the archive in memory, if it has it. */
static bool restore_table(const struct restored *restored, const char *name, struct table *table,
                          struct failure *failure)
{
    struct linear linear = {.rows = table->rows, .columns = table->columns};
    wsic_layer_info info;

    if (!restored_has(restored, name))
        return true;
    linear.weights = malloc(linear.rows * linear.columns * sizeof *linear.weights);
    if (!linear.weights)
        return refuse(failure, "%s: layer \"%s\": out of memory", restored->path, name);
    if (!restore_layer(restored, name, &linear, &info, failure)) {
        free(linear.weights);
        return false;
    }
    table->values = linear.weights;
    return true;
}

bool restored_open(struct restored *restored, const struct model *original, wsic_context *context,
                   const char *path, struct failure *failure)
{
    *restored = (struct restored){.path = path, .original = original, .model = *original};
    restored->model.blocks = NULL;
    if (!package_open(&restored->package, context, path, failure))
        return false;
    if (check_names(restored, failure) && count_weights(restored, failure) &&
        restore_table(restored, model_embedding_name, &restored->model.embedding, failure) &&
        restore_table(restored, model_head_name, &restored->model.head, failure))
        return true;
    restored_close(restored);
    return false;
}

/* All but the layers' weights is borrowed. */
static void free_block(struct restored *restored)
{
    struct block *const block = &restored->block;

    for (size_t slot = 0; slot < block->layers; slot++)
        free(block->linear[slot].weights);
    free(block->linear);
    free(restored->info);
    *block = (struct block){.layers = 0};
    restored->info = NULL;
}

void restored_close(struct restored *restored)
{
    const struct model *const original = restored->original;
    struct model *const model = &restored->model;

    if (!original)
        return;
    if (model->embedding.values != original->embedding.values)
        free(model->embedding.values);
    if (model->head.values != original->head.values)
        free(model->head.values);
    free_block(restored);
    package_close(restored->package);
    *restored = (struct restored){.weights = 0};
}

/* Most blocks are of the same shape: the weights of one serve the next. */
static bool prepare_block(struct restored *restored, size_t number, struct failure *failure)
{
    const struct config *const config = &restored->model.config;
    struct block *const block = &restored->block;
    const size_t layers = layers_of_block(config, number);

    if (block->layers == layers &&
        block->linear[LINEAR_GATE].rows == config_intermediate(config, number))
        return true;
    free_block(restored);
    restored->info = calloc(layers, sizeof *restored->info);
    if (!restored->info || !block_create(block, config, number, failure))
        return refuse(failure, "out of memory for a block");
    for (size_t slot = 0; slot < layers; slot++) {
        struct linear *const linear = &block->linear[slot];
        linear->weights = malloc(linear->rows * linear->columns * sizeof *linear->weights);
        if (!linear->weights)
            return refuse(failure, "out of memory for a block");
    }
    return true;
}

static void keep_layer(const struct restored *restored, const struct linear *original,
                       struct linear *linear, wsic_layer_info *info)
{
    memcpy(linear->weights, original->weights,
           linear->rows * linear->columns * sizeof *linear->weights);
    *info = (wsic_layer_info){
        .rows = linear->rows, .columns = linear->columns, .rate = restored->original->stored_bits};
}

static bool restore_or_keep(struct restored *restored, size_t number, size_t slot,
                            const struct linear *original, struct failure *failure)
{
    struct linear *const linear = &restored->block.linear[slot];
    wsic_layer_info *const info = &restored->info[slot];
    char name[MODEL_NAME_SIZE];

    layers_name(&restored->model.config, number, name);
    if (!restored_skips(restored, name))
        return restore_layer(restored, name, linear, info, failure);
    keep_layer(restored, original, linear, info);
    return true;
}

const struct block *restored_block(struct restored *restored, size_t number,
                                   const struct block *original, struct failure *failure)
{
    struct block *const block = &restored->block;
    const size_t before = layers_before(&restored->model.config, number);

    if (!prepare_block(restored, number, failure))
        return NULL;
    for (size_t slot = 0; slot < block->layers; slot++)
        if (!restore_or_keep(restored, before + slot, slot, &original->linear[slot], failure))
            return NULL;
    block_borrow(block, original);
    return block;
}
