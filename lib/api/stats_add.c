/* SPDX-License-Identifier: MIT */
#include "api/stats.h"

#include <math.h>

#include "base/checked.h"
#include "base/half.h"
#include "linalg/linalg.h"

/* Tokens that are converted and multiplied at a time: enough for BLAS to be at full
 * speed, and little beside the n x n sum. */
enum { CHUNK_TOKENS = 256 };

/* Every addition announces here, before it changes anything, by how much samples and
 * the largest element can grow. */
static wsic_status check_growth(const wsic_stats *stats, double bound, double samples)
{
    const double new_bound = stats->moments.bound + bound;
    const double new_samples = stats->moments.samples + samples;

    if (!wsic_moments_in_range(new_bound, new_samples))
        return wsic_fail(&stats->handle.env, WSIC_ERROR_NOT_FINITE,
                         "the sums would leave the range of double: %g samples, elements up to %g",
                         new_samples, new_bound);
    return WSIC_OK;
}

static void grow(wsic_stats *stats, double bound, double samples)
{
    stats->moments.bound += bound;
    stats->moments.samples += samples;
    wsic_free(&stats->handle.env, stats->spectrum);
    stats->spectrum = NULL;
}

typedef struct token_batch {
    wsic_matrix tokens;
    const double *weights; /* or NULL */
    double *chunk;         /* CHUNK_TOKENS x n, or as many as there are tokens */
    double bound;
    double samples;
} token_batch;

static wsic_status check_weights(const wsic_env *env, const double *weights, size_t count)
{
    for (size_t t = 0; weights && t < count; t++) {
        if (!isfinite(weights[t]))
            return wsic_fail(env, WSIC_ERROR_NOT_FINITE, "weights[%zu] is %g", t, weights[t]);
        if (weights[t] < 0)
            return wsic_fail(env, WSIC_ERROR_ARGUMENT, "weights[%zu] is %g, negative", t,
                             weights[t]);
    }
    return WSIC_OK;
}

/* out = sqrt(weight) x of one token, so that the sum of out out^T is that of w x x^T. */
static void load_token(const token_batch *batch, size_t token, double *out)
{
    const wsic_matrix *const x = &batch->tokens;
    const size_t element = wsic_dtype_size(x->dtype);

    wsic_load_f64(out, (const char *)x->data + token * x->row_stride * element, x->dtype,
                  x->columns);
    if (!batch->weights || batch->weights[token] == 1)
        return;
    const double factor = sqrt(batch->weights[token]);
    for (size_t j = 0; j < x->columns; j++)
        out[j] *= factor;
}

/* By Cauchy and Schwarz no element of the sum grows by more than the sum over tokens of
 * the largest square. */
static void measure_batch(token_batch *batch)
{
    batch->bound = 0;
    batch->samples = 0;
    for (size_t t = 0; t < batch->tokens.rows; t++) {
        double largest = 0;
        load_token(batch, t, batch->chunk);
        /* The values are finite: fmax() would be a call for nothing. */
        for (size_t j = 0; j < batch->tokens.columns; j++) {
            const double magnitude = fabs(batch->chunk[j]);
            largest = magnitude > largest ? magnitude : largest;
        }
        batch->bound += largest * largest;
        batch->samples += batch->weights ? batch->weights[t] : 1;
    }
}

static void accumulate_batch(const token_batch *batch, double *sum)
{
    const size_t n = batch->tokens.columns;

    for (size_t first = 0; first < batch->tokens.rows; first += CHUNK_TOKENS) {
        const size_t count = wsic_min_size(CHUNK_TOKENS, batch->tokens.rows - first);
        for (size_t t = 0; t < count; t++)
            load_token(batch, first + t, batch->chunk + t * n);
        wsic_syrk_accumulate(n, count, batch->chunk, n, sum);
    }
}

static wsic_status add_batch(wsic_stats *stats, token_batch *batch)
{
    measure_batch(batch);
    wsic_status status = check_growth(stats, batch->bound, batch->samples);
    /* The last chance to stop: from here on the sum changes. */
    if (status == WSIC_OK)
        status = wsic_progress_report(&stats->handle.env, NULL, 0);
    if (status != WSIC_OK)
        return status;
    accumulate_batch(batch, stats->moments.sum);
    grow(stats, batch->bound, batch->samples);
    return WSIC_OK;
}

