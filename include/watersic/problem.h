/* SPDX-License-Identifier: MIT */
/**
 * \file watersic/problem.h
 * \brief A prepared matrix: its statistics, their mixture, and the rows and columns to leave out.
 *
 * wsic_encoder_run() quantizes a matrix once, for the statistics as they are. Use a problem
 * to quantize one matrix several times, at several rates or with several mixtures of
 * statistics, or to leave out rows or columns. A problem keeps what does not change from one
 * run to the next: live columns, energies, the factor, eigenvalues. Earlier runs have no influence
 * on the bytes of later ones.
 *
 * ## Mixing
 *
 * Statistics of pairs (stats.h) describe the input X of a layer in the original model, and its
 * input X̂ behind quantized layers. A second set of statistics can describe weighted tokens. The
 * weights may be, for instance, the importance of the tokens to attention. The layer is fitted to a
 * mixture:
 *
 *     D = a D_u + (1-a) D_w,     D_• = (1-q) E‖W X + (R-R̂) - Ŵ X̂‖² + q E‖W X - Ŵ X‖²
 *
 * Here D_u is the mean over unweighted tokens and D_w the mean over weighted ones, each divided by
 * the sum of its own weights. As in any distortion, both expectations in D_• are divided by the
 * number of elements of W. With q = 0 the layer makes up for all drift; with q = 1 it ignores
 * drift. With a = 1 it ignores the weights. The encoder minimises and reports the mixture D.
 *
 * ## Outputs
 *
 * Without statistics of outputs, errors of all outputs count alike. With them (stats.h), G = E δ
 * δᵀ, the encoder minimises
 *
 *     D_G = tr(G ΔW Σ ΔWᵀ) / (a n),        ΔW = W' - Ŵ
 *
 * For plain statistics W' is W. For pairs it is the matrix that makes up best for the drift,
 * W' = (W Σ_{X,X̂} + Δ) Σ_X̂⁻¹. Even W' leaves an error, which no choice of Ŵ can remove. That
 * error is not part of D_G, since it cannot be computed from the statistics. D_G a n / (2 ln 2) is
 * the divergence that quantizing this matrix adds, in bits per token. (In D_G, a is the number of
 * rows.)
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
 * \param weighted  statistics of the same kind over weighted tokens; NULL for none
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
 * Statistics and weights are borrowed: they must not change, and they must outlive the problem.
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
 * \param q        0 to 1: part of the clean input X; without effect on plain statistics
 * \param a        0 to 1: part of the unweighted tokens; without effect if the problem has no
 *                 statistics of weighted tokens
 * \return #WSIC_OK, #WSIC_ERROR_ARGUMENT
 *
 * With 0 < q < 1 or 0 < a < 1 the mixed moments take memory: 8 n² bytes, 16 n² with drift.
 */
WSIC_API wsic_status wsic_problem_set_mix(wsic_problem *problem, double q, double a) WSIC_NODISCARD;

/**
 * \brief Leave rows out.
 *
 * These rows are restored as exact zeros. Their weights count in the rate, but nothing else depends
 * on them: the other rows are quantized as if they were the whole matrix, with the rate or
 * distortion that is left for them. The layer stores only marks for such rows: less than half a bit
 * per row for the codes, and as much for the scales. Rows of zeros are left out in any case. The
 * exception are statistics with residuals in which such a row has something to make up for.
 *
 * \param problem  not NULL
 * \param rows     count numbers below a, in any order; may be NULL if count is 0
 * \param count    their number; 0: no row is left out any more. At least one row must remain.
 * \return #WSIC_OK, #WSIC_ERROR_ARGUMENT, #WSIC_ERROR_MEMORY, #WSIC_ERROR_MEMORY_LIMIT
 */
WSIC_API wsic_status wsic_problem_set_dead_rows(wsic_problem *problem, const size_t *rows,
                                                size_t count) WSIC_NODISCARD;

