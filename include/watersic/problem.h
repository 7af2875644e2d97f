/* SPDX-License-Identifier: MIT */
/**
 * \file watersic/problem.h
 * \brief A matrix to be quantized, prepared: statistics, how they are mixed, what is left out.
 *
 * wsic_encoder_run() quantizes a matrix once, for the statistics as they are. A problem serves
 * where one matrix is quantized several times, at several rates or with several mixtures of
 * statistics, and where rows or columns are to be left out. It keeps what does not change from one
 * run to the next: live columns, energies, the factor, eigenvalues. The same problem gives the
 * same bytes whatever was run on it before.
 *
 * ## Mixing
 *
 * Statistics of pairs (stats.h) hold what the layer sees in the original model, X, and behind
 * quantized layers, X̂. Statistics can further be taken over weighted tokens, by their
 * importance to attention. What a layer is fitted to is mixed of these:
 *
 *     D = a D_u + (1-a) D_w,     D_• = (1-q) E‖W X + (R-R̂) - Ŵ X̂‖² + q E‖W X - Ŵ X‖²
 *
 * where D_u is the mean over unweighted tokens, D_w that over weighted ones, each by the sum of its
 * own weights, and both parts of D_• divided by a n as in any distortion. q = 0 makes up for all
 * drift, q = 1 ignores it; a = 1 ignores the weights. The mixture D is what the encoder minimises
 * and reports.
 *
 * ## Outputs
 *
 * Without more, errors of all outputs count alike. With statistics of outputs (stats.h), G = E δ
 * δᵀ, the encoder minimises instead
 *
 *     D_G = tr(G ΔW Σ ΔWᵀ) / (a n),        ΔW = W' - Ŵ
 *
 * where W' is W itself for plain statistics, and for pairs the matrix that makes up best for the
 * drift, W' = (W Σ_{X,X̂} + Δ) Σ_X̂⁻¹. (What drift leaves whatever is stored is not part of D_G: the
 * statistics of residuals do not hold what it would take.) D_G a n / (2 ln 2) is the divergence
 * that quantizing this matrix adds, in bits per token.
 */
#ifndef WATERSIC_PROBLEM_H
#define WATERSIC_PROBLEM_H

#include <watersic/stats.h>