wsic_status wsic_stats_add_activations(wsic_stats *stats, const wsic_matrix *activations,
                                       const double *weights)
{
    if (!stats)
        return WSIC_ERROR_ARGUMENT;
    const wsic_env *const env = &stats->handle.env;
    const wsic_shape expected = {0, stats->moments.columns};
    token_batch batch = {.weights = weights};

    wsic_status status = wsic_check_matrix(env, "activations", activations, WSIC_ALLOW_REAL,
                                           expected, &batch.tokens);
    if (status == WSIC_OK)
        status = wsic_check_finite(env, "activations", &batch.tokens);
    if (status == WSIC_OK)
        status = check_weights(env, weights, batch.tokens.rows);
    if (status != WSIC_OK)
        return status;

    const size_t chunk = wsic_min_size(CHUNK_TOKENS, batch.tokens.rows);
    batch.chunk = wsic_alloc(env, batch.tokens.columns, chunk * sizeof(double), &status);
    if (!batch.chunk)
        return status;
    status = add_batch(stats, &batch);
    wsic_free(env, batch.chunk);
    return status;
}

static double element_of(const wsic_matrix *matrix, size_t i, size_t j)
{
    const size_t index = i * matrix->row_stride + j;
    return matrix->dtype == WSIC_F64 ? ((const double *)matrix->data)[index]
                                     : (double)((const float *)matrix->data)[index];
}

static wsic_status check_diagonal(const wsic_env *env, const wsic_matrix *covariance,
                                  double *largest)
{
    *largest = 0;
    for (size_t j = 0; j < covariance->columns; j++) {
        const double value = element_of(covariance, j, j);
        if (value < 0)
            return wsic_fail(env, WSIC_ERROR_ARGUMENT, "covariance (%zu, %zu) is %g, negative", j,
                             j, value);
        *largest = fmax(*largest, value);
    }
    return WSIC_OK;
}

/* *bound receives the largest magnitude. */
static wsic_status check_symmetric(const wsic_env *env, const wsic_matrix *covariance,
                                   double *bound)
{
    double largest;
    const wsic_status status = check_diagonal(env, covariance, &largest);

    *bound = largest;
    if (status != WSIC_OK)
        return status;
    for (size_t i = 1; i < covariance->rows; i++) {
        for (size_t j = 0; j < i; j++) {
            const double lower = element_of(covariance, i, j);
            const double upper = element_of(covariance, j, i);
            if (fabs(lower - upper) > 1e-5 * largest)
                return wsic_fail(env, WSIC_ERROR_ARGUMENT,
                                 "covariance is not symmetric: (%zu, %zu) is %g, (%zu, %zu) is %g",
                                 i, j, lower, j, i, upper);
            *bound = fmax(*bound, fmax(fabs(lower), fabs(upper)));
        }
    }
    return WSIC_OK;
}

static void accumulate_covariance(wsic_moments *moments, const wsic_matrix *covariance,
                                  double samples)
{
    const size_t n = moments->columns;

    for (size_t j = 0; j < n; j++) {
        for (size_t i = j; i < n; i++) {
            const double lower = element_of(covariance, i, j);
            const double upper = element_of(covariance, j, i);
            moments->sum[j * n + i] += samples * (0.5 * lower + 0.5 * upper);
        }
    }
}

wsic_status wsic_stats_add_covariance(wsic_stats *stats, const wsic_matrix *covariance,
                                      double samples)
{
    if (!stats)
        return WSIC_ERROR_ARGUMENT;
    const wsic_env *const env = &stats->handle.env;
    const size_t n = stats->moments.columns;
    wsic_matrix checked;
    double bound;

    wsic_status status = wsic_check_matrix(env, "covariance", covariance, WSIC_ALLOW_DOUBLE,
                                           (wsic_shape){n, n}, &checked);
    if (status != WSIC_OK)
        return status;
    if (!(samples > 0) || !isfinite(samples))
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "samples is %g, not positive and finite",
                         samples);
    status = wsic_check_finite(env, "covariance", &checked);
    if (status == WSIC_OK)
        status = check_symmetric(env, &checked, &bound);
    if (status == WSIC_OK)
        status = check_growth(stats, samples * bound, samples);
    if (status != WSIC_OK)
        return status;
    accumulate_covariance(&stats->moments, &checked, samples);
    grow(stats, samples * bound, samples);
    return WSIC_OK;
}

wsic_status wsic_stats_merge(wsic_stats *stats, const wsic_stats *other)
{
    if (!stats)
        return WSIC_ERROR_ARGUMENT;
    const wsic_env *const env = &stats->handle.env;
    const size_t n = stats->moments.columns;

    if (!other)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "other is NULL");
    if (other == stats)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "other is the same as stats");
    if (other->moments.columns != n)
        return wsic_fail(env, WSIC_ERROR_SHAPE, "other has %zu columns, stats %zu",
                         other->moments.columns, n);
    const wsic_status status = check_growth(stats, other->moments.bound, other->moments.samples);
    if (status != WSIC_OK)
        return status;
    for (size_t j = 0; j < n; j++) {
        for (size_t i = j; i < n; i++)
            stats->moments.sum[j * n + i] += other->moments.sum[j * n + i];
    }
    grow(stats, other->moments.bound, other->moments.samples);
    return WSIC_OK;
}
