/* SPDX-License-Identifier: MIT */
#include "coding/cost_sums.h"

void wsic_cost_sums_c(const wsic_cost_columns *columns, const uint32_t *window, size_t rows,
                      uint32_t *sums, size_t step)
{
    for (size_t i = 0; i < rows; i++) {
        uint32_t *const of_row = sums + i * step;
        for (size_t k = 0; k < columns->columns; k++) {
            const uint32_t *const costs =
                columns->table + columns->column[k][i] * columns->stride + window[i];
            for (size_t c = 0; c < WSIC_WINDOW; c++)
                of_row[c] += costs[c];
        }
    }
}

void wsic_slope_sums_c(const wsic_slope_columns *columns, size_t rows, int32_t *sums)
{
    wsic_slope_sums_from(columns, 0, rows, sums);
}

wsic_cost_sums *wsic_cost_sums_kernel(int32_t kernels)
{
#if WSIC_X86
    if (wsic_kernels_have_avx2(kernels))
        return wsic_cost_sums_avx2;
#else
    (void)kernels;
#endif
    return wsic_cost_sums_c;
}

wsic_slope_sums *wsic_slope_sums_kernel(int32_t kernels)
{
#if WSIC_X86
    if (wsic_kernels_have_avx2(kernels))
        return wsic_slope_sums_avx2;
#else
    (void)kernels;
#endif
    return wsic_slope_sums_c;
}
