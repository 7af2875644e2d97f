/* SPDX-License-Identifier: MIT */
#include "decode/store.h"

#include <string.h>

#include "base/half.h"

/* Of types of which two elements take a byte, index is even. */
static void *element_of(const wsic_output *output, size_t half_bytes, size_t row, size_t column)
{
    return (char *)output->data + (row * output->row_stride + column) * half_bytes / 2;
}

static size_t half_bytes_of(uint32_t dtype)
{
    return dtype == WSIC_I4 ? 1 : 2 * wsic_dtype_size(dtype);
}

static size_t column_in_layer(const wsic_output *output, size_t column)
{
    const size_t number = output->first_column + column;
    return output->order ? output->order[number] : number;
}

/* --- codes --------------------------------------------------------------- */

/* Integers of a type lie from least to its complement. */
static int32_t least_of(uint32_t dtype)
{
    switch (dtype) {
    case WSIC_I4:
        return -8;
    case WSIC_I8:
        return INT8_MIN;
    case WSIC_I16:
        return INT16_MIN;
    default:
        return INT32_MIN;
    }
}

static wsic_status refuse_code(const wsic_output *output, size_t row, size_t column, int32_t code)
{
    static const char *const names[] = {[WSIC_I8] = "I8", [WSIC_I16] = "I16", [WSIC_I4] = "I4"};

    return wsic_fail(output->env, WSIC_ERROR_RANGE, "code (%zu, %zu) is %d, beyond %s",
                     output->first_row + row, column_in_layer(output, column), (int)code,
                     names[output->dtype]);
}

static wsic_status check_wide(const wsic_output *output, size_t row, size_t column,
                              const int32_t *codes, size_t count)
{
    const int32_t least = least_of(output->dtype);
    bool fit = true;

    for (size_t j = 0; j < count; j++)
        fit &= codes[j] >= least && codes[j] <= ~least;
    for (size_t j = 0; !fit && j < count; j++) {
        if (codes[j] < least || codes[j] > ~least)
            return refuse_code(output, row, column + j, codes[j]);
    }
    return WSIC_OK;
}

static wsic_status check_narrow(const wsic_output *output, size_t row, size_t column,
                                const int8_t *codes, size_t count)
{
    uint8_t beyond = 0;

    if (output->dtype != WSIC_I4)
        return WSIC_OK;
    for (size_t j = 0; j < count; j++)
        beyond |= (uint8_t)(codes[j] + 8);
    if (beyond <= 0xF)
        return WSIC_OK;
    for (size_t j = 0;; j++) {
        if (codes[j] < -8 || codes[j] > 7)
            return refuse_code(output, row, column + j, codes[j]);
    }
}

/* Pieces begin at even columns of the output, as they have an even number of columns but for the
 * last. */
static void pack(const int8_t *codes, size_t count, uint8_t *out)
{
    for (size_t j = 0; j < count / 2; j++)
        out[j] = (uint8_t)((codes[2 * j] & 0xF) | (codes[2 * j + 1] & 0xF) << 4);
    if (count % 2 != 0)
        out[count / 2] = codes[count - 1] & 0xF;
}

static void store_narrow(uint32_t dtype, const int8_t *codes, size_t count, void *out)
{
    switch (dtype) {
    case WSIC_I4:
        pack(codes, count, out);
        break;
    case WSIC_I8:
        if (count == WSIC_PIECE_COLUMNS)
            memcpy(out, codes, WSIC_PIECE_COLUMNS); /* of a size that the compiler knows */
        else
            memcpy(out, codes, count);
        break;
    case WSIC_I16:
        for (size_t j = 0; j < count; j++)
            ((int16_t *)out)[j] = codes[j];
        break;
    default:
        for (size_t j = 0; j < count; j++)
            ((int32_t *)out)[j] = codes[j];
        break;
    }
}

