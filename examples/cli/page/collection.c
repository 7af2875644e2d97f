/* SPDX-License-Identifier: MIT */
#include "page/collection.h"

#include <math.h>
#include <stdlib.h>

static bool read_layer(struct collection *collection, size_t index, struct failure *failure)
{
    wsic_layer_info *const info = &collection->infos[index];
    wsic_layer *const layer = package_layer(collection->package, index, failure);

    *info = (wsic_layer_info){.size = sizeof *info};
    if (!layer)
        return false;
    const bool ok = wsic_layer_get_info(layer, info) >= 0 ||
                    refuse(failure, "%s: layer \"%s\": %s", collection->path,
                           collection_name(collection, index), wsic_layer_message(layer));
    wsic_layer_destroy(layer);
    collection->weights += (double)info->rows * (double)info->columns;
    collection->code_bytes += info->bytes_codes;
    collection->side_bytes += info->bytes_side;
    return ok;
}

static void add_tensor(void *self, const struct tensor *tensor)
{
    struct collection *const collection = self;

    collection->bytes += tensor->bytes;
    if (!tensor->coded_type)
        collection->other_bytes += tensor->bytes;
}

static void measure(struct collection *collection)
{
    const struct checkpoint *const directory = package_checkpoint(collection->package);

    if (directory)
        checkpoint_each(directory, add_tensor, collection);
    else
        collection->bytes = package_bytes(collection->package);
}

bool collection_open(struct collection *collection, wsic_context *context, const char *path,
                     struct failure *failure)
{
    *collection = (struct collection){.path = path};
    if (!package_open(&collection->package, context, path, failure))
        return false;
    measure(collection);
    collection->count = package_count(collection->package);
    collection->infos = calloc(collection->count + 1, sizeof *collection->infos);
    if (!collection->infos)
        return refuse(failure, "%s: out of memory", path);
    for (size_t i = 0; i < collection->count; i++)
        if (!read_layer(collection, i, failure))
            return false;
    return collection->count > 0 || refuse(failure, "%s: holds no layer to report on", path);
}

void collection_close(struct collection *collection)
{
    free(collection->infos);
    package_close(collection->package);
    *collection = (struct collection){.path = NULL};
}

const char *collection_name(const struct collection *collection, size_t layer)
{
    return package_name(collection->package, layer);
}

uint64_t collection_rest(const struct collection *collection)
{
    return collection->bytes - collection->code_bytes - collection->side_bytes -
           collection->other_bytes;
}

double collection_prediction(const struct collection *collection)
{
    const char *const text = package_metadata(collection->package, "predicted_kl_bits");

    return text ? strtod(text, NULL) : (double)NAN;
}

double collection_prediction_at_limit(const struct collection *collection)
{
    double sum = 0;

    for (size_t i = 0; i < collection->count; i++) {
        const wsic_layer_info *const info = &collection->infos[i];
        if (info->limit_rate < 0)
            return (double)NAN;
        sum += (double)info->rows * (double)info->columns * exp2(-2 * info->gap);
    }
    return collection_prediction(collection) * sum / collection->weights;
}
