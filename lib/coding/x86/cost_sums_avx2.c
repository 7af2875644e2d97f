/* SPDX-License-Identifier: MIT */
/* A window of eight classes is one vector. */
#include "coding/cost_sums.h"

#if WSIC_X86

#include <immintrin.h>

#define INLINE static inline WSIC_TARGET_AVX2 __attribute__((__always_inline__))

/* What the codes of a row cost. Two sums, as the next addition need not wait for the last one. */
INLINE __m256i row_costs(const wsic_cost_columns *columns, size_t count, size_t row,
                         uint32_t window)
{
    const uint32_t *const table = columns->table + window;
    __m256i sum[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};

#pragma GCC unroll 8
    for (size_t k = 0; k < count; k++) {
        const uint32_t *const costs = table + columns->column[k][row] * columns->stride;
        sum[k % 2] = _mm256_add_epi32(sum[k % 2], _mm256_loadu_si256((const void *)costs));
    }
    return _mm256_add_epi32(sum[0], sum[1]);
}

INLINE void add_rows(const wsic_cost_columns *columns, size_t count, const uint32_t *window,
                     size_t rows, uint32_t *sums)
{
    for (size_t i = 0; i < rows; i++) {
        __m256i *const of_row = (__m256i *)(void *)(sums + i * WSIC_WINDOW);
        _mm256_storeu_si256(of_row, _mm256_add_epi32(_mm256_loadu_si256(of_row),
                                                     row_costs(columns, count, i, window[i])));
    }
}

INLINE void add_up(const wsic_cost_columns *columns, size_t count, const uint32_t *window,
                   size_t rows, uint32_t *sums)
{
    __m256i sum = _mm256_loadu_si256((const void *)sums);

    for (size_t i = 0; i < rows; i++)
        sum = _mm256_add_epi32(sum, row_costs(columns, count, i, window[i]));
    _mm256_storeu_si256((void *)sums, sum);
}

/* Compiled for full octets and for others. */
WSIC_TARGET_AVX2 void wsic_cost_sums_avx2(const wsic_cost_columns *columns, const uint32_t *window,
                                          size_t rows, uint32_t *sums, size_t step)
{
    if (columns->columns == WSIC_COST_COLUMNS && step != 0)
        add_rows(columns, WSIC_COST_COLUMNS, window, rows, sums);
    else if (columns->columns == WSIC_COST_COLUMNS)
        add_up(columns, WSIC_COST_COLUMNS, window, rows, sums);
    else if (step != 0)
        add_rows(columns, columns->columns, window, rows, sums);
    else
        add_up(columns, columns->columns, window, rows, sums);
}

#else

/* A unit must hold something. */
typedef int wsic_cost_sums_avx2_is_for_x86;

#endif
