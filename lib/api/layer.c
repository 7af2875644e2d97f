/* SPDX-License-Identifier: MIT */
#include "api/layer.h"

#include <math.h>

#include "api/check.h"
#include "coding/code_tiles.h"

/* --- life ---------------------------------------------------------------- */

wsic_status wsic_layer_from_bytes(wsic_context *context, wsic_bytes *bytes, wsic_layer **out)
{
    const wsic_env env = wsic_context_env(context);
    wsic_status status = bytes->status;

    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): wsic_check_creation() refuses NULL */
    *out = NULL;
    if (status != WSIC_OK)
        return status;
    status = wsic_layer_on_bytes(context, &env, bytes->data, bytes->size,
                                 (wsic_layer_keeper){wsic_free, bytes->data}, out);
    if (status == WSIC_OK)
        wsic_bytes_init(bytes, bytes->env);
    return status;
}

wsic_status wsic_layer_create(wsic_context *context, const void *bytes, size_t size,
                              wsic_layer **out)
{
    wsic_bytes copy;

    if (out)
        *out = NULL;
    wsic_status status = wsic_check_creation(context, "bytes", bytes, out);
    if (status != WSIC_OK)
        return status;
    const wsic_env env = wsic_context_env(context);
    wsic_bytes_init(&copy, &env);
    wsic_bytes_append(&copy, bytes, size);
    status = wsic_layer_from_bytes(context, &copy, out);
    wsic_bytes_release(&copy);
    return status;
}

void wsic_layer_destroy(wsic_layer *layer)
{
    if (!layer)
        return;
    wsic_layer_content_release(&layer->handle.env, &layer->content);
    if (layer->keeper.release)
        layer->keeper.release(&layer->handle.env, layer->keeper.owner);
    wsic_handle_destroy(layer);
}

/* --- facts --------------------------------------------------------------- */

const char *wsic_layer_message(const wsic_layer *layer)
{
    return wsic_handle_message(layer);
}

const float *wsic_layer_row_scales(const wsic_layer *layer)
{
    return layer->content.row_scales;
}

const float *wsic_layer_column_scales(const wsic_layer *layer)
{
    return layer->content.column_scales;
}

wsic_status wsic_layer_get_bytes(const wsic_layer *layer, const void **bytes, size_t *size)
{
    if (!layer)
        return WSIC_ERROR_ARGUMENT;
    if (!bytes || !size)
        return wsic_fail(&layer->handle.env, WSIC_ERROR_ARGUMENT, "%s is NULL",
                         bytes ? "size" : "bytes");
    *bytes = layer->bytes;
    *size = layer->size;
    return WSIC_OK;
}

static size_t memory_of(const wsic_layer *layer)
{
    const wsic_layer_content *const content = &layer->content;

    return sizeof *layer + layer->size + (content->rows + content->columns) * sizeof(float) +
           wsic_code_reader_memory(content->codes);
}

static void describe_bytes(const wsic_layer *layer, wsic_layer_info *info)
{
    const wsic_layer_content *const content = &layer->content;
    const double bits_per_byte = 8.0 / ((double)content->rows * (double)content->columns);

    info->rows = content->rows;
    info->columns = content->columns;
    info->bytes = layer->size;
    info->bytes_codes = content->bytes_codes;
    info->bytes_side = layer->size - content->bytes_codes;
    info->block_rows = wsic_code_reader_block_rows(content->codes);
    info->rate = bits_per_byte * (double)info->bytes;
    info->rate_codes = bits_per_byte * (double)info->bytes_codes;
    info->rate_side = bits_per_byte * (double)info->bytes_side;
    info->code_dtype = content->code_dtype == WSIC_I4 ? WSIC_I8 : content->code_dtype;
    info->codes_fit_i4 = content->code_dtype == WSIC_I4;
    info->live_columns = wsic_code_reader_live_columns(content->codes);
    info->memory = memory_of(layer);
}

static void describe_figures(const wsic_layer_figures *figures, wsic_layer_info *info)
{
    info->rate_target = figures->rate_target;
    info->step = figures->step;
    info->entropy_pooled = figures->entropy_pooled;
    info->distortion = figures->distortion;
    info->relative_distortion = figures->relative_distortion;
    info->limit_rate = figures->limit_rate;
    info->gap = figures->limit_rate < 0 ? (double)NAN : info->rate - figures->limit_rate;
    info->damping = figures->damping;
    info->damping_retries = figures->damping_retries;
    info->dead_columns = figures->dead_columns;
    info->dead_rows = figures->dead_rows;
}

wsic_status wsic_layer_get_info(const wsic_layer *layer, wsic_layer_info *info)
{
    if (!layer)
        return WSIC_ERROR_ARGUMENT;
    if (!info)
        return wsic_fail(&layer->handle.env, WSIC_ERROR_ARGUMENT, "info is NULL");
    wsic_layer_info filled = {.size = sizeof filled};

    describe_bytes(layer, &filled);
    describe_figures(&layer->content.figures, &filled);
    return wsic_give_struct(&layer->handle.env, "info", info, info->size,
                            WSIC_FIRST_SIZE(wsic_layer_info, dead_rows), &filled, sizeof filled);
}
