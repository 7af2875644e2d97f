/* SPDX-License-Identifier: MIT */
#include "base/cpu.h"

#if WSIC_X86

#define TARGET WSIC_TARGET_AVX2
#include "quant/trellis_window_search.h"

TARGET bool wsic_trellis_window_avx2(const void *state, const wsic_window *window, void *workspace,
                                     int32_t *codes)
{
    return search_window(state, window, workspace, codes);
}

#endif
