/* SPDX-License-Identifier: MIT */
/* The recursion over columns with feedback between rows of the same column: what went wrong in
 * rows that are decided moves the targets of those that are not. docs/algorithm.md, section "Both
 * sides". */
#ifndef WSIC_QUANT_COUPLED_H
#define WSIC_QUANT_COUPLED_H

#include "base/env.h"
#include "quant/quantizer.h"

typedef struct wsic_coupled {
    size_t rows;         /* of this group, decided from the last to the first */
    size_t columns;      /* n, at least 1 */
    const double *L;     /* n x n, lower */
    const double *alpha; /* n spacings */
    const double *gamma; /* n */
    const double *error_share; /* n, see zsic.h */
    const double *passed;      /* n: 1 - ρ_j / L_jj² */
    const double *bias;        /* rows x n: W L - Y; NULL without a ridge */
    const wsic_quantizer *quantizer;
    const int8_t *row_width; /* rows */

    const double *A; /* rows x rows, lower, leading dimension lda: the metric is A Aᵀ */
    size_t lda;
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
