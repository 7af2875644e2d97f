/* SPDX-License-Identifier: MIT */
/* Statistics of pairs: what a layer sees in the model, and what it sees behind quantized
 * layers. */
#include <math.h>
#include <string.h>

#include "api/check.h"
#include "api/stats.h"
#include "api/token_sums.h"
#include "base/checked.h"

/* --- activations --------------------------------------------------------- */

enum { INPUT, QUANTIZED, RESIDUAL, PARTS };

typedef struct pair_batch {
    wsic_tokens part[PARTS];
    size_t parts; /* 2, or 3 with residuals */
    double bound; /* of all sums */
    wsic_token_block block[PARTS];
    wsic_token_scratch scratch;
} pair_batch;

static wsic_status check_batch(const wsic_stats *stats, const wsic_matrix *activations,
                               const wsic_matrix *quantized, const wsic_matrix *residual,
                               const double *weights, pair_batch *batch)
{
    static const char *const names[PARTS] = {"activations", "quantized", "residual"};
    const wsic_env *const env = &stats->handle.env;
    const wsic_matrix *const given[PARTS] = {activations, quantized, residual};
    const size_t parts = residual ? 3 : 2;
    wsic_shape expected = {0, stats->moments.columns};

    *batch = (pair_batch){.parts = parts};
    for (size_t k = 0; k < parts; k++) {
        if (k == RESIDUAL)
            expected.columns = stats->moments.outputs; /* 0 takes any */
        const wsic_status status =
            wsic_tokens_check(env, names[k], given[k], expected, weights, &batch->part[k]);
        if (status != WSIC_OK)
            return status;
        batch->bound = fmax(batch->bound, batch->part[k].bound);
        expected.rows = batch->part[INPUT].matrix.rows;
    }
    return wsic_stats_check_kind(stats, true, residual ? batch->part[RESIDUAL].matrix.columns : 0);
}

/* One of them in double precision takes the others with it. */
static bool fits_singles(const pair_batch *batch)
{
    for (size_t k = 0; k < batch->parts; k++)
        if (!wsic_tokens_fit_singles(&batch->part[k]))
            return false;
    return true;
}

static wsic_status make_room(const wsic_env *env, pair_batch *batch)
{
    const bool single = fits_singles(batch);
    size_t columns = 0;

    for (size_t k = 0; k < batch->parts; k++)
        columns = wsic_max_size(columns, batch->part[k].matrix.columns);
    wsic_status status = wsic_token_scratch_create(env, single, columns, &batch->scratch);
    for (size_t k = 0; k < batch->parts && status == WSIC_OK; k++)
        status = wsic_token_block_create(env, &batch->part[k], single, &batch->block[k]);
    return status;
}

static void release_room(const wsic_env *env, pair_batch *batch)
{
    for (size_t k = 0; k < PARTS; k++)
        wsic_token_block_release(env, &batch->block[k]);
    wsic_token_scratch_release(env, &batch->scratch);
}

/* Where pairs do not differ, their sums must not do so by rounding. */
static bool are_equal(const wsic_token_block *x, const wsic_token_block *y)
{
    const size_t n = x->columns;

    return x->singles && memcmp(x->singles, y->singles, x->count * n * sizeof *x->singles) == 0 &&
           memcmp(x->centers, y->centers, n * sizeof *x->centers) == 0 &&
           memcmp(x->units, y->units, n * sizeof *x->units) == 0;
}

static void add_blocks(const wsic_env *env, const pair_batch *batch, wsic_moments *moments)
{
    const wsic_token_block *const x = &batch->block[INPUT], *const xq = &batch->block[QUANTIZED];
    const wsic_token_block *const r = &batch->block[RESIDUAL];
    const bool equal = are_equal(x, xq);
    const wsic_token_sum sums[WSIC_TOKEN_SUMS] = {
        {.x = x, .y = x, .sum = moments->input, .lower = true},
        {.x = xq, .y = xq, .sum = moments->quantized, .lower = true},
        {.x = x, .y = xq, .sum = moments->cross, .lower = equal, .mirrored = equal},
        {.x = r, .y = xq, .sum = moments->residual},
        {.x = r, .y = x, .sum = moments->residual_input},
    };

    wsic_token_sums_add(env, sums, batch->parts == PARTS ? WSIC_TOKEN_SUMS : 3, &batch->scratch);
    for (size_t i = 0; batch->parts == PARTS && i < r->columns; i++)
        moments->residual_energy[i] += r->squares[i];
}

