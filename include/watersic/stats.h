/* SPDX-License-Identifier: MIT */
/**
 * \file watersic/stats.h
 * \brief Calibration statistics: the moments of a layer's input.
 *
 * For a layer Y = W X the statistics are the uncentred second moment
 *
 *     Σ = (Σ_t w_t x_t x_tᵀ) / (Σ_t w_t)           n × n, double precision
 *
 * over calibration tokens x_t with weights w_t (1 unless given). They are
 * additive: statistics of two runs can be merged, saved and loaded without loss.
 * Layers that see the same input (query, key and value projections) share them.
 *
 * Memory: one n × n matrix of doubles, 8 n² bytes, of which the lower triangle is in use.
 *
 * ## Pairs
 *
 * Behind layers that are quantized already, a layer sees an input X̂ that has drifted away
 * from the X of the original model. It can make up for that, if it knows both: statistics of
 * pairs hold, from one pass over pairs (X, X̂) of the same tokens,
 *
 *     Σ_X = E X Xᵀ,   Σ_X̂ = E X̂ X̂ᵀ,   Σ_{X,X̂} = E X X̂ᵀ     (row: X, column: X̂)
 *
 * and where the output of the layer is added to a residual stream, R in the original model and R̂
 * in the quantized one, the layer can make up for their difference too:
 *
 *     Δ = E (R-R̂) X̂ᵀ,   E (R-R̂) Xᵀ,   E (R-R̂)²              a × n, a × n, a
 *
 * An encoder that is given such statistics minimises, and reports, the error of what leaves the
 * layer, E‖W X + (R-R̂) - Ŵ X̂‖² / (a n) (docs/algorithm.md, "Drift").
 *
 * The first addition decides what statistics hold: plain inputs, pairs, or pairs with residuals
 * of one length a. Further additions must be of the same kind.
 *
 * Memory: 24 n² bytes for pairs, 16 a n + 8 a more for residuals.
 *
 * ## Outputs
 *
 * What an error at the outputs of a layer does to the predictions of the model is told by
 * statistics of the outputs. They are plain statistics of length a, filled by
 * wsic_stats_add_activations() with gradients in place of activations:
 *
 *     G = E δ δᵀ,     δ = ∂ loss / ∂ y        a × a
 *
 * where y = W x is the output of the layer at one token, and the loss is the negative logarithm of
 * the probability of the label, *in nats, summed (not averaged) over the tokens of a text*, its
 * labels drawn from the model's own predictions. A token may be drawn several times; each draw is
 * one sample. Then, to second order and in the Kronecker approximation of the Fisher matrix, the
 * divergence between the predictions of the model with Ŵ and with W is
 *
 *     ½ tr(G (W-Ŵ) Σ (W-Ŵ)ᵀ)      nats per token
 *
 * and adds up over layers (docs/algorithm.md, "Both sides"). The absolute scale of G is kept
 * throughout, so that layers compare. Another loss, or another scale, changes what the figures
 * mean, and nothing else.
 *
 * wsic_problem_set_outputs() (problem.h) gives them to encoders and plans.
 */
#ifndef WATERSIC_STATS_H
#define WATERSIC_STATS_H

#include <watersic/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/** \brief Statistics of one input. */
typedef struct wsic_stats wsic_stats;

/**
 * \brief Create empty statistics.
 *
 * \param context  not NULL; kept alive by the statistics
 * \param columns  n, the length of an input vector, at least 1
 * \param out      receives the handle, or NULL on failure
 * \return
 *   - #WSIC_OK
 *   - #WSIC_ERROR_ARGUMENT: a pointer is NULL, or columns is 0
 *   - #WSIC_ERROR_TOO_LARGE: columns beyond 2^31 - 1, or n² beyond size_t
 *   - #WSIC_ERROR_MEMORY, #WSIC_ERROR_MEMORY_LIMIT
 */
WSIC_API wsic_status wsic_stats_create(wsic_context *context, size_t columns, wsic_stats **out);

/** \brief Release statistics. \param stats may be NULL */
WSIC_API void wsic_stats_destroy(wsic_stats *stats);

