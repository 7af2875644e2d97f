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
 * Layers with the same input (query, key and value projections) can share one handle.
 *
 * Memory: one n × n matrix of doubles, 8 n² bytes, of which only the lower triangle is used.
 *
 * ## Pairs
 *
 * If earlier layers are quantized already, a layer receives an input X̂ that has drifted away
 * from its input X in the original model. The encoder can make up for this drift if it
 * knows both inputs. Statistics of pairs hold the moments of pairs (X, X̂) of the same tokens:
 *
 *     Σ_X = E X Xᵀ,   Σ_X̂ = E X̂ X̂ᵀ,   Σ_{X,X̂} = E X X̂ᵀ     (row: X, column: X̂)
 *
 * The output of some layers is added to a residual stream, R in the original model and R̂
 * in the quantized one. Such a layer can make up for their difference as well. Statistics with
 * residuals also hold
 *
 *     Δ = E (R-R̂) X̂ᵀ,   E (R-R̂) Xᵀ,   E (R-R̂)²              a × n, a × n, a
 *
 * With such statistics, an encoder minimises and reports the error of the residual stream behind
 * the layer, E‖W X + (R-R̂) - Ŵ X̂‖² / (a n) (docs/algorithm.md, "Drift"). Without residuals, the
 * term R-R̂ is absent.
 *
 * The first addition decides what statistics hold: plain inputs, pairs, or pairs with residuals
 * of one length a. Further additions must be of the same kind.
 *
 * Memory: 24 n² bytes for pairs, 16 a n + 8 a more for residuals.
 *
 * ## Outputs
 *
 * Statistics of the outputs describe what an error at the outputs of a layer does to the
 * predictions of the model. They are plain statistics of length a, filled by
 * wsic_stats_add_activations() with gradients in place of activations:
 *
 *     G = E δ δᵀ,     δ = ∂ loss / ∂ y        a × a
 *
 * Here y = W x is the output of the layer at one token. The loss is the negative logarithm of
 * the probability of the label, *in nats, summed (not averaged) over the tokens of a text*. Labels
 * are drawn from the model's own predictions. Labels of a token may be drawn several times; each
 * draw is one sample. Then, to second order and in the Kronecker approximation of the Fisher
 * matrix, the divergence between the predictions of the model with Ŵ and with W is
 *
 *     ½ tr(G (W-Ŵ) Σ (W-Ŵ)ᵀ)      nats per token
 *
 * Divergences of several layers add up (docs/algorithm.md, "Both sides"). The library keeps the
 * absolute scale of G, so that layers can be compared. With another scale of the loss, the
 * divergences have another unit, but the encoded layers stay the same.
 *
 * wsic_problem_set_outputs() (problem.h) gives these statistics to encoders and plans.
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
WSIC_API wsic_status wsic_stats_create(wsic_context *context, size_t columns,
                                       wsic_stats **out) WSIC_NODISCARD;

/** \brief Release statistics. \param stats may be NULL */
WSIC_API void wsic_stats_destroy(wsic_stats *stats);

/** \brief Message of the last failing call on these statistics.
 *  \param stats may be NULL
 *  \return text, empty if nothing failed, or of NULL; valid until the next call on the handle */
WSIC_API const char *wsic_stats_message(const wsic_stats *stats);

/**
 * \brief Add a batch of activations.
 *
 * \param stats        not NULL
 * \param activations  tokens × n, one token in each row; F64, F32, F16 or BF16. Any
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
 * BLAS computes the products on the context's threads, a bounded number of tokens at a time. Large
 * batches therefore need no large copies. Until the call returns it takes 3072 bytes for each
 * column, a few hundred bytes more for the moments of the column, and 256 KiB for each thread, or
 * 1 MiB from 4096 columns on.
 *
 * Accuracy: F64 is multiplied and summed in double precision. F32, F16 and BF16 are multiplied in
 * single precision, in blocks of 768 tokens. The mean of a block is subtracted before, and the sums
 * of the blocks are added in double precision. The error of an element of Σ is below 4.7e-5 times
 * the product of the standard deviations of its two columns, whatever the number of tokens. (It is
 * below twice that where the mean is smaller than the deviation.) In practice it is below 1e-7
 * (docs/algorithm.md, "Sums of products"). Hosts that need more give batches of F64.
 */
WSIC_API wsic_status wsic_stats_add_activations(wsic_stats *stats, const wsic_matrix *activations,
                                                const double *weights) WSIC_NODISCARD;

