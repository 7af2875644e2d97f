/* SPDX-License-Identifier: MIT */
#include "coding/symbol_slice.h"

#include "coding/symbol_loops.h"

static void interleave(const wsic_symbol_column *columns, uint8_t *rows)
{
    for (size_t i = 0; i < WSIC_SLICE_ROWS; i++) {
        for (size_t k = 0; k < WSIC_SLICE_COLUMNS; k++)
            rows[i * WSIC_SLICE_COLUMNS + k] = columns[k][i];
    }
}

bool wsic_symbol_slice_c(const int16_t *const columns[WSIC_SLICE_COLUMNS], const wsic_form *form,
                         bool tokens, uint8_t *symbols)
{
    return wsic_loop_slice(columns, form, tokens, interleave, symbols);
}

wsic_symbol_slice *wsic_symbol_slice_kernel(int32_t kernels)
{
#if WSIC_X86
    if (wsic_kernels_have_avx2(kernels))
        return wsic_symbol_slice_avx2;
#else
    (void)kernels;
#endif
    return wsic_symbol_slice_c;
}
