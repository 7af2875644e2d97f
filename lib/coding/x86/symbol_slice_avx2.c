/* SPDX-License-Identifier: MIT */
#include "coding/symbol_slice.h"

#if WSIC_X86

#include <immintrin.h>

#include "coding/symbol_loops.h"

#define INLINE static inline WSIC_TARGET_AVX2 __attribute__((__always_inline__))

/* Sixteen rows of eight columns: pairs of columns, then fours, then all of them stand together. */
INLINE void interleave_part(const wsic_symbol_column *columns, size_t row, uint8_t *rows)
{
    __m128i c[8], pairs[8], fours[8];

#pragma GCC unroll 8
    for (size_t k = 0; k < 8; k++)
        c[k] = _mm_loadu_si128((const void *)(columns[k] + row));
#pragma GCC unroll 4
    for (size_t k = 0; k < 4; k++) {
        pairs[k] = _mm_unpacklo_epi8(c[2 * k], c[2 * k + 1]);
        pairs[4 + k] = _mm_unpackhi_epi8(c[2 * k], c[2 * k + 1]);
    }
#pragma GCC unroll 4
    for (size_t k = 0; k < 4; k++) {
        fours[2 * k] = _mm_unpacklo_epi16(pairs[2 * k], pairs[2 * k + 1]);
        fours[2 * k + 1] = _mm_unpackhi_epi16(pairs[2 * k], pairs[2 * k + 1]);
    }
    /* fours: of rows 0 to 3 and 4 to 7 columns 0 to 3, then 4 to 7; then of the other rows. */
    __m128i *const out = (__m128i *)(void *)(rows + 8 * row);
#pragma GCC unroll 4
    for (size_t k = 0; k < 4; k++) {
        const size_t left = 4 * (k / 2) + k % 2;
        _mm_storeu_si128(out + 2 * k, _mm_unpacklo_epi32(fours[left], fours[left + 2]));
        _mm_storeu_si128(out + 2 * k + 1, _mm_unpackhi_epi32(fours[left], fours[left + 2]));
    }
}

INLINE void interleave(const wsic_symbol_column *columns, uint8_t *rows)
{
    for (size_t row = 0; row < WSIC_SLICE_ROWS; row += 16)
        interleave_part(columns, row, rows);
}

WSIC_TARGET_AVX2 bool wsic_symbol_slice_avx2(const int16_t *const columns[WSIC_SLICE_COLUMNS],
                                             const wsic_form *form, bool tokens, uint8_t *symbols)
{
    return wsic_loop_slice(columns, form, tokens, interleave, symbols);
}

#else

/* A unit must hold something. */
typedef int wsic_symbol_slice_avx2_is_for_x86;

#endif
