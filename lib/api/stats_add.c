/* SPDX-License-Identifier: MIT */
#include "api/stats.h"

#include <math.h>

#include "api/check.h"
#include "api/token_sums.h"
#include "base/checked.h"

wsic_status wsic_stats_check_growth(const wsic_stats *stats, double bound, double samples)
{
    const double new_bound = stats->moments.bound + bound;
    const double new_samples = stats->moments.samples + samples;

    if (!wsic_moments_in_range(new_bound, new_samples))
        return wsic_fail(&stats->handle.env, WSIC_ERROR_NOT_FINITE,
                         "the sums would leave the range of double: %g samples, elements up to %g",
                         new_samples, new_bound);
    return WSIC_OK;
}

static wsic_status refuse_outputs(const wsic_env *env, size_t held, size_t offered)
{
    if (held != 0 && offered != 0)
        return wsic_fail(env, WSIC_ERROR_SHAPE,
                         "residuals of %zu outputs, where the statistics hold %zu", offered, held);
    return wsic_fail(env, WSIC_ERROR_STATE,
                     "the statistics hold pairs %s residuals, and take no others",
                     held != 0 ? "with" : "without");
}

wsic_status wsic_stats_check_kind(const wsic_stats *stats, bool pairs, size_t outputs)
{
    const wsic_env *const env = &stats->handle.env;
    const bool holds_pairs = stats->moments.quantized != NULL;

    if (!holds_pairs && stats->moments.samples == 0)
        return WSIC_OK;
    if (holds_pairs != pairs)
        return wsic_fail(env, WSIC_ERROR_STATE, "the statistics hold %s, and take no %s",
                         holds_pairs ? "pairs" : "plain inputs", pairs ? "pairs" : "plain inputs");
    return stats->moments.outputs == outputs ? WSIC_OK
                                             : refuse_outputs(env, stats->moments.outputs, outputs);
}

wsic_status wsic_stats_make_pairs(wsic_stats *stats, size_t outputs)
{
    if (stats->moments.quantized)
        return WSIC_OK;
    return wsic_moments_extend(&stats->handle.env, outputs, &stats->moments);
}

void wsic_stats_grow(wsic_stats *stats, double bound, double samples)
{
    stats->moments.bound += bound;
    stats->moments.samples += samples;
    wsic_free(&stats->handle.env, stats->spectrum);
    stats->spectrum = NULL;
}

/* Nothing has been added when this fails. */
static wsic_status begin_adding(const wsic_stats *stats, double bound, double samples)
{
    const wsic_status status = wsic_stats_check_growth(stats, bound, samples);

    /* The last chance to stop: from here on the sum changes. */
    return status == WSIC_OK ? wsic_progress_report(&stats->handle.env, NULL, 0) : status;
}

static void add_blocks(wsic_stats *stats, const wsic_tokens *tokens, wsic_token_block *block,
                       const wsic_token_scratch *scratch)
{
    const wsic_env *const env = &stats->handle.env;
    const wsic_token_sum sum = {.x = block, .y = block, .sum = stats->moments.input, .lower = true};
    const size_t count = tokens->matrix.rows;

    for (size_t first = 0; first < count; first += block->capacity) {
        wsic_token_block_load(env, tokens, first, wsic_min_size(block->capacity, count - first),
                              block);
        wsic_token_sums_add(env, &sum, 1, scratch);
    }
}

static wsic_status add_tokens(wsic_stats *stats, const wsic_tokens *tokens)
{
    const wsic_env *const env = &stats->handle.env;
    const bool single = wsic_tokens_fit_singles(tokens);
    wsic_token_block block;
    wsic_token_scratch scratch = {.tiles = NULL};

    wsic_status status = wsic_token_block_create(env, tokens, single, &block);
    if (status == WSIC_OK)
        status = wsic_token_scratch_create(env, single, block.columns, &scratch);
    if (status == WSIC_OK)
        status = begin_adding(stats, tokens->bound, tokens->samples);
    if (status == WSIC_OK) {
        add_blocks(stats, tokens, &block, &scratch);
        wsic_stats_grow(stats, tokens->bound, tokens->samples);
    }
    wsic_token_scratch_release(env, &scratch);
    wsic_token_block_release(env, &block);
    return status;
}

static wsic_status add_activations(wsic_stats *stats, const wsic_matrix *activations,
                                   const double *weights)
{
    const wsic_env *const env = &stats->handle.env;
    wsic_tokens tokens;

    wsic_status status = wsic_tokens_check(
        env, "activations", activations, (wsic_shape){0, stats->moments.columns}, weights, &tokens);
    if (status == WSIC_OK)
        status = wsic_stats_check_kind(stats, false, 0);
    return status == WSIC_OK ? add_tokens(stats, &tokens) : status;
}

