/* SPDX-License-Identifier: MIT */
#include "decode/fused.h"
#include "decode/product.h"

static void convert(const int8_t *codes, size_t stride, size_t columns, float *floats)
{
    for (size_t j = 0; j < columns; j++) {
        for (size_t i = 0; i < WSIC_STRIP_ROWS; i++)
            floats[j * WSIC_STRIP_ROWS + i] = (float)codes[j * stride + i];
    }
}

static void add_floats(float *sums, const float *floats, size_t columns, const float *factors,
                       size_t tokens)
{
    for (size_t token = 0; token < tokens; token++) {
        for (size_t j = 0; j < columns; j++)
            wsic_fused_add(sums + token * WSIC_STRIP_ROWS, floats + j * WSIC_STRIP_ROWS,
                           factors[j * tokens + token], WSIC_STRIP_ROWS);
    }
}

static void add_narrow(float *sums, const int8_t *codes, size_t stride, size_t columns,
                       const float *factors, size_t tokens)
{
    float floats[WSIC_TILE_COLUMNS * WSIC_STRIP_ROWS];

    convert(codes, stride, columns, floats);
    add_floats(sums, floats, columns, factors, tokens);
}

const wsic_product_kernels wsic_product_c = {add_narrow, add_floats, convert};
