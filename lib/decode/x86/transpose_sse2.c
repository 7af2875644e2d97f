/* SPDX-License-Identifier: MIT */
#include "decode/transpose.h"

#ifdef __SSE2__

#include <emmintrin.h>

/* Interleaving the bytes of two halves, four times over, moves each of the four bits of a
 * column's number into that of the place within a row. */
static void interleave(const __m128i *in, __m128i *out)
{
    for (size_t k = 0; k < WSIC_SQUARE / 2; k++) {
        out[2 * k] = _mm_unpacklo_epi8(in[k], in[k + WSIC_SQUARE / 2]);
        out[2 * k + 1] = _mm_unpackhi_epi8(in[k], in[k + WSIC_SQUARE / 2]);
    }
}

void wsic_transpose_sse2(const int8_t *columns, size_t column_stride, int8_t *rows,
                         size_t row_stride)
{
    __m128i a[WSIC_SQUARE], b[WSIC_SQUARE];

    for (size_t j = 0; j < WSIC_SQUARE; j++)
        a[j] = _mm_loadu_si128((const __m128i *)(columns + j * column_stride));
    interleave(a, b);
    interleave(b, a);
    interleave(a, b);
    interleave(b, a);
    for (size_t i = 0; i < WSIC_SQUARE; i++)
        _mm_storeu_si128((__m128i *)(rows + i * row_stride), a[i]);
}

#endif
