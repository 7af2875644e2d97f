/* SPDX-License-Identifier: MIT */
#include "llm/model/coded.h"

#include "common/coded_tensors.h"

struct coded_walk coded_walk(const struct tensor *tensor, wsic_context *context)
{
    return (struct coded_walk){.tensor = tensor, .context = context};
}

static bool check_layer(const struct coded_walk *walk, const wsic_layer_info *info,
                        struct failure *failure)
{
    const struct tensor *const tensor = walk->tensor;
    const size_t columns = tensor->shape[tensor->dimensions - 1];
    const size_t left = tensor->count / columns - walk->rows;
    const bool last = walk->next + 1 == tensor->layers;

    if (info->columns == columns && (last ? info->rows == left : info->rows < left))
        return true;
    return refuse(
        failure,
        "%s: tensor \"%s\": layer %zu of %zu is %llu x %llu, where %zu rows of %zu are left",
        tensor->file, tensor->name, walk->next + 1, tensor->layers, (unsigned long long)info->rows,
        (unsigned long long)info->columns, left, columns);
}

bool coded_next(struct coded_walk *walk, wsic_layer **layer, struct failure *failure)
{
    const struct tensor *const tensor = walk->tensor;
    wsic_layer_info info = {.size = sizeof info};

    *layer = NULL;
    if (walk->next == tensor->layers)
        return true;
    const size_t bytes = tensor->coded[walk->next].bytes;
    if (wsic_layer_create_view(walk->context, tensor->data + walk->offset, bytes, layer) < 0)
        return refuse(failure, "%s: tensor \"%s\": %s", tensor->file, tensor->name,
                      wsic_context_message(walk->context));
    if (wsic_layer_get_info(*layer, &info) < 0 || !check_layer(walk, &info, failure)) {
        wsic_layer_destroy(*layer);
        *layer = NULL;
        return false;
    }
    walk->rows += (size_t)info.rows;
    walk->offset += (size_t)coded_padded(bytes);
    walk->next++;
    return true;
}

/* Some rows of a layer. */
static bool read_rows(const struct tensor *tensor, const wsic_layer *layer, size_t first,
                      size_t count, float *out, struct failure *failure)
{
    wsic_matrix weights;

    wsic_matrix_init(&weights, sizeof weights, out, WSIC_F32, count,
                     tensor->shape[tensor->dimensions - 1], 0);
    return wsic_layer_dequantize(layer, first, &weights) >= 0 ||
           refuse(failure, "%s: tensor \"%s\": %s", tensor->file, tensor->name,
                  wsic_layer_message(layer));
}

bool coded_read_f32(const struct tensor *tensor, wsic_context *context, size_t first, size_t count,
                    float *out, struct failure *failure)
{
    const size_t columns = tensor->shape[tensor->dimensions - 1];
    const size_t end = first + count;
    struct coded_walk walk = coded_walk(tensor, context);
    wsic_layer *layer;
    bool ok = true;

    while (ok && walk.rows < end) {
        const size_t before = walk.rows;
        ok = coded_next(&walk, &layer, failure);
        if (!ok || !layer)
            break;
        const size_t from = first > before ? first : before;
        const size_t to = end < walk.rows ? end : walk.rows;
        ok = from >= to || read_rows(tensor, layer, from - before, to - from,
                                     out + (from - first) * columns, failure);
        wsic_layer_destroy(layer);
    }
    return ok;
}