static void accumulate(const wsic_env *env, pair_batch *batch, wsic_moments *moments)
{
    const size_t tokens = batch->part[INPUT].matrix.rows;
    const size_t capacity = batch->block[INPUT].capacity;

    for (size_t first = 0; first < tokens; first += capacity) {
        const size_t count = wsic_min_size(capacity, tokens - first);
        for (size_t k = 0; k < batch->parts; k++)
            wsic_token_block_load(env, &batch->part[k], first, count, &batch->block[k]);
        add_blocks(env, batch, moments);
    }
}

/* Nothing has been added when this fails. */
static wsic_status begin_adding(wsic_stats *stats, const pair_batch *batch)
{
    const wsic_env *const env = &stats->handle.env;

    wsic_status status = wsic_stats_check_growth(stats, batch->bound, batch->part[INPUT].samples);
    /* The last chance to stop: from here on the sums change. */
    if (status == WSIC_OK)
        status = wsic_progress_report(env, NULL, 0);
    return status == WSIC_OK
               ? wsic_stats_make_pairs(
                     stats, batch->parts == PARTS ? batch->part[RESIDUAL].matrix.columns : 0)
               : status;
}

static wsic_status add_pair(wsic_stats *stats, const wsic_matrix *activations,
                            const wsic_matrix *quantized, const wsic_matrix *residual,
                            const double *weights)
{
    pair_batch batch;
    wsic_status status = check_batch(stats, activations, quantized, residual, weights, &batch);

    if (status != WSIC_OK)
        return status;
    const wsic_env *const env = &stats->handle.env;
    status = make_room(env, &batch);
    if (status == WSIC_OK)
        status = begin_adding(stats, &batch);
    if (status == WSIC_OK) {
        accumulate(env, &batch, &stats->moments);
        wsic_stats_grow(stats, batch.bound, batch.part[INPUT].samples);
    }
    release_room(env, &batch);
    return status;
}

wsic_status wsic_stats_add_pair(wsic_stats *stats, const wsic_matrix *activations,
                                const wsic_matrix *quantized, const wsic_matrix *residual,
                                const double *weights)
{
    if (!stats)
        return WSIC_ERROR_ARGUMENT;
    wsic_call_begin(&stats->handle.env);
    return wsic_call_end(&stats->handle.env,
                         add_pair(stats, activations, quantized, residual, weights));
}

/* --- moments ------------------------------------------------------------- */

static const char *const moment_names[WSIC_MOMENTS] = {
    "moments->input",    "moments->quantized",      "moments->cross",
    "moments->residual", "moments->residual_input", "moments->residual_energy",
};

typedef struct given_moments {
    wsic_matrix matrix[WSIC_MOMENTS];
    size_t count; /* 3, or 6 with residuals */
    size_t outputs;
    double bound; /* of the means */
} given_moments;

static wsic_status check_energies(const wsic_env *env, given_moments *given)
{
    const wsic_matrix *const energy = &given->matrix[WSIC_MOMENTS - 1];

    for (size_t r = 0; r < energy->rows; r++) {
        const double value = wsic_stats_element(energy, r, 0);
        if (value < 0)
            return wsic_fail(env, WSIC_ERROR_ARGUMENT, "%s (%zu, 0) is %g, negative",
                             moment_names[WSIC_MOMENTS - 1], r, value);
    }
    return WSIC_OK;
}

