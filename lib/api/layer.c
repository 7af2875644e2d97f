/* SPDX-License-Identifier: MIT */
#include "api/layer.h"

#include <math.h>

#include "base/checked.h"
#include "base/half.h"

/* --- life ---------------------------------------------------------------- */

wsic_status wsic_layer_from_bytes(wsic_context *context, wsic_bytes *bytes, wsic_layer **out)
{
    const wsic_env env = wsic_context_env(context);
    wsic_status status = bytes->status;

    *out = NULL;
    if (status != WSIC_OK)
        return status;
    status = wsic_layer_on_bytes(context, &env, bytes->data, bytes->size,
                                 (wsic_layer_keeper){wsic_free, bytes->data}, out);
    if (status == WSIC_OK)
        wsic_bytes_init(bytes, bytes->env);
    return status;
}

wsic_status wsic_layer_read(wsic_context *context, const void *bytes, size_t size, wsic_layer **out)
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
    return layer->handle.message.text;
}

const float *wsic_layer_row_scales(const wsic_layer *layer)
{
    return layer->content.row_scales;
}

const float *wsic_layer_column_scales(const wsic_layer *layer)
{
    return layer->content.column_scales;
}

wsic_status wsic_layer_write(const wsic_layer *layer, const void **bytes, size_t *size)
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
    info->code_dtype = content->code_dtype;
}

static void describe_figures(const wsic_layer_figures *figures, wsic_layer_info *info)
{
    info->rate_target = figures->rate_target;
    info->step = figures->step;
    info->entropy_pooled = figures->entropy_pooled;
    info->distortion = figures->distortion;
    info->relative_distortion = figures->relative_distortion;
    info->limit_rate = figures->limit_rate;
    info->gap = figures->limit_rate < 0 ? 0 : info->rate - figures->limit_rate;
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

/* --- decoding ------------------------------------------------------------ */

/* Receives the decoded rows of a range one after the other; index counts from the first
 * row of the range. */
typedef wsic_status row_visitor(void *data, size_t index, const int32_t *codes);

typedef struct row_range {
    size_t first;
    size_t count;
} row_range;

static wsic_status visit_blocks(const wsic_layer *layer, row_range range, int32_t *block,
                                row_visitor *visit, void *data)
{
    const wsic_layer_content *const content = &layer->content;
    const size_t block_rows = wsic_code_reader_block_rows(content->codes);
    size_t decoded = SIZE_MAX;

    for (size_t index = 0; index < range.count; index++) {
        const size_t row = range.first + index;
        wsic_status status = WSIC_OK;
        if (row / block_rows != decoded) {
            decoded = row / block_rows;
            status = wsic_code_reader_block(&layer->handle.env, content->codes, decoded, block);
        }
        if (status == WSIC_OK)
            status = visit(data, index, block + row % block_rows * content->columns);
        if (status != WSIC_OK)
            return status;
    }
    return WSIC_OK;
}

static wsic_status visit_rows(const wsic_layer *layer, row_range range, row_visitor *visit,
                              void *data)
{
    const wsic_env *const env = &layer->handle.env;
    const wsic_layer_content *const content = &layer->content;
    const size_t block_rows =
        wsic_min_size(wsic_code_reader_block_rows(content->codes), content->rows);
    wsic_status status;
    size_t elements;

    if (!wsic_mul_size(block_rows, content->columns, &elements))
        return wsic_fail(env, WSIC_ERROR_TOO_LARGE, "a block of %zu x %zu codes does not fit",
                         block_rows, content->columns);
    int32_t *const block = wsic_alloc(env, elements, sizeof *block, &status);
    if (!block)
        return status;
    status = visit_blocks(layer, range, block, visit, data);
    wsic_free(env, block);
    return status;
}

/* Check a matrix that is to be filled with rows of the layer. */
static wsic_status check_target(const wsic_layer *layer, const char *name, size_t first_row,
                                const wsic_matrix *given, unsigned allowed, wsic_matrix *target)
{
    const wsic_env *const env = &layer->handle.env;
    const size_t rows = layer->content.rows;
    const wsic_status status = wsic_check_matrix(env, name, given, allowed,
                                                 (wsic_shape){0, layer->content.columns}, target);

    if (status != WSIC_OK)
        return status;
    if (first_row >= rows || target->rows > rows - first_row)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT,
                         "first_row is %zu and %s->rows is %zu, where the layer has %zu rows",
                         first_row, name, target->rows, rows);
    return WSIC_OK;
}

static void *row_of(const wsic_matrix *matrix, size_t index)
{
    return (char *)matrix->data + index * matrix->row_stride * wsic_dtype_size(matrix->dtype);
}

typedef struct codes_target {
    const wsic_layer *layer;
    size_t first_row;
    wsic_matrix matrix;
} codes_target;

static wsic_status refuse_code(const codes_target *target, size_t index, size_t column,
                               int32_t code)
{
    return wsic_fail(&target->layer->handle.env, WSIC_ERROR_RANGE,
                     "code (%zu, %zu) is %d, beyond %zu-byte integers", target->first_row + index,
                     column, (int)code, wsic_dtype_size(target->matrix.dtype));
}

