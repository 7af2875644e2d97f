/* SPDX-License-Identifier: MIT */
/**
 * \file watersic/stats.h
 * \brief Calibration statistics: the covariance of a layer's input.
 *
 * For a layer Y = W X the statistics are the uncentred second moment
 *
 *     Σ = (Σ_t w_t x_t x_tᵀ) / (Σ_t w_t)           n × n, double precision
 *
 * over calibration tokens x_t with weights w_t (1 unless given). They are
 * additive: statistics of two runs can be merged, saved and loaded without loss.
 * Layers that see the same input (query, key and value projections) share them.
 *
 * Memory: one n × n matrix of doubles, 8 n² bytes.
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
 *   - #WSIC_ERROR_DTYPE
 *   - #WSIC_ERROR_NOT_FINITE: an activation or weight is NaN or infinite; the
 *     message names the first. Nothing of the batch has been added.
 *   - #WSIC_ERROR_MEMORY, #WSIC_ERROR_MEMORY_LIMIT: nothing has been added
 *   - #WSIC_ERROR_CANCELLED: nothing has been added
 *
 * Accumulates in double precision with BLAS (syrk), a bounded number of tokens
 * at a time, so that large batches need no large copies.
 */
WSIC_API wsic_status wsic_stats_add_activations(wsic_stats *stats, const wsic_matrix *activations,
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
 *   - #WSIC_ERROR_SHAPE, #WSIC_ERROR_DTYPE, #WSIC_ERROR_NOT_FINITE
 *
 * On failure nothing has been added.
 */
WSIC_API wsic_status wsic_stats_add_covariance(wsic_stats *stats, const wsic_matrix *covariance,
                                               double samples);

/**
 * \brief Add all samples of other statistics.
 *
 * \param stats  not NULL; receives
 * \param other  not NULL; unchanged; may belong to another context; may not be stats
 * \return
 *   - #WSIC_OK
 *   - #WSIC_ERROR_ARGUMENT: a pointer is NULL or the two are the same
 *   - #WSIC_ERROR_SHAPE: different n
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

/**
 * \brief Read the normalised covariance.
 *
 * \param stats       not NULL
 * \param covariance  n × n, F64 or F32, to be filled, both triangles
 * \return
 *   - #WSIC_OK
 *   - #WSIC_ERROR_NO_SAMPLES
 *   - #WSIC_ERROR_SHAPE, #WSIC_ERROR_DTYPE, #WSIC_ERROR_ARGUMENT
 */
WSIC_API wsic_status wsic_stats_covariance(const wsic_stats *stats, wsic_matrix *covariance);

/**
 * \brief Eigenvalues of the normalised covariance.
 *
 * They are what reverse waterfilling needs (waterfill.h), and cost about as much
 * as several layers' quantization. The result is kept in the handle until samples
 * are added, and encoders use it where it is there.
 *
 * \param stats        not NULL
 * \param eigenvalues  n numbers to be filled, descending, negative rounding
 *                     noise replaced by 0; or NULL to compute and keep only
 * \return
 *   - #WSIC_OK
 *   - #WSIC_ERROR_NO_SAMPLES
 *   - #WSIC_ERROR_MEMORY, #WSIC_ERROR_MEMORY_LIMIT: a copy of Σ is needed
 */
WSIC_API wsic_status wsic_stats_spectrum(wsic_stats *stats, double *eigenvalues);

/**
 * \brief Write statistics to a file.
 *
 * Lossless: the stored sums, not a rounded covariance. The file appears under its
 * name only when complete; an older file of that name is replaced in one step.
 * docs/format.md describes the bytes.
 *
 * \param stats  not NULL
 * \param path   file name
 * \return #WSIC_OK, #WSIC_ERROR_ARGUMENT, #WSIC_ERROR_IO, #WSIC_ERROR_MEMORY
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
