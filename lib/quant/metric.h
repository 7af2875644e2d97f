/* SPDX-License-Identifier: MIT */
/* The metric of the outputs: what an error of one row means beside those of others, and how rows
 * are therefore weighted and decided. docs/algorithm.md, section "Both sides".
 *
 * With Ĝ = (G + δ diag(G)) / (1 + δ), rows in the reverse of the order in which they are decided,
 * and Ĝ = A Aᵀ for a lower triangle A,
 *
 *     tr(Ĝ E Σ Eᵀ) = Σ_k A_kk² ‖(E_k + F_k E_>k) L‖²,     F_k = (A_>k,k)ᵀ / A_kk,
 *
 * so that rows are decided from the last place to the first, each with a target that is moved by
 * F_k E_>k. They are weighted by the roots of S_kk = A_kk². All that comes after works on weighted
 * rows: W stands for diag(w) W, and A for diag(1/w) A, in units where weights are about 1. */
#ifndef WSIC_QUANT_METRIC_H
#define WSIC_QUANT_METRIC_H

#include "base/env.h"
#include "format/moments.h"
#include "quant/weights.h"

enum { WSIC_OUTPUTS_NONE, WSIC_OUTPUTS_DIAGONAL, WSIC_OUTPUTS_FULL };

/* Beside WSIC_OUTPUT_WEIGHTS_NONE ... of watersic/encoder.h. */
enum { WSIC_METRIC_WEIGHTS_AUTO = 3 };

typedef struct wsic_metric_options {
    int use;        /* WSIC_OUTPUTS_NONE ... */
    double damping; /* δ; 0: automatic */
    int weights;    /* WSIC_OUTPUT_WEIGHTS_NONE ... */
} wsic_metric_options;

typedef struct wsic_metric {
    size_t rows;       /* a */
    size_t *order;     /* row at each place; NULL without feedback */
    double *factor;    /* A, rows x rows, lower, rows in places; NULL without feedback */
    double *schur;     /* S_rr / unit of every row, natural order, before weights */
    double *weight;    /* w of every row; NULL: all 1 */
    int32_t *exponent; /* w = 2^(exponent / 2^grid), as its inverse will be stored */
    uint32_t grid;
    int weights;    /* WSIC_OUTPUT_WEIGHTS_NONE ... */
    double unit;    /* Ĝ = unit · A Aᵀ, but for weights */
    double damping; /* δ */
    double mean;    /* of the diagonal of G over the rows that take part */
} wsic_metric;

/* Rows are those that are selected, which may be all.
 * Rows of energy 0 take no part: they are restored as zeros. columns: the number of columns that
 * share a row's scale. */
typedef struct wsic_metric_input {
    wsic_output_moments outputs;
    const double *row_energy;
    size_t columns;
    wsic_selection rows;
} wsic_metric_input;

/* On failure *metric is empty. WSIC_ERROR_NOT_POSITIVE_DEFINITE names the row. */
wsic_status wsic_metric_make(const wsic_env *env, const wsic_metric_options *options,
                             const wsic_metric_input *input, wsic_metric *metric);
void wsic_metric_release(const wsic_env *env, wsic_metric *metric);

/* T (`rows` rows from `place` on, x n, leading dimension ldt) += F E for E (`count` rows x n,
 * leading dimension lde) that stand at places from `first` on, behind them. Only the first half,
 * A_>bᵀ E; wsic_metric_feed_back() then multiplies the sum by A_bb⁻ᵀ. */
void wsic_metric_gather(const wsic_metric *metric, size_t place, size_t rows, size_t first,
                        size_t count, size_t n, const double *e, size_t lde, double *t, size_t ldt);
void wsic_metric_feed_back(const wsic_metric *metric, size_t place, size_t rows, size_t n,
                           double *t, size_t ldt);

/* X (rows x n, in places) = Ĝ X / unit. */
void wsic_metric_multiply(const wsic_metric *metric, size_t n, double *x);

/* D_G with the undamped G over that with Ĝ, where the errors of weighted rows after feedback are
 * white, as they are at high rates. */
wsic_status wsic_metric_noise_gain(const wsic_env *env, const wsic_metric_input *input,
                                   const wsic_metric *metric, double *gain);

/* δ where none is asked for. */
double wsic_metric_damping(double samples, size_t rows);

#endif
