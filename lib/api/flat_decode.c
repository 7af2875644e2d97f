/* SPDX-License-Identifier: MIT */
/* Calls of layer.h with numbers and pointers in place of structs. */
#include "api/layer.h"

wsic_status wsic_layer_get_codes_flat(const wsic_layer *layer, size_t first_row, void *data,
                                      uint32_t dtype, size_t rows, size_t row_stride)
{
    wsic_matrix codes;

    if (!layer)
        return WSIC_ERROR_ARGUMENT;
    wsic_matrix_init(&codes, sizeof codes, data, dtype, rows, layer->content.columns, row_stride);
    return wsic_layer_get_codes(layer, first_row, &codes);
}

wsic_status wsic_layer_dequantize_flat(const wsic_layer *layer, size_t first_row, void *data,
                                       uint32_t dtype, size_t rows, size_t row_stride)
{
    wsic_matrix weights;

    if (!layer)
        return WSIC_ERROR_ARGUMENT;
    wsic_matrix_init(&weights, sizeof weights, data, dtype, rows, layer->content.columns,
                     row_stride);
    return wsic_layer_dequantize(layer, first_row, &weights);
}

wsic_status wsic_layer_matmul_flat(const wsic_layer *layer, size_t first_row, size_t rows,
                                   size_t tokens, const void *x, uint32_t x_dtype,
                                   size_t x_row_stride, float *y, size_t y_row_stride)
{
    wsic_matrix input, output;

    if (!layer)
        return WSIC_ERROR_ARGUMENT;
    wsic_matrix_init(&input, sizeof input, x, x_dtype, tokens, layer->content.columns,
                     x_row_stride);
    wsic_matrix_init(&output, sizeof output, y, WSIC_F32, tokens, rows, y_row_stride);
    return wsic_layer_matmul(layer, first_row, &input, &output);
}
