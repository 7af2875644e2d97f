/* SPDX-License-Identifier: MIT */
#define TARGET
#include "quant/trellis_window_search.h"

size_t wsic_trellis_window_memory(unsigned kind)
{
    return ((size_t)1 << kind) * PER_STATE + sizeof(search);
}

bool wsic_trellis_window(const void *state, const wsic_window *window, void *workspace,
                         int32_t *codes)
{
    return search_window(state, window, workspace, codes);
}
