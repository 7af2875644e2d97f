/* SPDX-License-Identifier: MIT */
#include "llm/restore.h"

static bool decode_layer(struct linear *linear, const wsic_layer *layer, const char *path,
                         const char *name, struct failure *failure)
{
    wsic_layer_info info = {.size = sizeof info};
    wsic_matrix weights;

    if (wsic_layer_get_info(layer, &info) < 0)
        return refuse(failure, "%s: layer \"%s\": %s", path, name, wsic_layer_message(layer));
    if (info.rows != linear->rows || info.columns != linear->columns)
        return refuse(failure, "%s: layer \"%s\" is %llu x %llu, but the model's is %zu x %zu",
                      path, name, (unsigned long long)info.rows, (unsigned long long)info.columns,
                      linear->rows, linear->columns);
    wsic_matrix_init(&weights, sizeof weights, linear->weights, WSIC_F32, linear->rows,
                     linear->columns, 0);
    if (wsic_layer_dequantize(layer, 0, &weights) < 0)
        return refuse(failure, "%s: layer \"%s\": %s", path, name, wsic_layer_message(layer));
    return true;
}

static bool restore_layer(struct linear *linear, wsic_archive *archive, const char *path,
                          const char *name, struct failure *failure)
{
    wsic_layer *layer;
    size_t index;

    if (wsic_archive_find(archive, name, &index) < 0)
        return refuse(failure, "%s: layer \"%s\" is missing", path, name);
    if (wsic_archive_layer(archive, index, &layer) < 0)
        return refuse(failure, "%s: layer \"%s\": %s", path, name, wsic_archive_message(archive));
    const bool ok = decode_layer(linear, layer, path, name, failure);
    wsic_layer_destroy(layer);
    return ok;
}

static bool restore_layers(struct model *model, wsic_archive *archive, const char *path,
                           struct failure *failure)
{
    char name[MODEL_NAME_SIZE];

    for (size_t i = 0; i < model->config.blocks; i++) {
        for (size_t kind = 0; kind < LINEAR_KINDS; kind++) {
            model_linear_name(name, i, (enum linear_kind)kind);
            if (!restore_layer(&model->blocks[i].linear[kind], archive, path, name, failure))
                return false;
        }
    }
    return true;
}

bool restore_model(struct model *model, wsic_context *context, const char *path,
                   double *bits_per_weight, struct failure *failure)
{
    wsic_archive *archive;

    if (wsic_archive_open(context, path, &archive) < 0)
        return refuse(failure, "%s: %s", path, wsic_context_message(context));
    const bool ok = restore_layers(model, archive, path, failure);
    *bits_per_weight = 8 * (double)wsic_archive_size(archive) / (double)model_linear_weights(model);
    wsic_archive_destroy(archive);
    return ok;
}
