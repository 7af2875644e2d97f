/* SPDX-License-Identifier: MIT */
#include "decode/product.h"

#include "base/cpu.h"

#if WSIC_X86

#include <immintrin.h>

enum { LANES = 8, MOST_VECTORS = 8 };

#define INTO_CALLER static inline __attribute__((__always_inline__)) WSIC_TARGET_AVX2

/* Where the codes of a strip come from: bytes or floats. One of the two is NULL, and the compiler
 * knows which. */
typedef struct strip_source {
    const int8_t *narrow;
    const float *floats;
    size_t stride;
} strip_source;

INTO_CALLER __m256 load_codes(const strip_source *source, size_t column, size_t row)
{
    if (!source->narrow)
        return _mm256_load_ps(source->floats + column * source->stride + row);
    const __m128i bytes =
        _mm_loadl_epi64((const __m128i *)(source->narrow + column * source->stride + row));
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes));
}

/* `vectors` times LANES rows and all tokens: their sums stay in registers for all columns. */
INTO_CALLER void add_rows(float *sums, const strip_source *source, size_t row, size_t columns,
                          const float *factors, size_t tokens, size_t vectors)
{
    __m256 sum[WSIC_GROUP_TOKENS][MOST_VECTORS];
    __m256 code[MOST_VECTORS];

#pragma GCC unroll 6
    for (size_t t = 0; t < tokens; t++) {
#pragma GCC unroll 8
        for (size_t v = 0; v < vectors; v++)
            sum[t][v] = _mm256_loadu_ps(sums + t * WSIC_STRIP_ROWS + row + v * LANES);
    }
    for (size_t j = 0; j < columns; j++) {
#pragma GCC unroll 8
        for (size_t v = 0; v < vectors; v++)
            code[v] = load_codes(source, j, row + v * LANES);
#pragma GCC unroll 6
        for (size_t t = 0; t < tokens; t++) {
            const __m256 factor = _mm256_broadcast_ss(factors + j * tokens + t);
#pragma GCC unroll 8
            for (size_t v = 0; v < vectors; v++)
                sum[t][v] = _mm256_fmadd_ps(code[v], factor, sum[t][v]);
        }
    }
#pragma GCC unroll 6
    for (size_t t = 0; t < tokens; t++) {
#pragma GCC unroll 8
        for (size_t v = 0; v < vectors; v++)
            _mm256_storeu_ps(sums + t * WSIC_STRIP_ROWS + row + v * LANES, sum[t][v]);
    }
}

INTO_CALLER void add_strip(float *sums, const strip_source *source, size_t columns,
                           const float *factors, size_t tokens, size_t vectors)
{
    for (size_t row = 0; row < WSIC_STRIP_ROWS; row += vectors * LANES)
        add_rows(sums, source, row, columns, factors, tokens, vectors);
}

/* As many rows at once as it takes to hide the latency of the additions, and as registers allow. */
INTO_CALLER void add_tokens(float *sums, const strip_source *source, size_t columns,
                            const float *factors, size_t tokens)
{
    switch (tokens) {
    case 1:
        add_strip(sums, source, columns, factors, 1, 8);
        break;
    case 2:
        add_strip(sums, source, columns, factors, 2, 4);
        break;
    case 3:
        add_strip(sums, source, columns, factors, 3, 4);
        break;
    case 4:
        add_strip(sums, source, columns, factors, 4, 2);
        break;
    case 5:
        add_strip(sums, source, columns, factors, 5, 2);
        break;
    default:
        add_strip(sums, source, columns, factors, 6, 2);
        break;
    }
}

WSIC_TARGET_AVX2
static void add_narrow(float *sums, const int8_t *codes, size_t stride, size_t columns,
                       const float *factors, size_t tokens)
{
    const strip_source source = {codes, NULL, stride};
    add_tokens(sums, &source, columns, factors, tokens);
}

WSIC_TARGET_AVX2
static void add_floats(float *sums, const float *floats, size_t columns, const float *factors,
                       size_t tokens)
{
    const strip_source source = {NULL, floats, WSIC_STRIP_ROWS};
    add_tokens(sums, &source, columns, factors, tokens);
}

WSIC_TARGET_AVX2
static void convert(const int8_t *codes, size_t stride, size_t columns, float *floats)
{
    const strip_source source = {codes, NULL, stride};

    for (size_t j = 0; j < columns; j++) {
        for (size_t i = 0; i < WSIC_STRIP_ROWS; i += LANES)
            _mm256_store_ps(floats + j * WSIC_STRIP_ROWS + i, load_codes(&source, j, i));
    }
}

const wsic_product_kernels wsic_product_avx2 = {add_narrow, add_floats, convert};

#endif