/**
 * \brief wsic_stats_add_activations() without a struct.
 *
 * \param stats       not NULL
 * \param data        activations, tokens × n
 * \param dtype       #WSIC_F64, #WSIC_F32, #WSIC_F16 or #WSIC_BF16
 * \param tokens      number of tokens
 * \param row_stride  elements from one token to the next, 0 for no gap
 * \param weights     one non-negative weight for every token, or NULL for 1
 * \return as wsic_stats_add_activations()
 */
WSIC_API wsic_status wsic_stats_add_activations_flat(wsic_stats *stats, const void *data,
                                                     uint32_t dtype, size_t tokens,
                                                     size_t row_stride,
                                                     const double *weights) WSIC_NODISCARD;

/**
 * \brief Add a batch of pairs.
 *
 * \param stats        not NULL
 * \param activations  X, tokens × n, as for wsic_stats_add_activations()
 * \param quantized    X̂ of the same tokens, tokens × n; any type of its own
 * \param residual     R-R̂ of the same tokens, tokens × a, in any type; NULL for none
 * \param weights      one non-negative weight for every token, or NULL for 1
 * \return as wsic_stats_add_activations();
 *   - #WSIC_ERROR_STATE: the statistics hold plain inputs; or they hold pairs with residuals and
 *     none are given, or the reverse
 *   - #WSIC_ERROR_SHAPE: also if the three matrices do not have the same number of rows, or
 *     residual does not have the a columns of earlier residuals
 *
 * The accuracy is that of wsic_stats_add_activations(). If one of the matrices is F64, all are
 * multiplied in double precision. The first call allocates the memory for pairs.
 */
WSIC_API wsic_status wsic_stats_add_pair(wsic_stats *stats, const wsic_matrix *activations,
                                         const wsic_matrix *quantized, const wsic_matrix *residual,
                                         const double *weights) WSIC_NODISCARD;

/**
 * \brief wsic_stats_add_pair() without structs: all of one type, rows without gaps.
 *
 * \param stats             not NULL
 * \param data              X, tokens × n
 * \param quantized         X̂, tokens × n
 * \param residual          R-R̂, tokens × residual_columns, or NULL for none
 * \param residual_columns  a; without effect if residual is NULL
 * \param dtype             #WSIC_F64, #WSIC_F32, #WSIC_F16 or #WSIC_BF16
 * \param tokens            number of tokens
 * \param weights           one non-negative weight for every token, or NULL for 1
 * \return as wsic_stats_add_pair()
 */
WSIC_API wsic_status wsic_stats_add_pair_flat(wsic_stats *stats, const void *data,
                                              const void *quantized, const void *residual,
                                              size_t residual_columns, uint32_t dtype,
                                              size_t tokens, const double *weights) WSIC_NODISCARD;

/**
 * \brief Add a covariance that was computed elsewhere.
 *
 * \param stats       not NULL
 * \param covariance  n × n, normalised (divided by the number of samples); F64 or
 *                    F32. It must be symmetric to within 1e-5 of its largest diagonal
 *                    element; the mean of its two triangles is used.
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
                                               double samples) WSIC_NODISCARD;

/**
 * \brief wsic_stats_add_covariance() without a struct.
 *
 * \param stats       not NULL
 * \param data        n × n
 * \param dtype       #WSIC_F64 or #WSIC_F32
 * \param row_stride  elements from one row to the next, 0 for no gap
 * \param samples     number of samples (sum of weights) that it stands for, > 0
 * \return as wsic_stats_add_covariance()
 */
WSIC_API wsic_status wsic_stats_add_covariance_flat(wsic_stats *stats, const void *data,
                                                    uint32_t dtype, size_t row_stride,
                                                    double samples) WSIC_NODISCARD;

/** \brief Moments of pairs that were computed elsewhere, each normalised (divided by the number
 *  of samples), F64 or F32. The three moments of residuals are all given or all NULL. */
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
 * \param moments  not NULL. Symmetric moments are checked as by wsic_stats_add_covariance(). All
 *                 must belong to the same tokens, which cannot be checked. If they do not, the
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
                                                 const wsic_pair_moments *moments,
                                                 double samples) WSIC_NODISCARD;

/**
 * \brief Add all samples of other statistics.
 *
 * \param stats  not NULL; receives
 * \param other  not NULL; unchanged; may belong to another context; may not be stats
 * \return
 *   - #WSIC_OK
 *   - #WSIC_ERROR_ARGUMENT: a pointer is NULL or the two are the same
 *   - #WSIC_ERROR_SHAPE: different n or a
 *   - #WSIC_ERROR_STATE: one holds plain inputs and the other pairs; or one has residuals and the
 *     other none
 *   - #WSIC_ERROR_MEMORY, #WSIC_ERROR_MEMORY_LIMIT: stats needs memory for its first pairs
 */
