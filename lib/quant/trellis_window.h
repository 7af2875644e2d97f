/* SPDX-License-Identifier: MIT */
/* A trellis whose rows feed back: every path has errors of its own, and moves the numbers that are
 * still to come by them. docs/algorithm.md, section "Both sides". */
#ifndef WSIC_QUANT_TRELLIS_WINDOW_H
#define WSIC_QUANT_TRELLIS_WINDOW_H

#include "quant/rate_model.h"
#include "quant/viterbi.h"

enum { WSIC_TRELLIS_CELLS = 64 }; /* beyond, the bits do not matter */

#define WSIC_TRELLIS_LARGEST 0x1p29 /* leaves room to the levels above */

/* λ bits of the levels of each branch (trellis_levels.h). */
typedef struct wsic_cell_costs {
    float below[4];
    float above[4];
} wsic_cell_costs;

typedef struct wsic_trellis_quantizer {
    double lambda;  /* in units of the grid's spacing², to the bit */
    size_t segment; /* rows that are searched at once, at most */
    int32_t most;   /* greatest magnitude of a level: above 4, one below a multiple of 4 */
    wsic_viterbi viterbi;
    wsic_cell_costs zero; /* of the number 0, which has one level */
    wsic_cell_costs cost[WSIC_WIDTHS][WSIC_TRELLIS_CELLS + 1];
    wsic_rate_model model;
} wsic_trellis_quantizer;

/* wsic_quantizer.quantize_window of a wsic_trellis_quantizer, by any processor and by AVX2, and
 * what it works on. */
typedef bool wsic_window_search(const void *state, const wsic_window *window, void *workspace,
                                int32_t *codes);
wsic_window_search wsic_trellis_window, wsic_trellis_window_avx2;
size_t wsic_trellis_window_memory(unsigned kind);

#endif
