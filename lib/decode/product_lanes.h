/* SPDX-License-Identifier: MIT */
/* The kernels of products, once for all instruction sets. Who includes this has said before what
 * vectors are:
 *
 *     lanes           the type of a vector of floats
 *     LANES           how many it has
 *     VECTORS_1 ...   vectors of rows that are summed at once, by the number of tokens: as many as
 *     VECTORS_6       it takes to hide the latency of the additions, and as registers allow
 *     TARGET          attribute of a function with these instructions
 *     lanes_load(), lanes_store(), lanes_repeat(), lanes_fused(), lanes_of_bytes()
 *
 * and finds wsic_product_kernels named KERNELS defined. */
#ifndef WSIC_DECODE_PRODUCT_LANES_H
#define WSIC_DECODE_PRODUCT_LANES_H

#include "decode/product.h"

enum { MOST_VECTORS = 8 };

#define INTO_CALLER static inline __attribute__((__always_inline__)) TARGET

/* Where the codes of a strip come from: bytes or floats. One of the two is NULL, and the compiler
 * knows which. */
typedef struct strip_source {
    const int8_t *narrow;
    const float *floats;
    size_t stride;
} strip_source;

INTO_CALLER lanes load_codes(const strip_source *source, size_t column, size_t row)
{
    if (!source->narrow)
        return lanes_load(source->floats + column * source->stride + row);
    return lanes_of_bytes(source->narrow + column * source->stride + row);
}

/* `vectors` times LANES rows and all tokens: their sums stay in registers for all columns. */
INTO_CALLER void add_rows(float *sums, const strip_source *source, size_t row, size_t columns,
                          const float *factors, size_t tokens, size_t vectors)
{
    lanes sum[WSIC_GROUP_TOKENS][MOST_VECTORS];
    lanes code[MOST_VECTORS];

#pragma GCC unroll 6
    for (size_t t = 0; t < tokens; t++) {
#pragma GCC unroll 8
        for (size_t v = 0; v < vectors; v++)
            sum[t][v] = lanes_load(sums + t * WSIC_STRIP_ROWS + row + v * LANES);
    }
    for (size_t j = 0; j < columns; j++) {
#pragma GCC unroll 8
        for (size_t v = 0; v < vectors; v++)
            code[v] = load_codes(source, j, row + v * LANES);
#pragma GCC unroll 6
        for (size_t t = 0; t < tokens; t++) {
            const lanes factor = lanes_repeat(factors + j * tokens + t);
#pragma GCC unroll 8
            for (size_t v = 0; v < vectors; v++)
                sum[t][v] = lanes_fused(code[v], factor, sum[t][v]);
        }
    }
#pragma GCC unroll 6
    for (size_t t = 0; t < tokens; t++) {
#pragma GCC unroll 8
        for (size_t v = 0; v < vectors; v++)
            lanes_store(sums + t * WSIC_STRIP_ROWS + row + v * LANES, sum[t][v]);
    }
}

INTO_CALLER void add_strip(float *sums, const strip_source *source, size_t columns,
                           const float *factors, size_t tokens, size_t vectors)
{
    for (size_t row = 0; row < WSIC_STRIP_ROWS; row += vectors * LANES)
        add_rows(sums, source, row, columns, factors, tokens, vectors);
}

INTO_CALLER void add_tokens(float *sums, const strip_source *source, size_t columns,
                            const float *factors, size_t tokens)
{
    switch (tokens) {
    case 1:
        add_strip(sums, source, columns, factors, 1, VECTORS_1);
        break;
    case 2:
        add_strip(sums, source, columns, factors, 2, VECTORS_2);
        break;
    case 3:
        add_strip(sums, source, columns, factors, 3, VECTORS_3);
        break;
    case 4:
        add_strip(sums, source, columns, factors, 4, VECTORS_4);
        break;
    case 5:
        add_strip(sums, source, columns, factors, 5, VECTORS_5);
        break;
    default:
        add_strip(sums, source, columns, factors, 6, VECTORS_6);
        break;
    }
}

TARGET static void add_narrow(float *sums, const int8_t *codes, size_t stride, size_t columns,
                              const float *factors, size_t tokens)
{
    const strip_source source = {codes, NULL, stride};
    add_tokens(sums, &source, columns, factors, tokens);
}

TARGET static void add_floats(float *sums, const float *floats, size_t columns,
                              const float *factors, size_t tokens)
{
    const strip_source source = {NULL, floats, WSIC_STRIP_ROWS};
    add_tokens(sums, &source, columns, factors, tokens);
}

TARGET static void convert(const int8_t *codes, size_t stride, size_t columns, float *floats)
{
    const strip_source source = {codes, NULL, stride};

    for (size_t j = 0; j < columns; j++) {
        for (size_t i = 0; i < WSIC_STRIP_ROWS; i += LANES)
            lanes_store(floats + j * WSIC_STRIP_ROWS + i, load_codes(&source, j, i));
    }
}

const wsic_product_kernels KERNELS = {add_narrow, add_floats, convert};

#endif