WSIC_API wsic_status wsic_stats_merge(wsic_stats *stats, const wsic_stats *other) WSIC_NODISCARD;

/** \brief Number of columns.
 *  \param stats not NULL
 *  \return n */
WSIC_API size_t wsic_stats_columns(const wsic_stats *stats) WSIC_NONNULL(1);

/** \brief Sum of the weights of all samples.
 *  \param stats not NULL
 *  \return the sum: the number of tokens where no weights were given */
WSIC_API double wsic_stats_samples(const wsic_stats *stats) WSIC_NONNULL(1);

/** \brief Whether the statistics hold pairs.
 *  \param stats not NULL
 *  \return 1 or 0 */
WSIC_API int32_t wsic_stats_has_pairs(const wsic_stats *stats) WSIC_NONNULL(1);

/** \brief Length of the residuals.
 *  \param stats not NULL
 *  \return a; 0 where there are none */
WSIC_API size_t wsic_stats_residual_columns(const wsic_stats *stats) WSIC_NONNULL(1);

/** \brief Moments that statistics hold. The numbers are pinned. */
enum wsic_moment_kind {
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
 * \param kind    #WSIC_MOMENT_INPUT ...
 * \param values  of the moment's shape, F64 or F32, to be filled, symmetric ones in both triangles
 * \return
 *   - #WSIC_OK
 *   - #WSIC_ERROR_STATE: the statistics do not hold it
 *   - #WSIC_ERROR_NO_SAMPLES
 *   - #WSIC_ERROR_SHAPE, #WSIC_ERROR_DTYPE, #WSIC_ERROR_ARGUMENT
 */
WSIC_API wsic_status wsic_stats_get_moment(const wsic_stats *stats, int32_t kind,
                                           wsic_matrix *values) WSIC_NODISCARD;

/**
 * \brief wsic_stats_get_moment() without a struct.
 *
 * \param stats       not NULL
 * \param kind        #WSIC_MOMENT_INPUT ...
 * \param data        to be filled; the moment's shape follows from wsic_stats_columns() and
 *                    wsic_stats_residual_columns()
 * \param dtype       #WSIC_F64 or #WSIC_F32
 * \param row_stride  elements from one row to the next, 0 for no gap
 * \return as wsic_stats_get_moment()
 */
WSIC_API wsic_status wsic_stats_get_moment_flat(const wsic_stats *stats, int32_t kind, void *data,
                                                uint32_t dtype, size_t row_stride) WSIC_NODISCARD;

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
WSIC_API wsic_status wsic_stats_get_covariance(const wsic_stats *stats,
                                               wsic_matrix *covariance) WSIC_NODISCARD;

/**
 * \brief Eigenvalues of the normalised covariance, of pairs those of Σ_X.
 *
 * They are what reverse waterfilling needs (waterfill.h). The time is that of LAPACK's dsyev
 * without vectors, 4 n³ / 3 operations. The handle keeps the result until samples
 * are added, and an encoder with #WSIC_LIMIT uses it.
 *
 * \param stats        not NULL
 * \param eigenvalues  n numbers to be filled, descending, negative rounding
 *                     noise replaced by 0; or NULL to compute and keep only
 * \return
 *   - #WSIC_OK
 *   - #WSIC_ERROR_NO_SAMPLES
 *   - #WSIC_ERROR_MEMORY, #WSIC_ERROR_MEMORY_LIMIT: a copy of Σ is needed
 */
WSIC_API wsic_status wsic_stats_get_spectrum(wsic_stats *stats, double *eigenvalues) WSIC_NODISCARD;

/**
 * \brief Write statistics to a file.
 *
 * Nothing is lost: the file holds the sums themselves, not a rounded covariance. It appears under
 * its name only when it is complete; an older file of that name is replaced in one step.
 * docs/format.md describes the bytes.
 *
 * \param stats  not NULL
 * \param path   file name
 * \return #WSIC_OK, #WSIC_ERROR_ARGUMENT, #WSIC_ERROR_IO, #WSIC_ERROR_MEMORY,
 *         #WSIC_ERROR_MEMORY_LIMIT
 */
WSIC_API wsic_status wsic_stats_save(const wsic_stats *stats, const char *path) WSIC_NODISCARD;

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
WSIC_API wsic_status wsic_stats_load(wsic_context *context, const char *path,
                                     wsic_stats **out) WSIC_NODISCARD;

#ifdef __cplusplus
}
#endif

#endif