/** \brief Message of the last failing call on these statistics.
 *  \param stats not NULL
 *  \return text, empty if nothing failed; valid until the next call on the handle */
WSIC_API const char *wsic_stats_message(const wsic_stats *stats);

/**
 * \brief Add a batch of activations.
 *
 * \param stats        not NULL
 * \param activations  tokens × n, one token a row; F64, F32, F16 or BF16. Any
 *                     number of rows, any row stride.
 * \param weights      one non-negative weight for every token, or NULL for 1
 * \return
 *   - #WSIC_OK
 *   - #WSIC_ERROR_ARGUMENT: a pointer is NULL, or a weight is negative
 *   - #WSIC_ERROR_SHAPE: the batch does not have n columns
 *   - #WSIC_ERROR_STATE: the statistics hold pairs
 *   - #WSIC_ERROR_DTYPE
 *   - #WSIC_ERROR_NOT_FINITE: an activation or weight is NaN or infinite; the
 *     message names the first. Nothing of the batch has been added.
 *   - #WSIC_ERROR_MEMORY, #WSIC_ERROR_MEMORY_LIMIT: nothing has been added
 *   - #WSIC_ERROR_CANCELLED: nothing has been added
 *
 * Computed by BLAS on the context's threads, a bounded number of tokens at a time, so that large
 * batches need no large copies: 2048 bytes for each column, a few hundred more for what is known of
 * it, and 256 KiB for each thread are taken until the call returns.
 *
 * Accuracy: F64 is multiplied and summed in double precision. F32, F16 and BF16 are multiplied in
 * single precision, in blocks of 512 tokens about their means, whose sums are added in double
 * precision: the error of an element of Σ is below 3.1e-5 times the product of the two columns'
 * deviations (twice that at most where the mean is smaller than the deviation), whatever the
 * number of tokens, and in practice below 1e-7 (docs/algorithm.md, "Sums of products"). Batches of
 * F64 are for hosts that need more.
 */
WSIC_API wsic_status wsic_stats_add_activations(wsic_stats *stats, const wsic_matrix *activations,
                                                const double *weights);

/**
 * \brief Add a batch of pairs.
 *
 * \param stats        not NULL
 * \param activations  X, tokens × n, as for wsic_stats_add_activations()
 * \param quantized    X̂ of the same tokens, tokens × n; any type of its own
 * \param residual     R-R̂ of the same tokens, tokens × a, in any type; NULL for none
 * \param weights      one non-negative weight for every token, or NULL for 1
 * \return as wsic_stats_add_activations(), with its accuracy (F64 for one of them means double
 *         precision for all);
 *   - #WSIC_ERROR_STATE: the statistics hold plain inputs, or pairs with residuals where none
 *     are given, or the reverse
 *   - #WSIC_ERROR_SHAPE: also if the three do not have the same number of rows, or residual
 *     has not the a columns of earlier ones
 *
 * The memory for pairs is taken by the first call.
 */
WSIC_API wsic_status wsic_stats_add_pair(wsic_stats *stats, const wsic_matrix *activations,
                                         const wsic_matrix *quantized, const wsic_matrix *residual,
                                         const double *weights);

/**
 * \brief Add a covariance that was computed elsewhere.
 *
 * \param stats       not NULL
 * \param covariance  n × n, normalised (divided by the number of samples); F64 or
 *                    F32. Only its lower triangle is used, after a check that the
 *                    matrix is symmetric to within 1e-5 of its largest diagonal
 *                    element (halves are averaged).
 * \param samples     number of samples (sum of weights) that it stands for, > 0
 * \return
 *   - #WSIC_OK
 *   - #WSIC_ERROR_ARGUMENT: a pointer is NULL, samples is not positive, a
 *     diagonal element is negative, or the matrix is not symmetric
 *   - #WSIC_ERROR_STATE: the statistics hold pairs
 *   - #WSIC_ERROR_SHAPE, #WSIC_ERROR_DTYPE, #WSIC_ERROR_NOT_FINITE
 *
 * On failure nothing has been added.
 */
WSIC_API wsic_status wsic_stats_add_covariance(wsic_stats *stats, const wsic_matrix *covariance,
                                               double samples);

