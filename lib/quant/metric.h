/* SPDX-License-Identifier: MIT */
/* The metric of the outputs: what an error of one row means beside those of others, and how rows
 * are therefore weighted and decided. docs/algorithm.md, section "Both sides".
 *
 * With Ĝ = (G + δ diag(G)) / (1 + δ) in the order of the blocks, Ĝ = A Aᵀ, and A_bb the blocks of
 * rows on the diagonal of the lower factor A,
 *
 *     tr(Ĝ E Σ Eᵀ) = Σ_b tr(S_b (E_b + F_b E_>b) Σ (E_b + F_b E_>b)ᵀ)
 *     S_b = A_bb A_bbᵀ,     F_b = A_bb⁻ᵀ A_>bᵀ
 *
 * where A_>b stands below A_bb. Blocks are decided from the last to the first. Of S_b only the
 * diagonal counts: rows are weighted by its root. All that comes after works on weighted rows: W
 * stands for diag(w) W, and A for diag(1/w) A, in units where weights are about 1. */
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
    size_t blocks;  /* 0: automatic */
    double damping; /* δ; 0: automatic */
    int weights;    /* WSIC_OUTPUT_WEIGHTS_NONE ... */
    bool trellis;   /* whose first rows of a block have few ways to go: fewer blocks then */
} wsic_metric_options;

typedef struct wsic_metric {
    size_t rows;    /* a */
    size_t blocks;  /* B, row r in block r mod B; 1: no feedback */
    size_t *order;  /* row at each place: block after block, ascending within; NULL for one block */
    double *factor; /* A, rows x rows, lower, in the order of places; NULL for one block */
    double *schur;  /* S_rr / unit of every row, natural order, before weights */
    double *weight; /* w of every row; NULL: all 1 */
    int32_t *exponent; /* w = 2^(exponent / 2^grid), as its inverse will be stored */
    uint32_t grid;
    int weights;    /* WSIC_OUTPUT_WEIGHTS_NONE ... */
    double unit;    /* Ĝ = unit · A Aᵀ, but for weights */
    double damping; /* δ */
    double mean;    /* of the diagonal of G over the rows that take part */
} wsic_metric;

/* outputs: sums of δδᵀ, lower triangle. Rows are those that are selected, which may be all.
 * Rows of energy 0 take no part: they are restored as zeros. columns: the number of columns that
 * share a row's scale. */
typedef struct wsic_metric_input {
    const wsic_moments *outputs;
    const double *row_energy;
    size_t columns;
    wsic_selection rows;
} wsic_metric_input;

/* On failure *metric is empty. WSIC_ERROR_NOT_POSITIVE_DEFINITE names the row. */
wsic_status wsic_metric_make(const wsic_env *env, const wsic_metric_options *options,
                             const wsic_metric_input *input, wsic_metric *metric);
void wsic_metric_release(const wsic_env *env, wsic_metric *metric);

/* Place of the first row of a block; of block number `blocks` the end. */
size_t wsic_metric_place(const wsic_metric *metric, size_t block);

/* T (rows of the block x n, leading dimension ldt) += F_b E for E (`count` rows x n, leading
 * dimension lde) that stand at places from `first` on, behind the block. Only the first half,
 * A_>bᵀ E; wsic_metric_feed_back() then makes A_bb⁻ᵀ of the sum. */
void wsic_metric_gather(const wsic_metric *metric, size_t block, size_t first, size_t count,
                        size_t n, const double *e, size_t lde, double *t, size_t ldt);
void wsic_metric_feed_back(const wsic_metric *metric, size_t block, size_t n, double *t,
                           size_t ldt);

/* X (rows x n, in places) = Ĝ X / unit. */
void wsic_metric_multiply(const wsic_metric *metric, size_t n, double *x);

/* D_G with the undamped G over that with Ĝ, where the errors of weighted rows after feedback are
 * white, as they are at high rates. */
wsic_status wsic_metric_noise_gain(const wsic_env *env, const wsic_metric_input *input,
                                   const wsic_metric *metric, double *gain);

/* What is chosen where nothing is asked for: δ and B. */
double wsic_metric_damping(double samples, size_t rows);
size_t wsic_metric_blocks(size_t rows, bool trellis);

#endif