static wsic_status check_moment(const wsic_stats *stats, size_t k, const wsic_matrix *matrix,
                                given_moments *given)
{
    const wsic_env *const env = &stats->handle.env;
    const size_t n = stats->moments.columns;
    const wsic_shape expected[WSIC_MOMENTS] = {{n, n},
                                               {n, n},
                                               {n, n},
                                               {stats->moments.outputs, n},
                                               {given->outputs, n},
                                               {given->outputs, 1}};
    wsic_matrix *const checked = &given->matrix[k];
    double bound = 0;

    wsic_status status =
        wsic_check_matrix(env, moment_names[k], matrix, WSIC_ALLOW_DOUBLE, expected[k], checked);
    if (status == WSIC_OK)
        status = wsic_check_finite(env, moment_names[k], checked);
    if (status == WSIC_OK && k < 2)
        status = wsic_stats_check_symmetric(env, moment_names[k], checked, &bound);
    if (status != WSIC_OK)
        return status;
    if (k == 3)
        given->outputs = checked->rows;
    for (size_t i = 0; i < checked->rows; i++) {
        for (size_t j = 0; j < checked->columns; j++)
            bound = fmax(bound, fabs(wsic_stats_element(checked, i, j)));
    }
    given->bound = fmax(given->bound, bound);
    return WSIC_OK;
}

static wsic_status check_moments(const wsic_stats *stats, const wsic_pair_moments *moments,
                                 given_moments *given)
{
    const wsic_env *const env = &stats->handle.env;
    const wsic_matrix *const matrices[WSIC_MOMENTS] = {
        moments->input,    moments->quantized,      moments->cross,
        moments->residual, moments->residual_input, moments->residual_energy};

    *given = (given_moments){.count = moments->residual ? WSIC_MOMENTS : 3};
    for (size_t k = given->count; k < WSIC_MOMENTS; k++) {
        if (matrices[k])
            return wsic_fail(env, WSIC_ERROR_ARGUMENT, "%s is given, %s is NULL", moment_names[k],
                             moment_names[3]);
    }
    wsic_status status = WSIC_OK;
    for (size_t k = 0; k < given->count && status == WSIC_OK; k++)
        status = check_moment(stats, k, matrices[k], given);
    if (status == WSIC_OK && given->count == WSIC_MOMENTS)
        status = check_energies(env, given);
    return status == WSIC_OK ? wsic_stats_check_kind(stats, true, given->outputs) : status;
}

static void add_general(const wsic_matrix *matrix, double samples, double *sum)
{
    for (size_t j = 0; j < matrix->columns; j++) {
        for (size_t i = 0; i < matrix->rows; i++)
            sum[j * matrix->rows + i] += samples * wsic_stats_element(matrix, i, j);
    }
}

wsic_status wsic_stats_add_pair_moments(wsic_stats *stats, const wsic_pair_moments *moments,
                                        double samples)
{
    wsic_pair_moments taken;
    given_moments given;
    wsic_moment list[WSIC_MOMENTS];

    if (!stats)
        return WSIC_ERROR_ARGUMENT;
    const wsic_env *const env = &stats->handle.env;
    if (!moments)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "moments is NULL");
    wsic_status status =
        wsic_take_struct(env, "moments", moments, moments->size,
                         /* NOLINTNEXTLINE(bugprone-sizeof-expression): that member is a pointer */
                         WSIC_FIRST_SIZE(wsic_pair_moments, residual_energy), &taken, sizeof taken);
    if (status == WSIC_OK)
        status = wsic_stats_check_samples(env, samples);
    if (status == WSIC_OK)
        status = check_moments(stats, &taken, &given);
    if (status == WSIC_OK)
        status = wsic_stats_check_growth(stats, samples * given.bound, samples);
    if (status == WSIC_OK)
        status = wsic_stats_make_pairs(stats, given.outputs);
    if (status != WSIC_OK)
        return status;
    wsic_moments_list(&stats->moments, list);
    for (size_t k = 0; k < given.count; k++) {
        if (list[k].lower)
            wsic_stats_add_symmetric(&given.matrix[k], samples, list[k].sum);
        else
            add_general(&given.matrix[k], samples, list[k].sum);
    }
    wsic_stats_grow(stats, samples * given.bound, samples);
    return WSIC_OK;
}