wsic_status wsic_stats_add_activations(wsic_stats *stats, const wsic_matrix *activations,
                                       const double *weights)
{
    if (!stats)
        return WSIC_ERROR_ARGUMENT;
    wsic_call_begin(&stats->handle.env);
    return wsic_call_end(&stats->handle.env, add_activations(stats, activations, weights));
}

double wsic_stats_element(const wsic_matrix *matrix, size_t i, size_t j)
{
    const size_t index = i * matrix->row_stride + j;
    return matrix->dtype == WSIC_F64 ? ((const double *)matrix->data)[index]
                                     : (double)((const float *)matrix->data)[index];
}

static wsic_status check_diagonal(const wsic_env *env, const char *name,
                                  const wsic_matrix *covariance, double *largest)
{
    *largest = 0;
    for (size_t j = 0; j < covariance->columns; j++) {
        const double value = wsic_stats_element(covariance, j, j);
        if (value < 0)
            return wsic_fail(env, WSIC_ERROR_ARGUMENT, "%s (%zu, %zu) is %g, negative", name, j, j,
                             value);
        *largest = fmax(*largest, value);
    }
    return WSIC_OK;
}

wsic_status wsic_stats_check_symmetric(const wsic_env *env, const char *name,
                                       const wsic_matrix *covariance, double *bound)
{
    double largest;
    const wsic_status status = check_diagonal(env, name, covariance, &largest);

    *bound = largest;
    if (status != WSIC_OK)
        return status;
    for (size_t i = 1; i < covariance->rows; i++) {
        for (size_t j = 0; j < i; j++) {
            const double lower = wsic_stats_element(covariance, i, j);
            const double upper = wsic_stats_element(covariance, j, i);
            if (fabs(lower - upper) > 1e-5 * largest)
                return wsic_fail(env, WSIC_ERROR_ARGUMENT,
                                 "%s is not symmetric: (%zu, %zu) is %g, (%zu, %zu) is %g", name, i,
                                 j, lower, j, i, upper);
            *bound = fmax(*bound, fmax(fabs(lower), fabs(upper)));
        }
    }
    return WSIC_OK;
}

void wsic_stats_add_symmetric(const wsic_matrix *covariance, double samples, double *sum)
{
    const size_t n = covariance->columns;

    for (size_t j = 0; j < n; j++) {
        for (size_t i = j; i < n; i++) {
            const double lower = wsic_stats_element(covariance, i, j);
            const double upper = wsic_stats_element(covariance, j, i);
            sum[j * n + i] += samples * (0.5 * lower + 0.5 * upper);
        }
    }
}

wsic_status wsic_stats_check_samples(const wsic_env *env, double samples)
{
    if (!(samples > 0) || !isfinite(samples))
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "samples is %g, not positive and finite",
                         samples);
    return WSIC_OK;
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
    status = wsic_stats_check_samples(env, samples);
    if (status == WSIC_OK)
        status = wsic_check_finite(env, "covariance", &checked);
    if (status == WSIC_OK)
        status = wsic_stats_check_symmetric(env, "covariance", &checked, &bound);
    if (status == WSIC_OK)
        status = wsic_stats_check_kind(stats, false, 0);
    if (status == WSIC_OK)
        status = wsic_stats_check_growth(stats, samples * bound, samples);
    if (status != WSIC_OK)
        return status;
    wsic_stats_add_symmetric(&checked, samples, stats->moments.input);
    wsic_stats_grow(stats, samples * bound, samples);
    return WSIC_OK;
}

/* Statistics of any kind can be merged if they hold no sample. */
static wsic_status prepare_merge(wsic_stats *stats, const wsic_moments *other)
{
    if (other->samples == 0)
        return WSIC_OK;
    wsic_status status = wsic_stats_check_kind(stats, other->quantized != NULL, other->outputs);
    if (status == WSIC_OK)
        status = wsic_stats_check_growth(stats, other->bound, other->samples);
    if (status == WSIC_OK && other->quantized)
        status = wsic_stats_make_pairs(stats, other->outputs);
    return status;
}

static void add_moments(wsic_moments *moments, const wsic_moments *other)
{
    wsic_moment target[WSIC_MOMENTS], source[WSIC_MOMENTS];
    const size_t count = wsic_moments_list(other, source);

    wsic_moments_list(moments, target);
    for (size_t k = 0; k < count; k++) {
        for (size_t j = 0; j < source[k].columns; j++) {
            for (size_t i = source[k].lower ? j : 0; i < source[k].rows; i++)
                target[k].sum[j * source[k].rows + i] += source[k].sum[j * source[k].rows + i];
        }
    }
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
    const wsic_status status = prepare_merge(stats, &other->moments);
    if (status != WSIC_OK || other->moments.samples == 0)
        return status;
    add_moments(&stats->moments, &other->moments);
    wsic_stats_grow(stats, other->moments.bound, other->moments.samples);
    return WSIC_OK;
}