static void store_wide(uint32_t dtype, const int32_t *codes, size_t count, void *out)
{
    int8_t narrow[WSIC_PIECE_COLUMNS];

    switch (dtype) {
    case WSIC_I4:
    case WSIC_I8:
        for (size_t j = 0; j < count; j++)
            narrow[j] = (int8_t)codes[j];
        store_narrow(dtype, narrow, count, out);
        break;
    case WSIC_I16:
        for (size_t j = 0; j < count; j++)
            ((int16_t *)out)[j] = (int16_t)codes[j];
        break;
    default:
        memcpy(out, codes, count * sizeof *codes);
        break;
    }
}

wsic_status wsic_store_code_piece(void *data, const wsic_row_piece *piece)
{
    const wsic_output *const output = data;
    const size_t half_bytes = half_bytes_of(output->dtype);
    wsic_status status = WSIC_OK;

    for (size_t i = 0; i < WSIC_PIECE_ROWS && status == WSIC_OK; i++) {
        const size_t row = piece->row[i];
        const size_t first = i * WSIC_PIECE_COLUMNS;
        if (row == WSIC_NO_ROW)
            continue;
        void *const out = element_of(output, half_bytes, row, piece->column);
        if (piece->narrow) {
            status =
                check_narrow(output, row, piece->column, piece->narrow + first, piece->columns);
            store_narrow(output->dtype, piece->narrow + first, piece->columns, out);
        } else {
            status = check_wide(output, row, piece->column, piece->wide + first, piece->columns);
            store_wide(output->dtype, piece->wide + first, piece->columns, out);
        }
    }
    return status;
}

/* --- weights ------------------------------------------------------------- */

static wsic_status refuse_weight(const wsic_output *output, size_t row, size_t column, float weight)
{
    const bool finite = weight - weight == 0; /* without the mathematical library */
    const char *const type = finite ? wsic_dtype_name(output->dtype) : "single precision";

    return wsic_fail(output->env, WSIC_ERROR_RANGE,
                     "weight (%zu, %zu) is %g, beyond the range of %s%s", output->first_row + row,
                     column_in_layer(output, column), (double)weight, type,
                     finite ? "; F32 holds it" : "");
}

static wsic_status store_weights(const wsic_output *output, const wsic_row_piece *piece, size_t i,
                                 void *out)
{
    const float *const column_scales = output->column_scales + piece->column;
    const float row_scale = output->row_scales[piece->row[i]];
    float room[WSIC_PIECE_COLUMNS];
    float *const weights = output->dtype == WSIC_F32 ? out : room;

    if (piece->narrow)
        output->kernels->from_narrow(piece->narrow + i * WSIC_PIECE_COLUMNS, column_scales,
                                     row_scale, piece->columns, weights);
    else
        output->kernels->from_wide(piece->wide + i * WSIC_PIECE_COLUMNS, column_scales, row_scale,
                                   piece->columns, weights);
    const size_t beyond =
        output->kernels->find_beyond(weights, piece->columns, wsic_weights_limit(output->dtype));
    if (beyond < piece->columns)
        return refuse_weight(output, piece->row[i], piece->column + beyond, weights[beyond]);
    if (output->dtype == WSIC_F16)
        output->kernels->to_f16(weights, piece->columns, out);
    else if (output->dtype == WSIC_BF16)
        output->kernels->to_bf16(weights, piece->columns, out);
    else if (output->dtype == WSIC_F64)
        wsic_store_f32(out, WSIC_F64, weights, piece->columns);
    return WSIC_OK;
}

wsic_status wsic_store_weight_piece(void *data, const wsic_row_piece *piece)
{
    const wsic_output *const output = data;
    const size_t half_bytes = half_bytes_of(output->dtype);
    wsic_status status = WSIC_OK;

    for (size_t i = 0; i < WSIC_PIECE_ROWS && status == WSIC_OK; i++) {
        if (piece->row[i] != WSIC_NO_ROW)
            status = store_weights(output, piece, i,
                                   element_of(output, half_bytes, piece->row[i], piece->column));
    }
    return status;
}
