/* SPDX-License-Identifier: MIT */
/**
 * \file watersic/problem.h
 * \brief A matrix to be quantized, prepared: statistics, how they are mixed, what is left out.
 *
 * wsic_encoder_run() quantizes a matrix once, for the statistics as they are. Use a problem
 * to quantize one matrix several times, at several rates or with several mixtures of
 * statistics, or to leave out rows or columns. A problem keeps what does not change from one
 * run to the next: live columns, energies, the factor, eigenvalues. Earlier runs have no influence
 * on the bytes of later ones.
 *
 * ## Mixing
 *
 * Statistics of pairs (stats.h) hold what the layer sees in the original model, X, and behind
 * quantized layers, X̂. A second set of statistics can hold weighted tokens, for instance by their
 * importance to attention. The layer is fitted to a mixture of these:
 *
 *     D = a D_u + (1-a) D_w,     D_• = (1-q) E‖W X + (R-R̂) - Ŵ X̂‖² + q E‖W X - Ŵ X‖²
 *
 * Here D_u is the mean over unweighted tokens and D_w the mean over weighted ones, each divided by
 * the sum of its own weights. Both expectations in D_• are divided by a n, as in any distortion.
 * With q = 0 the layer makes up for all drift, with q = 1 drift is ignored; a = 1 ignores the
 * weights. The encoder minimises and reports the mixture D.
 *
 * ## Outputs
 *
 * Without statistics of outputs, errors of all outputs count alike. With them (stats.h), G = E δ
 * δᵀ, the encoder minimises
 *
 *     D_G = tr(G ΔW Σ ΔWᵀ) / (a n),        ΔW = W' - Ŵ
 *
 * For plain statistics W' is W. For pairs it is the matrix that makes up best for the drift,
 * W' = (W Σ_{X,X̂} + Δ) Σ_X̂⁻¹. Even W' leaves an error, which no choice of Ŵ can remove. That error is
 * not part of D_G, since it cannot be computed from the statistics. D_G a n / (2 ln 2) is the
 * divergence that quantizing this matrix adds, in bits per token.
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
                                         wsic_problem **out) WSIC_NODISCARD;

/** \brief Release a problem. \param problem may be NULL */
WSIC_API void wsic_problem_destroy(wsic_problem *problem);

/** \brief Message of the last failing call on this problem.
 *  \param problem may be NULL
 *  \return text, empty if nothing failed, or of NULL; valid until the next call on the handle */
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
WSIC_API wsic_status wsic_problem_set_mix(wsic_problem *problem, double q, double a) WSIC_NODISCARD;

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
                                                size_t count) WSIC_NODISCARD;

/**
 * \brief Leave columns out, beside those whose input is (nearly) always 0.
 *
 * These columns are restored as exact zeros. The part of the output that is lost with them counts in
 * the distortion.
 *
 * \param problem  not NULL
 * \param columns  count numbers below n, in any order; may be NULL if count is 0
 * \param count    their number; 0 to leave none out (again)
 * \return #WSIC_OK, #WSIC_ERROR_ARGUMENT, #WSIC_ERROR_MEMORY, #WSIC_ERROR_MEMORY_LIMIT
 */
WSIC_API wsic_status wsic_problem_set_dead_columns(wsic_problem *problem, const size_t *columns,
                                                   size_t count) WSIC_NODISCARD;

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
 *   - #WSIC_ERROR_RANGE: the mean diagonal of G is 0 or subnormal, so that no gradient has reached
 *     these outputs. Either nothing in the model depends on this layer, or the gradients are
 *     incomplete. In the first case, go on without output statistics.
 *   - #WSIC_ERROR_MEMORY, #WSIC_ERROR_MEMORY_LIMIT
 *
 * On failure the problem is as before. G may be singular, because there were fewer tokens than rows
 * or because no gradient reaches some outputs: it is damped before it is used
 * (#WSIC_OUTPUT_DAMPING). The encoder's parameters decide how it is used (#WSIC_OUTPUTS and those
 * after it). A multiple of G gives the same layer. A multiple of the identity gives the layer that
 * results without output statistics.
 */
WSIC_API wsic_status wsic_problem_set_outputs(wsic_problem *problem,
                                              const wsic_stats *outputs) WSIC_NODISCARD;

#ifdef __cplusplus
}
#endif

#endif
