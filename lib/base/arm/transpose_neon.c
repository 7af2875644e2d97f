/* SPDX-License-Identifier: MIT */
#include "base/transpose.h"

#if WSIC_NEON

#include <arm_neon.h>

/* As in x86/transpose_sse2.c: each round moves one of the four bits of a column's number into that
 * of the place within a row. */
static void interleave(const int8x16_t *in, int8x16_t *out)
{
    for (size_t k = 0; k < WSIC_SQUARE / 2; k++) {
        out[2 * k] = vzip1q_s8(in[k], in[k + WSIC_SQUARE / 2]);
        out[2 * k + 1] = vzip2q_s8(in[k], in[k + WSIC_SQUARE / 2]);
    }
}

void wsic_transpose_neon(const int8_t *columns, size_t column_stride, int8_t *rows,
                         size_t row_stride)
{
    int8x16_t a[WSIC_SQUARE], b[WSIC_SQUARE];

    for (size_t j = 0; j < WSIC_SQUARE; j++)
        a[j] = vld1q_s8(columns + j * column_stride);
    interleave(a, b);
    interleave(b, a);
    interleave(a, b);
    interleave(b, a);
    for (size_t i = 0; i < WSIC_SQUARE; i++)
        vst1q_s8(rows + i * row_stride, a[i]);
}

#endif
