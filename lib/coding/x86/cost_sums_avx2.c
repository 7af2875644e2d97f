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

/* --- slopes ----------------------------------------------------------------------------- */

enum { ROWS = 32, OF_TABLE = 16, TABLES = WSIC_SLOPE_BUCKETS / OF_TABLE };

/* Low and high bytes of the slopes of sixteen buckets each, twice. */
typedef struct slope_tables {
    __m256i low[TABLES];
    __m256i high[TABLES];
} slope_tables;

INLINE slope_tables make_tables(const wsic_slope_columns *columns)
{
    uint8_t low[WSIC_SLOPE_BUCKETS], high[WSIC_SLOPE_BUCKETS];
    slope_tables made;

    for (size_t b = 0; b < WSIC_SLOPE_BUCKETS; b++) {
        low[b] = (uint8_t)columns->slope[b];
        high[b] = (uint8_t)((uint16_t)columns->slope[b] >> 8);
    }
    for (size_t t = 0; t < TABLES; t++) {
        made.low[t] =
            _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)(low + OF_TABLE * t)));
        made.high[t] =
            _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)(high + OF_TABLE * t)));
    }
    return made;
}

/* The slopes of a column in 32 rows are added to those in rows 0 to 7 and 16 to 23, and in the
 * others. A shuffle gives zeros where the top bit of a byte is set: so for buckets of other
 * tables. */
INLINE void add_column(const slope_tables *tables, size_t count, const uint8_t *column,
                       __m256i *sums)
{
    const __m256i buckets = _mm256_loadu_si256((const void *)column);
    __m256i low = _mm256_setzero_si256(), high = _mm256_setzero_si256();

#pragma GCC unroll 4
    for (size_t t = 0; t < count; t++) {
        const __m256i within = _mm256_sub_epi8(buckets, _mm256_set1_epi8((char)(OF_TABLE * t)));
        const __m256i index = _mm256_adds_epu8(within, _mm256_set1_epi8(128 - OF_TABLE));
        low = _mm256_or_si256(low, _mm256_shuffle_epi8(tables->low[t], index));
        high = _mm256_or_si256(high, _mm256_shuffle_epi8(tables->high[t], index));
    }
    sums[0] = _mm256_add_epi16(sums[0], _mm256_unpacklo_epi8(low, high));
    sums[1] = _mm256_add_epi16(sums[1], _mm256_unpackhi_epi8(low, high));
}

INLINE void add_eight(__m128i slopes, int32_t *sums)
{
    __m256i *const out = (__m256i *)(void *)sums;
    _mm256_storeu_si256(out,
                        _mm256_add_epi32(_mm256_loadu_si256(out), _mm256_cvtepi16_epi32(slopes)));
}

INLINE void add_slopes(const wsic_slope_columns *columns, size_t count, size_t rows, int32_t *sums)
{
    const slope_tables tables = make_tables(columns);

    for (size_t i = 0; i + ROWS <= rows; i += ROWS) {
        __m256i slopes[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
        for (size_t k = 0; k < columns->columns.columns; k++)
            add_column(&tables, count, columns->columns.column[k] + i, slopes);
        add_eight(_mm256_castsi256_si128(slopes[0]), sums + i);
        add_eight(_mm256_castsi256_si128(slopes[1]), sums + i + 8);
        add_eight(_mm256_extracti128_si256(slopes[0], 1), sums + i + 16);
        add_eight(_mm256_extracti128_si256(slopes[1], 1), sums + i + 24);
    }
}

/* Compiled for few buckets and for many. */
WSIC_TARGET_AVX2 void wsic_slope_sums_avx2(const wsic_slope_columns *columns, size_t rows,
                                           int32_t *sums)
{
    const size_t whole = rows / ROWS * ROWS;

    if (columns->buckets <= OF_TABLE)
        add_slopes(columns, 1, whole, sums);
    else if (columns->buckets <= 2 * OF_TABLE)
        add_slopes(columns, 2, whole, sums);
    else
        add_slopes(columns, TABLES, whole, sums);
    wsic_slope_sums_from(columns, whole, rows, sums);
}

#else

/* A unit must hold something. */
typedef int wsic_cost_sums_avx2_is_for_x86;

#endif