/** \brief Moments of pairs that were computed elsewhere, each normalised (divided by the number
 *  of samples), F64 or F32. The three of residuals are all given or all NULL. */
typedef struct wsic_pair_moments {
    size_t size;                        /**< sizeof(wsic_pair_moments), set by the caller */
    const wsic_matrix *input;           /**< Σ_X, n × n, symmetric */
    const wsic_matrix *quantized;       /**< Σ_X̂, n × n, symmetric */
    const wsic_matrix *cross;           /**< Σ_{X,X̂} = E X X̂ᵀ, n × n */
    const wsic_matrix *residual;        /**< Δ = E (R-R̂) X̂ᵀ, a × n, or NULL */
    const wsic_matrix *residual_input;  /**< E (R-R̂) Xᵀ, a × n, or NULL */
    const wsic_matrix *residual_energy; /**< E (R-R̂)², a × 1, or NULL */
} wsic_pair_moments;

/**
 * \brief Add moments of pairs that were computed elsewhere.
 *
 * \param stats    not NULL
 * \param moments  not NULL. Symmetric ones are checked as by wsic_stats_add_covariance(). That
 *                 all belong to the same tokens cannot be checked; if they do not, the
 *                 distortions that encoders report mean nothing.
 * \param samples  number of samples (sum of weights) that they stand for, > 0
 * \return
 *   - #WSIC_OK
 *   - #WSIC_ERROR_ARGUMENT: a pointer is NULL, samples is not positive, a diagonal element or an
 *     energy is negative, or a matrix that should be symmetric is not
 *   - #WSIC_ERROR_STATE: as wsic_stats_add_pair()
 *   - #WSIC_ERROR_STRUCT_SIZE, #WSIC_ERROR_STRUCT_NEWER
 *   - #WSIC_ERROR_SHAPE, #WSIC_ERROR_DTYPE, #WSIC_ERROR_NOT_FINITE
 *   - #WSIC_ERROR_MEMORY, #WSIC_ERROR_MEMORY_LIMIT
 *
 * On failure nothing has been added.
 */
WSIC_API wsic_status wsic_stats_add_pair_moments(wsic_stats *stats,
                                                 const wsic_pair_moments *moments, double samples);

/**
 * \brief Add all samples of other statistics.
 *
 * \param stats  not NULL; receives
 * \param other  not NULL; unchanged; may belong to another context; may not be stats
 * \return
 *   - #WSIC_OK
 *   - #WSIC_ERROR_ARGUMENT: a pointer is NULL or the two are the same
 *   - #WSIC_ERROR_SHAPE: different n or a
 *   - #WSIC_ERROR_STATE: one holds plain inputs, the other pairs; or one residuals, the other
 *     none
 *   - #WSIC_ERROR_MEMORY, #WSIC_ERROR_MEMORY_LIMIT: the first pairs of stats come from other
 */
WSIC_API wsic_status wsic_stats_merge(wsic_stats *stats, const wsic_stats *other);

/** \brief Number of columns.
 *  \param stats not NULL
 *  \return n */
WSIC_API size_t wsic_stats_columns(const wsic_stats *stats);

/** \brief Sum of the weights of all samples.
 *  \param stats not NULL
 *  \return the sum: the number of tokens where no weights were given */
WSIC_API double wsic_stats_samples(const wsic_stats *stats);

/** \brief Whether the statistics hold pairs.
 *  \param stats not NULL
 *  \return 1 or 0 */
WSIC_API int32_t wsic_stats_has_pairs(const wsic_stats *stats);

/** \brief Length of the residuals.
 *  \param stats not NULL
 *  \return a; 0 where there are none */
WSIC_API size_t wsic_stats_outputs(const wsic_stats *stats);