/**
 * \brief Leave columns out, in addition to those whose input is (nearly) always 0.
 *
 * These columns are restored as exact zeros. The output loses their contribution, which counts in
 * the distortion.
 *
 * \param problem  not NULL
 * \param columns  count numbers below n, in any order; may be NULL if count is 0
 * \param count    their number; 0: no column is left out any more
 * \return #WSIC_OK, #WSIC_ERROR_ARGUMENT, #WSIC_ERROR_MEMORY, #WSIC_ERROR_MEMORY_LIMIT
 */
WSIC_API wsic_status wsic_problem_set_dead_columns(wsic_problem *problem, const size_t *columns,
                                                   size_t count) WSIC_NODISCARD;

/**
 * \brief Give the statistics of the outputs.
 *
 * \param problem  not NULL
 * \param outputs  plain statistics, filled with gradients as stats.h says ("Outputs"); they have as
 *                 many columns as the matrix has rows. Borrowed, like the other statistics. NULL:
 *                 no output statistics (any more), so that errors of all outputs count alike.
 * \return
 *   - #WSIC_OK
 *   - #WSIC_ERROR_ARGUMENT: problem is NULL
 *   - #WSIC_ERROR_STATE: outputs holds pairs
 *   - #WSIC_ERROR_SHAPE: the columns of outputs are not as many as the rows of the matrix
 *   - #WSIC_ERROR_NO_SAMPLES: outputs holds no sample
 *   - #WSIC_ERROR_RANGE: the mean diagonal of G is 0 or subnormal, so that no gradient has reached
 *     these outputs. Either nothing in the model depends on this layer, or the gradients are
 *     incomplete. In the first case, go on without output statistics.
 *   - #WSIC_ERROR_MEMORY, #WSIC_ERROR_MEMORY_LIMIT
 *
 * On failure the problem is as before. G may be singular, because there were fewer tokens than rows
 * or because no gradient reaches some outputs: it is damped before it is used
 * (#WSIC_OUTPUT_DAMPING). The encoder's parameters decide how it is used (#WSIC_OUTPUTS and those
 * after it). A multiple of G gives the same layer as G. If G is a multiple of the identity, the
 * layer is the same as without output statistics.
 */
WSIC_API wsic_status wsic_problem_set_outputs(wsic_problem *problem,
                                              const wsic_stats *outputs) WSIC_NODISCARD;

/**
 * \brief Give the diagonal of the statistics of the outputs alone.
 *
 * For a matrix with so many rows that G, which has a² numbers, cannot be kept. The layer, the
 * report and plans are as if G had zeros beside its diagonal: rows are weighted, and no row makes
 * up for the errors of another. It takes the place of what wsic_problem_set_outputs() was given,
 * and the other way round.
 *
 * \param problem   not NULL
 * \param diagonal  G_rr = E δ_r² of every row, not negative, in the units that stats.h says
 *                  ("Outputs"). The problem keeps a copy. NULL: no output statistics (any more).
 * \param count     the number of rows of the matrix; not looked at if diagonal is NULL
 * \return
 *   - #WSIC_OK
 *   - #WSIC_ERROR_ARGUMENT: problem is NULL, or a number is negative
 *   - #WSIC_ERROR_SHAPE: count is not the number of rows
 *   - #WSIC_ERROR_NOT_FINITE: a number is NaN or infinite
 *   - #WSIC_ERROR_RANGE: the mean of the numbers is 0, subnormal or beyond the range of double
 *   - #WSIC_ERROR_MEMORY, #WSIC_ERROR_MEMORY_LIMIT
 *
 * On failure the problem is as before. Numbers below 1e-4 of the mean count as that
 * (#WSIC_OUTPUT_DAMPING).
 */
WSIC_API wsic_status wsic_problem_set_output_diagonal(wsic_problem *problem, const double *diagonal,
                                                      size_t count) WSIC_NODISCARD;

#ifdef __cplusplus
}
#endif

#endif