static wsic_status store_codes(void *data, size_t index, const int32_t *codes)
{
    const codes_target *const target = data;
    const uint32_t dtype = target->matrix.dtype;
    const int32_t least = dtype == WSIC_I8 ? INT8_MIN : dtype == WSIC_I16 ? INT16_MIN : INT32_MIN;
    void *const row = row_of(&target->matrix, index);

    for (size_t j = 0; j < target->matrix.columns; j++) {
        /* The greatest value is the complement of the least. */
        if (codes[j] < least || codes[j] > ~least)
            return refuse_code(target, index, j, codes[j]);
        if (dtype == WSIC_I8)
            ((int8_t *)row)[j] = (int8_t)codes[j];
        else if (dtype == WSIC_I16)
            ((int16_t *)row)[j] = (int16_t)codes[j];
        else
            ((int32_t *)row)[j] = codes[j];
    }
    return WSIC_OK;
}

wsic_status wsic_layer_codes(const wsic_layer *layer, size_t first_row, wsic_matrix *codes)
{
    if (!layer)
        return WSIC_ERROR_ARGUMENT;
    codes_target target = {.layer = layer, .first_row = first_row};

    const wsic_status status =
        check_target(layer, "codes", first_row, codes, WSIC_ALLOW_CODES, &target.matrix);
    if (status != WSIC_OK)
        return status;
    return visit_rows(layer, (row_range){first_row, target.matrix.rows}, store_codes, &target);
}

typedef struct weights_target {
    const wsic_layer *layer;
    size_t first_row;
    wsic_matrix matrix;
    float *row; /* one row in single precision */
} weights_target;

/* A weight that would become infinite is named. Single precision is as far as any type goes, since
 * weights are computed in it. */
static wsic_status check_weights(const weights_target *target, size_t index)
{
    const float limit = wsic_f32_limit(target->matrix.dtype);

    for (size_t j = 0; j < target->matrix.columns; j++) {
        const float weight = target->row[j];
        if (weight < limit && weight > -limit)
            continue;
        const char *const type =
            isfinite(weight) ? wsic_dtype_name(target->matrix.dtype) : "single precision";
        return wsic_fail(&target->layer->handle.env, WSIC_ERROR_RANGE,
                         "weight (%zu, %zu) is %g, beyond the range of %s%s",
                         target->first_row + index, j, (double)weight, type,
                         isfinite(weight) ? "; F32 holds it" : "");
    }
    return WSIC_OK;
}

static wsic_status store_weights(void *data, size_t index, const int32_t *codes)
{
    const weights_target *const target = data;
    const wsic_layer_content *const content = &target->layer->content;
    const float row_scale = content->row_scales[target->first_row + index];

    for (size_t j = 0; j < content->columns; j++)
        target->row[j] = row_scale * (content->column_scales[j] * (float)codes[j]);
    const wsic_status status = check_weights(target, index);
    if (status == WSIC_OK)
        wsic_store_f32(row_of(&target->matrix, index), target->matrix.dtype, target->row,
                       content->columns);
    return status;
}

wsic_status wsic_layer_dequantize(const wsic_layer *layer, size_t first_row, wsic_matrix *weights)
{
    if (!layer)
        return WSIC_ERROR_ARGUMENT;
    const wsic_env *const env = &layer->handle.env;
    weights_target target = {.layer = layer, .first_row = first_row};

    wsic_status status =
        check_target(layer, "weights", first_row, weights, WSIC_ALLOW_REAL, &target.matrix);
    if (status != WSIC_OK)
        return status;
    target.row = wsic_alloc(env, layer->content.columns, sizeof(float), &status);
    if (!target.row)
        return status;
    status = visit_rows(layer, (row_range){first_row, target.matrix.rows}, store_weights, &target);
    wsic_free(env, target.row);
    return status;
}

typedef struct row_product {
    const wsic_layer_content *content;
    float *scaled; /* column_scale[j] * x[j] */
    float *y;
} row_product;

static wsic_status multiply_row(void *data, size_t index, const int32_t *codes)
{
    const row_product *const product = data;
    float sum = 0;

    for (size_t j = 0; j < product->content->columns; j++)
        sum += (float)codes[j] * product->scaled[j];
    product->y[index] = product->content->row_scales[index] * sum;
    return WSIC_OK;
}

wsic_status wsic_layer_matvec(const wsic_layer *layer, const float *x, float *y)
{
    if (!layer)
        return WSIC_ERROR_ARGUMENT;
    const wsic_env *const env = &layer->handle.env;
    const wsic_layer_content *const content = &layer->content;
    row_product product = {.content = content, .y = y};
    wsic_status status;

    if (!x || !y)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "%s is NULL", x ? "y" : "x");
    product.scaled = wsic_alloc(env, content->columns, sizeof(float), &status);
    if (!product.scaled)
        return status;
    for (size_t j = 0; j < content->columns; j++)
        product.scaled[j] = content->column_scales[j] * x[j];
    status = visit_rows(layer, (row_range){0, content->rows}, multiply_row, &product);
    wsic_free(env, product.scaled);
    return status;
}