/** \brief Moments that statistics hold. The numbers are pinned. */
enum {
    WSIC_MOMENT_INPUT = 1,          /**< Σ_X, n × n: of plain statistics their covariance */
    WSIC_MOMENT_QUANTIZED = 2,      /**< Σ_X̂, n × n; of pairs */
    WSIC_MOMENT_CROSS = 3,          /**< Σ_{X,X̂}, n × n; of pairs */
    WSIC_MOMENT_RESIDUAL = 4,       /**< Δ = E (R-R̂) X̂ᵀ, a × n; of pairs with residuals */
    WSIC_MOMENT_RESIDUAL_INPUT = 5, /**< E (R-R̂) Xᵀ, a × n; of pairs with residuals */
    WSIC_MOMENT_RESIDUAL_ENERGY = 6 /**< E (R-R̂)², a × 1; of pairs with residuals */
};

/**
 * \brief Read a normalised moment.
 *
 * \param stats   not NULL
 * \param which   #WSIC_MOMENT_INPUT ...
 * \param values  of the moment's shape, F64 or F32, to be filled, symmetric ones in both triangles
 * \return
 *   - #WSIC_OK
 *   - #WSIC_ERROR_STATE: the statistics do not hold it
 *   - #WSIC_ERROR_NO_SAMPLES
 *   - #WSIC_ERROR_SHAPE, #WSIC_ERROR_DTYPE, #WSIC_ERROR_ARGUMENT
 */
WSIC_API wsic_status wsic_stats_get_moment(const wsic_stats *stats, int32_t which,
                                           wsic_matrix *values);

/**
 * \brief Read the normalised covariance: wsic_stats_get_moment() of #WSIC_MOMENT_INPUT.
 *
 * \param stats       not NULL
 * \param covariance  n × n, F64 or F32, to be filled, both triangles
 * \return
 *   - #WSIC_OK
 *   - #WSIC_ERROR_NO_SAMPLES
 *   - #WSIC_ERROR_SHAPE, #WSIC_ERROR_DTYPE, #WSIC_ERROR_ARGUMENT
 */
WSIC_API wsic_status wsic_stats_get_covariance(const wsic_stats *stats, wsic_matrix *covariance);

/**
 * \brief Eigenvalues of the normalised covariance, of pairs those of Σ_X.
 *
 * They are what reverse waterfilling needs (waterfill.h), and cost about as much
 * as several layers' quantization. The result is kept in the handle until samples
 * are added, and encoders use it where it is there and needed.
 *
 * \param stats        not NULL
 * \param eigenvalues  n numbers to be filled, descending, negative rounding
 *                     noise replaced by 0; or NULL to compute and keep only
 * \return
 *   - #WSIC_OK
 *   - #WSIC_ERROR_NO_SAMPLES
 *   - #WSIC_ERROR_MEMORY, #WSIC_ERROR_MEMORY_LIMIT: a copy of Σ is needed
 */
WSIC_API wsic_status wsic_stats_get_spectrum(wsic_stats *stats, double *eigenvalues);

/**
 * \brief Write statistics to a file.
 *
 * Lossless: the stored sums, not a rounded covariance. The file appears under its
 * name only when complete; an older file of that name is replaced in one step.
 * docs/format.md describes the bytes.
 *
 * \param stats  not NULL
 * \param path   file name
 * \return #WSIC_OK, #WSIC_ERROR_ARGUMENT, #WSIC_ERROR_IO, #WSIC_ERROR_MEMORY,
 *         #WSIC_ERROR_MEMORY_LIMIT
 */
WSIC_API wsic_status wsic_stats_save(wsic_stats *stats, const char *path);

/**
 * \brief Read statistics from a file.
 *
 * \param context  not NULL
 * \param path     file name
 * \param out      receives the handle, or NULL on failure
 * \return
 *   - #WSIC_OK
 *   - #WSIC_ERROR_IO: cannot be read
 *   - #WSIC_ERROR_FORMAT: not a statistics file, or inconsistent
 *   - #WSIC_ERROR_TRUNCATED, #WSIC_ERROR_CHECKSUM: damaged
 *   - #WSIC_ERROR_VERSION: written by a later version
 *   - #WSIC_ERROR_MEMORY, #WSIC_ERROR_MEMORY_LIMIT, #WSIC_ERROR_ARGUMENT
 */
WSIC_API wsic_status wsic_stats_load(wsic_context *context, const char *path, wsic_stats **out);

#ifdef __cplusplus
}
#endif

#endif
