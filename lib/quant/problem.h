/* SPDX-License-Identifier: MIT */
/* The input of an encoding, and the intermediate results that it keeps for the next one: mixed
 * statistics, live columns, energies, the factor. None of these depends on the target, so that a
 * matrix can be quantized at several rates, or with several mixtures, without computing them
 * again. */
#ifndef WSIC_QUANT_PROBLEM_H
#define WSIC_QUANT_PROBLEM_H

#include "base/env.h"
#include "quant/blend.h"
#include "quant/prepare.h"
#include "quant/weights.h"

/* Checked by the owner: finite, shapes fit, samples > 0, row_stride filled in. All borrowed. */
typedef struct wsic_encode_input {
    wsic_matrix weights;
    wsic_blend_sources sources;
    const double *spectrum;   /* eigenvalues of the clean covariance of sources.moments, or NULL */
    const bool *dead_rows;    /* rows to be left out, one mark for each; NULL: none */
    const bool *dead_columns; /* columns to be left out besides those that are dead; NULL: none */
    wsic_output_moments outputs;   /* neither: all outputs count alike */
    const double *output_spectrum; /* eigenvalues of their mean, descending, or NULL */
} wsic_encode_input;

typedef struct wsic_encode_problem {
    wsic_encode_input input;

    /* Of the columns: known once the dead ones are. */
    bool columns_known;
    double dead_threshold; /* that they were found with */
    wsic_weights weights;
    wsic_factor factor; /* its live columns; the rest belongs to the mixture */
    size_t live;
    wsic_selection live_columns;
    double *column_energy;   /* mean square of a weight, live columns */
    double *column_diagonal; /* Σ_jj of them, in units of its own; follows column_energy */
    size_t *row_index;  /* of the weights' rows, where some are left out: those that are told to be,
                           and rows of zeros, which stay zeros whatever the others do */
    double *row_energy; /* Σ_j w_rj² Σ_jj over them */
    size_t zero_rows;   /* of the weights' rows: without energy */
    double variance;    /* mean square of all weights; negative: not yet known */
    double *output_spectrum; /* of G over the weights' rows, descending; NULL: not yet
                                needed */
    /* With drift, for every statistics and unit of it: tr(W Σ_X Wᵀ) and what residuals add,
     * 2 <W, E ΔR Xᵀ> + E ||ΔR||²; negative energy: not yet known. */
    double source_energy[2], source_residual[2], source_unit[2];

    /* Of the mixture. */
    bool blend_known;
    bool silent; /* it sees no input at all, and all columns are dead for it */
    wsic_blend blend;
    /* With drift Σ without damping over the live columns, internal units: S_factor times the lower
     * triangle of S. The blend's sum itself unless there are dead columns. */
    const double *S;
    double S_factor;
    double *S_owned;
    /* Σ_{X,X̂}, all columns of X by the live ones of X̂, likewise; NULL without drift. */
    const double *cross;
    double *cross_owned;
    bool determinant_known;
    double log_determinant; /* log2 det Σ / n, internal units */
    double level_below;     /* a level that all eigenvalues of Σ are above; where it is known */
    double *spectrum;       /* n eigenvalues of Σ, internal units; NULL: not yet needed */
    double energy;          /* distortion of Ŵ = 0, internal units; negative: not yet known */

    bool factor_known;
    wsic_factor_options factor_options; /* that it was made with */
} wsic_encode_problem;

void wsic_encode_problem_init(const wsic_encode_input *input, wsic_encode_problem *problem);
void wsic_encode_problem_release(const wsic_env *env, wsic_encode_problem *problem);

/* After a change of the input's mixture, of its dead rows and columns, or of its outputs. */
void wsic_encode_problem_remix(const wsic_env *env, wsic_encode_problem *problem);
void wsic_encode_problem_reset(const wsic_env *env, wsic_encode_problem *problem);
void wsic_encode_problem_forget_outputs(const wsic_env *env, wsic_encode_problem *problem);

/* Bring everything up to date; nothing is kept after a failure. original: the factor itself is
 * wanted, not only its diagonal, where an encoding has replaced it by one of its own. */
wsic_status wsic_encode_problem_prepare(const wsic_env *env, const wsic_factor_options *options,
                                        double dead_threshold, bool original,
                                        wsic_encode_problem *problem);

/* Rows of the matrix that have no energy, or are left out. */
static inline size_t wsic_encode_problem_dead_rows(const wsic_encode_problem *problem)
{
    return problem->input.weights.rows - problem->weights.rows.count + problem->zero_rows;
}

static inline bool wsic_encode_problem_drifts(const wsic_encode_problem *problem)
{
    return problem->cross != NULL;
}

/* C = W Σ_{X,X̂} + Δ for rows first ... first + count - 1 of the selection, live columns, internal
 * units, into out (leading dimension ld). weights (count x n) receives W of those rows. Of a
 * problem that drifts. drift.c */
void wsic_encode_problem_cross(const wsic_encode_problem *problem, wsic_selection rows,
                               size_t first, size_t count, double *weights, double *out, size_t ld);

/* problem->energy of a problem that drifts. drift.c */
wsic_status wsic_encode_problem_energy(const wsic_env *env, wsic_encode_problem *problem);

#endif