#ifdef __cplusplus
extern "C" {
#endif

/** \brief A problem. */
typedef struct wsic_problem wsic_problem;

/**
 * \brief Create a problem.
 *
 * \param context   not NULL; kept alive by the problem
 * \param stats     of the layer's input, n columns, at least one sample; plain or pairs. Residuals
 *                  must have as many outputs as the matrix has rows.
 * \param weighted  of the same kind over weighted tokens; NULL for none
 * \param weights   a × n; F64, F32, F16 or BF16; any shape from 1 × 1
 * \param out       receives the handle, or NULL on failure
 * \return
 *   - #WSIC_OK
 *   - #WSIC_ERROR_ARGUMENT: a pointer is NULL
 *   - #WSIC_ERROR_STATE: stats and weighted are of different kinds
 *   - #WSIC_ERROR_SHAPE, #WSIC_ERROR_DTYPE, #WSIC_ERROR_NO_SAMPLES
 *   - #WSIC_ERROR_NOT_FINITE: a weight is NaN or infinite
 *   - #WSIC_ERROR_MEMORY, #WSIC_ERROR_MEMORY_LIMIT
 *
 * Statistics and weights are borrowed: they must neither change nor go before the problem does.
 * Nothing is computed here. The mixture of a new problem is q = 0, a = 0.
 */
WSIC_API wsic_status wsic_problem_create(wsic_context *context, const wsic_stats *stats,
                                         const wsic_stats *weighted, const wsic_matrix *weights,
                                         wsic_problem **out);

/** \brief Release a problem. \param problem may be NULL */
WSIC_API void wsic_problem_destroy(wsic_problem *problem);

/** \brief Message of the last failing call on this problem.
 *  \param problem not NULL
 *  \return text, empty if nothing failed; valid until the next call on the handle */
WSIC_API const char *wsic_problem_message(const wsic_problem *problem);

/**
 * \brief Choose the mixture.
 *
 * \param problem  not NULL
 * \param q        0 to 1: part of the clean input; without effect on plain statistics
 * \param a        0 to 1: part of the unweighted tokens; without effect where there are no
 *                 weighted ones
 * \return #WSIC_OK, #WSIC_ERROR_ARGUMENT
 *
 * With 0 < q < 1 or 0 < a < 1 the mixed moments take memory: 8 n² bytes, 16 n² with drift.
 */
WSIC_API wsic_status wsic_problem_set_mix(wsic_problem *problem, double q, double a);

/**
 * \brief Leave rows out.
 *
 * They are restored as exact zeros and count in the rate. They take no part in anything else: the
 * other rows are quantized as if they were the whole matrix, with the rate or distortion that is
 * left for them. What has to be stored are marks, less than half a bit a row, for codes and for
 * scales. Rows that hold nothing but zeros are left out in any case, unless statistics with
 * residuals want something of them.
 *
 * \param problem  not NULL
 * \param rows     count numbers below a, in any order; may be NULL if count is 0
 * \param count    their number; 0 to leave none out (again). At least one row must remain.
 * \return #WSIC_OK, #WSIC_ERROR_ARGUMENT, #WSIC_ERROR_MEMORY, #WSIC_ERROR_MEMORY_LIMIT
 */
WSIC_API wsic_status wsic_problem_set_dead_rows(wsic_problem *problem, const size_t *rows,
                                                size_t count);

/**
 * \brief Leave columns out, beside those whose input is (nearly) always 0.
 *
 * They are restored as exact zeros. What they contributed to the output counts in the distortion.
 *
 * \param problem  not NULL
 * \param columns  count numbers below n, in any order; may be NULL if count is 0
 * \param count    their number; 0 to leave none out (again)
 * \return #WSIC_OK, #WSIC_ERROR_ARGUMENT, #WSIC_ERROR_MEMORY, #WSIC_ERROR_MEMORY_LIMIT
 */
WSIC_API wsic_status wsic_problem_set_dead_columns(wsic_problem *problem, const size_t *columns,
                                                   size_t count);

/**
 * \brief Give the statistics of the outputs.
 *
 * \param problem  not NULL
 * \param outputs  plain statistics of a columns, the rows of the matrix, filled with gradients as
 *                 stats.h says ("Outputs"). Borrowed, like the other statistics. NULL for none
 *                 (again): errors of all outputs count alike.
 * \return
 *   - #WSIC_OK
 *   - #WSIC_ERROR_ARGUMENT: problem is NULL
 *   - #WSIC_ERROR_STATE: outputs holds pairs
 *   - #WSIC_ERROR_SHAPE: outputs has not as many columns as the matrix has rows
 *   - #WSIC_ERROR_NO_SAMPLES: outputs holds no sample
 *   - #WSIC_ERROR_RANGE: the mean diagonal of G is 0 or subnormal. No gradient has reached these
 *     outputs: either nothing depends on the layer, or something was forgotten. Who knows which
 *     may go on without output statistics.
 *   - #WSIC_ERROR_MEMORY, #WSIC_ERROR_MEMORY_LIMIT
 *
 * On failure the problem is as before. G may be singular: from fewer tokens than rows, or with
 * outputs that no gradient reaches. It is damped before it is used (#WSIC_OUTPUT_DAMPING). What
 * use is made of it is up to the encoder's parameters (#WSIC_OUTPUTS ...). A multiple of G gives
 * the same layer, and a G that is a multiple of the identity the layer that there would be without.
 */
WSIC_API wsic_status wsic_problem_set_outputs(wsic_problem *problem, const wsic_stats *outputs);

#ifdef __cplusplus
}
#endif

#endif
