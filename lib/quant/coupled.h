/* SPDX-License-Identifier: MIT */
/* The recursion over columns, with feedback from row to row within each of them: what went wrong in
 * rows that are decided moves the targets of those that are not. docs/algorithm.md, section "Both
 * sides". */
#ifndef WSIC_QUANT_COUPLED_H
#define WSIC_QUANT_COUPLED_H

#include "base/env.h"
#include "quant/quantizer.h"

/* A group of rows, in places: the last is decided first (metric.h). Arrays over columns are in the
 * order of the factor. */
typedef struct wsic_coupled {
    size_t rows;
    size_t columns;            /* n, at least 1 */
    const double *L;           /* n x n, lower */
    const double *alpha;       /* n spacings; the codes of column j count α_j L_jj */
    const double *gamma;       /* n */
    const double *error_share; /* n, see zsic.h */
    const double *passed_on;   /* n: 1 - ρ_j / L_jj², the part of an error that is fed back */
    const double *bias;        /* rows x n: W L - Y, what the ridge takes off; NULL without one */
    const wsic_quantizer *quantizer;
    const int8_t *row_width; /* see wsic_stretch */
    const double *A;         /* rows x rows, lower: the metric is A Aᵀ */
    size_t lda;
    /* n: of a trellis, where the search of each column begins; receives where it ends. */
    uint8_t *states;
} wsic_coupled;

/* What a run adds to. */
typedef struct wsic_coupled_sums {
    double *zy;           /* n: <z, y> in steps of what the quantizer sees, feedback included */
    double *zz;           /* n: <z, z> */
    double residual;      /* squares of what the codes leave of their targets */
    double target_energy; /* squares of these targets */
} wsic_coupled_sums;

/* Codes (rows x n) are filled; Y (rows x n) is overwritten. On failure (WSIC_ERROR_RANGE,
 * WSIC_ERROR_CANCELLED, WSIC_ERROR_MEMORY) all of them are undefined. One thread: every row waits
 * for the one before it. */
wsic_status wsic_coupled_run(const wsic_env *env, const wsic_progress *progress,
                             const wsic_coupled *problem, double *y, int32_t *codes,
                             wsic_coupled_sums *sums);

/* Upper bound of the bytes that it allocates. */
double wsic_coupled_memory(size_t rows, size_t window_workspace);

#endif
