/* SPDX-License-Identifier: MIT */
#include "base/transpose.h"

void wsic_transpose_c(const int8_t *columns, size_t column_stride, int8_t *rows, size_t row_stride)
{
    for (size_t j = 0; j < WSIC_SQUARE; j++) {
        for (size_t i = 0; i < WSIC_SQUARE; i++)
            rows[i * row_stride + j] = columns[j * column_stride + i];
    }
}

wsic_transpose_function *wsic_transpose_for(int32_t kernels)
{
#ifdef __SSE2__
    if (kernels != WSIC_KERNELS_C)
        return wsic_transpose_sse2;
#elif WSIC_NEON
    if (kernels == WSIC_KERNELS_NEON)
        return wsic_transpose_neon;
#endif
    (void)kernels;
    return wsic_transpose_c;
}
