/* SPDX-License-Identifier: MIT */
/* See fuzz.h. */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"

/* Larger layers cost seconds, and say nothing that smaller ones do not. */
enum { MOST_ELEMENTS = 1 << 13, TOKENS = 3 };

typedef wsic_status get_function(const wsic_layer *layer, size_t first_row, wsic_matrix *out);

static wsic_matrix matrix_of(void *data, uint32_t dtype, size_t rows, size_t columns)
{
    wsic_matrix matrix;

    wsic_matrix_init(&matrix, sizeof matrix, data, dtype, rows, columns, 0);
    return matrix;
}

static void *room(size_t size)
{
    void *const block = calloc(size > 0 ? size : 1, 1);

    fuzz_require(block != NULL, "memory is short");
    return block;
}

/* The same status and bits from both; whole, and without the first row. */
static void compare_numbers(const wsic_layer *layer, const wsic_layer *other,
                            const wsic_layer_info *info, get_function *get, uint32_t dtype)
{
    const size_t bytes = info->rows * info->columns * wsic_dtype_size(dtype);
    void *const one = room(bytes);
    void *const two = room(bytes);

    for (size_t first = 0; first < 2 && first < info->rows; first++) {
        wsic_matrix a = matrix_of(one, dtype, info->rows - first, info->columns);
        wsic_matrix b = matrix_of(two, dtype, info->rows - first, info->columns);
        const wsic_status status = get(layer, first, &a);
        fuzz_require(get(other, first, &b) == status, "kernels end with different statuses");
        if (status < 0)
            break;
        fuzz_require(memcmp(one, two, bytes) == 0, "kernels decode different numbers");
    }
    free(one);
    free(two);
}

static void compare_products(const wsic_layer *layer, const wsic_layer *other,
                             const wsic_layer_info *info)
{
    const size_t count = TOKENS * info->rows * sizeof(float);
    float *const input = room(TOKENS * info->columns * sizeof *input);
    float *const one = room(count);
    float *const two = room(count);

    for (size_t k = 0; k < TOKENS * info->columns; k++)
        input[k] = (float)(k % 7) - 3.0F;
    const wsic_matrix x = matrix_of(input, WSIC_F32, TOKENS, info->columns);
    wsic_matrix a = matrix_of(one, WSIC_F32, TOKENS, info->rows);
    wsic_matrix b = matrix_of(two, WSIC_F32, TOKENS, info->rows);
    const wsic_status status = wsic_layer_matmul(layer, 0, &x, &a);
    fuzz_require(wsic_layer_matmul(other, 0, &x, &b) == status,
                 "kernels end products with different statuses");
    if (status >= 0)
        fuzz_require(memcmp(one, two, count) == 0, "kernels give different products");
    free(input);
    free(one);
    free(two);
}

void fuzz_decode_layer(const wsic_layer *layer, const wsic_layer *other)
{
    wsic_layer_info info = {.size = sizeof info};

    fuzz_require(wsic_layer_get_info(layer, &info) >= 0, "a layer has no info");
    if (info.rows > MOST_ELEMENTS / info.columns)
        return;
    compare_numbers(layer, other, &info, wsic_layer_get_codes, WSIC_I32);
    compare_numbers(layer, other, &info, wsic_layer_get_codes, WSIC_I8);
    compare_numbers(layer, other, &info, wsic_layer_dequantize, WSIC_F32);
    compare_numbers(layer, other, &info, wsic_layer_dequantize, WSIC_BF16);
    compare_products(layer, other, &info);
}
