/* SPDX-License-Identifier: MIT */
/* The same codes under other scales: what fine-tuning leaves behind. */
#include <math.h>

#include "api/layer.h"
#include "base/checked.h"
#include "coding/code_tiles.h"

/* Round new scales to the grid of the old ones; NULL keeps those. */
static wsic_status round_scales(const wsic_layer *layer, const char *name, const float *wanted,
                                const float *present, wsic_scales *rounded)
{
    const wsic_env *const env = &layer->handle.env;

    for (size_t i = 0; i < rounded->count; i++) {
        const double value = (double)(wanted && present[i] != 0.0F ? wanted[i] : present[i]);
        if (!isfinite(value))
            return wsic_fail(env, WSIC_ERROR_NOT_FINITE, "%s[%zu] is %g", name, i, value);
        /* Codes under a scale of 0 are 0: they could not stay what they are. */
        if (value == 0.0 && present[i] != 0.0F)
            return wsic_fail(env, WSIC_ERROR_ARGUMENT, "%s[%zu] is 0, where it was %g", name, i,
                             (double)present[i]);
        if (!wsic_scale_round(value, rounded->grid, &rounded->sign[i], &rounded->exponent[i]))
            return wsic_fail(env, WSIC_ERROR_RANGE, "%s[%zu] is %g, beyond the range of float",
                             name, i, value);
    }
    return WSIC_OK;
}

typedef struct code_columns {
    int32_t *codes; /* of the first row of the block */
    size_t stride;
} code_columns;

static wsic_status copy_tile(void *data, const wsic_code_tile *tile)
{
    const code_columns *const target = data;

    for (size_t j = 0; j < tile->columns; j++) {
        int32_t *const column = target->codes + tile->column[j] * target->stride;
        for (size_t i = 0; i < tile->rows; i++) {
            const size_t index = j * tile->stride + i;
            column[tile->row[i]] = tile->narrow ? tile->narrow[index] : tile->wide[index];
        }
    }
    return WSIC_OK;
}

/* All codes, column by column, into zeros. */
static wsic_status decode_codes(const wsic_layer *layer, int32_t *codes)
{
    const wsic_env *const env = &layer->handle.env;
    const wsic_layer_content *const content = &layer->content;
    const size_t block_rows = wsic_code_reader_block_rows(content->codes);
    wsic_status status = WSIC_OK;
    void *const workspace = wsic_alloc(env, wsic_code_reader_workspace(content->codes), 1, &status);

    for (size_t first = 0; workspace && first < content->rows && status == WSIC_OK;
         first += block_rows) {
        code_columns target = {codes + first, content->rows};
        status = wsic_code_reader_visit(env, content->codes, first / block_rows, workspace,
                                        copy_tile, &target);
    }
    wsic_free(env, workspace);
    return status;
}

/* What was measured with the old scales is not known any more. */
static wsic_layer_figures forget_distortion(const wsic_layer_figures *figures)
{
    wsic_layer_figures kept = *figures;

    kept.distortion = kept.relative_distortion = 0.0;
    kept.limit_rate = -1.0;
    return kept;
}

/* codes and dead are room for those of the layer. */
static wsic_status write_codes(const wsic_layer *layer, const wsic_scales *rows,
                               const wsic_scales *columns, int32_t *codes, bool *dead,
                               wsic_bytes *out)
{
    const wsic_layer_content *const content = &layer->content;
    const wsic_layer_figures figures = forget_distortion(&content->figures);
    const wsic_layer_parts parts = {
        .rows = content->rows,
        .columns = content->columns,
        .codes = codes,
        .kind = content->kind,
        .dead_rows = dead,
        .row_stride = wsic_code_reader_row_stride(content->codes),
        .row_scales = rows,
        .column_scales = columns,
        .figures = &figures,
        .block_rows = wsic_code_reader_block_rows(content->codes),
    };
    const wsic_status status = decode_codes(layer, codes);

    wsic_code_reader_dead_rows(content->codes, dead);
    return status == WSIC_OK ? wsic_layer_format_write(&layer->handle.env, &parts, out) : status;
}

static wsic_status write_layer(const wsic_layer *layer, const wsic_scales *rows,
                               const wsic_scales *columns, wsic_bytes *out)
{
    const wsic_env *const env = &layer->handle.env;
    const wsic_layer_content *const content = &layer->content;
    wsic_status status = WSIC_OK;
    size_t elements;

    if (!wsic_mul_size(content->rows, content->columns, &elements))
        return wsic_fail(env, WSIC_ERROR_TOO_LARGE, "%zu x %zu codes do not fit", content->rows,
                         content->columns);
    int32_t *const codes = wsic_alloc_zero(env, elements, sizeof *codes, &status);
    bool *const dead = codes ? wsic_alloc(env, content->rows, sizeof *dead, &status) : NULL;
    if (dead)
        status = write_codes(layer, rows, columns, codes, dead, out);
    wsic_free(env, dead);
    wsic_free(env, codes);
    return status;
}

static wsic_status make_layer(const wsic_layer *layer, const float *row_scales,
                              const float *column_scales, wsic_bytes *out)
{
    const wsic_env *const env = &layer->handle.env;
    const wsic_layer_content *const content = &layer->content;
    wsic_scales rows = {.count = 0}, columns = {.count = 0};

    wsic_status status = wsic_scales_create(env, content->rows, content->row_grid, &rows);
    if (status == WSIC_OK)
        status = wsic_scales_create(env, content->columns, content->column_grid, &columns);
    if (status == WSIC_OK)
        status = round_scales(layer, "row_scales", row_scales, content->row_scales, &rows);
    if (status == WSIC_OK)
        status =
            round_scales(layer, "column_scales", column_scales, content->column_scales, &columns);
    if (status == WSIC_OK)
        status = write_layer(layer, &rows, &columns, out);
    wsic_scales_release(env, &rows);
    wsic_scales_release(env, &columns);
    return status;
}

wsic_status wsic_layer_create_with_scales(const wsic_layer *layer, const float *row_scales,
                                          const float *column_scales, wsic_layer **out)
{
    wsic_bytes bytes;

    if (out)
        *out = NULL;
    if (!layer)
        return WSIC_ERROR_ARGUMENT;
    const wsic_env *const env = &layer->handle.env;
    if (!out)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "out is NULL");
    wsic_bytes_init(&bytes, env);
    wsic_status status = make_layer(layer, row_scales, column_scales, &bytes);
    if (status == WSIC_OK) {
        status = wsic_layer_from_bytes(layer->handle.context, &bytes, out);
        if (status != WSIC_OK)
            wsic_fail(env, status, "%s", wsic_context_message(layer->handle.context));
    }
    wsic_bytes_release(&bytes);
    return status;
}
