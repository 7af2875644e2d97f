/* SPDX-License-Identifier: MIT */
/* The recursion over columns with feedback between rows of the same column: what went wrong in
 * rows that are decided moves the targets of those that are not. docs/algorithm.md, section "Both
 * sides", "Within a column". */
#ifndef WSIC_QUANT_COUPLED_H
#define WSIC_QUANT_COUPLED_H

#include "base/env.h"
#include "quant/quantizer.h"

typedef struct wsic_coupled {
    size_t rows;         /* of this group, in the order of the metric */
    size_t columns;      /* n, at least 1 */
    const double *L;     /* n x n, lower */
    const double *alpha; /* n spacings */
    const double *gamma; /* n */
    const double *error_share; /* n, see zsic.h */
    const wsic_quantizer *quantizer;
    const int8_t *row_width; /* rows */

    const double *A; /* rows x rows, lower, leading dimension lda: the metric is A Aᵀ */
    size_t lda;
    size_t blocks;             /* of rows, decided from the last to the first */
    const size_t *block_start; /* blocks + 1 */
    /* Stretches of a trellis: rows of block b that belong to stretch s begin at
     * tile_start[b (tiles + 1) + s], counted from the first row of the block. */
    size_t tiles;
    const size_t *tile_start;
    uint8_t *states; /* tiles x n; NULL without a trellis */
    double *sums;    /* 2 x n, see zsic.h */
} wsic_coupled;

typedef struct wsic_coupled_result {
    double residual;      /* squares of what the rows left of their targets */
    double target_energy; /* squares of the targets, what was fed back included */
} wsic_coupled_result;

/* Y (rows x n) is overwritten with the reconstruction; used (n): γ, 0 where a column has no code.
 * Both results are added to. */
wsic_status wsic_coupled_run(const wsic_env *env, const wsic_progress *progress,
                             const wsic_coupled *problem, double *y, int32_t *codes, double *used,
                             wsic_coupled_result *result);

#endif
