/* SPDX-License-Identifier: MIT */
#include "api/stats.h"

#include <math.h>
#include <string.h>

#include "api/check.h"
#include "api/context.h"
#include "base/checked.h"
#include "base/file.h"
#include "linalg/eigenvalues.h"

/* --- life ---------------------------------------------------------------- */

wsic_status wsic_stats_create(wsic_context *context, size_t columns, wsic_stats **out)
{
    if (out)
        *out = NULL;
    wsic_status status = wsic_check_creation(context, NULL, NULL, out);
    if (status != WSIC_OK)
        return status;
    const wsic_env env = wsic_context_env(context);
    if (columns == 0)
        return wsic_fail(&env, WSIC_ERROR_ARGUMENT, "columns is 0");

    wsic_stats *const stats = wsic_handle_create(context, sizeof *stats, &status);
    if (!stats)
        return status;
    status = wsic_moments_create(&env, columns, false, 0, &stats->moments);
    if (status != WSIC_OK) {
        wsic_handle_destroy(stats);
        return status;
    }
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): wsic_check_creation() refuses NULL */
    *out = stats;
    return WSIC_OK;
}

void wsic_stats_destroy(wsic_stats *stats)
{
    if (!stats)
        return;
    wsic_moments_release(&stats->handle.env, &stats->moments);
    wsic_free(&stats->handle.env, stats->spectrum);
    wsic_handle_destroy(stats);
}

const char *wsic_stats_message(const wsic_stats *stats)
{
    return wsic_handle_message(stats);
}

size_t wsic_stats_columns(const wsic_stats *stats)
{
    return stats->moments.columns;
}

double wsic_stats_samples(const wsic_stats *stats)
{
    return stats->moments.samples;
}

size_t wsic_stats_residual_columns(const wsic_stats *stats)
{
    return stats->moments.outputs;
}

int32_t wsic_stats_has_pairs(const wsic_stats *stats)
{
    return stats->moments.quantized != NULL;
}

const wsic_moments *wsic_stats_moments(const wsic_stats *stats)
{
    return &stats->moments;
}

const double *wsic_stats_cached_spectrum(const wsic_stats *stats)
{
    return stats->spectrum;
}

/* --- reading ------------------------------------------------------------- */

static wsic_status check_samples(const wsic_stats *stats)
{
    if (stats->moments.samples == 0)
        return wsic_fail(&stats->handle.env, WSIC_ERROR_NO_SAMPLES,
                         "no sample of positive weight has been added");
    return WSIC_OK;
}

static void set_element(const wsic_matrix *matrix, size_t i, size_t j, double value)
{
    const size_t index = i * matrix->row_stride + j;

    if (matrix->dtype == WSIC_F64)
        ((double *)matrix->data)[index] = value;
    else
        ((float *)matrix->data)[index] = (float)value;
}

static wsic_status find_moment(const wsic_stats *stats, int32_t kind, wsic_moment *found)
{
    const wsic_env *const env = &stats->handle.env;
    wsic_moment list[WSIC_MOMENTS];

    if (kind < WSIC_MOMENT_INPUT || kind > WSIC_MOMENT_RESIDUAL_ENERGY)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "moment is %d, none of WSIC_MOMENT_INPUT ...",
                         (int)kind);
    const size_t index = (size_t)(kind - WSIC_MOMENT_INPUT);
    if (index >= wsic_moments_list(&stats->moments, list))
        return wsic_fail(env, WSIC_ERROR_STATE, "the statistics hold no %s",
                         kind < WSIC_MOMENT_RESIDUAL ? "pairs" : "residuals");
    *found = list[index];
    return check_samples(stats);
}

wsic_status wsic_stats_get_moment(const wsic_stats *stats, int32_t kind, wsic_matrix *values)
{
    wsic_moment moment = {.sum = NULL};
    wsic_matrix target;

    if (!stats)
        return WSIC_ERROR_ARGUMENT;
    wsic_status status = find_moment(stats, kind, &moment);
    if (status == WSIC_OK)
        status = wsic_check_matrix(&stats->handle.env, "values", values, WSIC_ALLOW_DOUBLE,
                                   (wsic_shape){moment.rows, moment.columns}, &target);
    if (status != WSIC_OK)
        return status;
    for (size_t j = 0; j < moment.columns; j++) {
        for (size_t i = moment.lower ? j : 0; i < moment.rows; i++) {
            const double value = moment.sum[j * moment.rows + i] / stats->moments.samples;
            set_element(&target, i, j, value);
            if (moment.lower)
                set_element(&target, j, i, value);
        }
    }
    return WSIC_OK;
}

wsic_status wsic_stats_get_covariance(const wsic_stats *stats, wsic_matrix *covariance)
{
    if (!stats)
        return WSIC_ERROR_ARGUMENT;
    const size_t n = stats->moments.columns;
    wsic_matrix checked;
    const wsic_status status = wsic_check_matrix(&stats->handle.env, "covariance", covariance,
                                                 WSIC_ALLOW_DOUBLE, (wsic_shape){n, n}, &checked);

    return status == WSIC_OK ? wsic_stats_get_moment(stats, WSIC_MOMENT_INPUT, &checked) : status;
}

/* Ascending with rounding noise below zero, as LAPACK leaves them, to descending. */
static void tidy_spectrum(double *eigenvalues, size_t n)
{
    for (size_t i = 0; i < n / 2; i++) {
        const double low = eigenvalues[i];
        eigenvalues[i] = eigenvalues[n - 1 - i];
        eigenvalues[n - 1 - i] = low;
    }
    for (size_t i = 0; i < n; i++)
        eigenvalues[i] = fmax(eigenvalues[i], 0);
}

static wsic_status compute_spectrum(const wsic_stats *stats, double *eigenvalues)
{
    const wsic_env *const env = &stats->handle.env;
    const size_t n = stats->moments.columns;
    wsic_status status;

    double *const copy = wsic_alloc(env, n * n, sizeof *copy, &status);
    if (!copy)
        return status;
    for (size_t j = 0; j < n; j++) {
        for (size_t i = j; i < n; i++)
            copy[j * n + i] = stats->moments.input[j * n + i] / stats->moments.samples;
    }
    status = wsic_eigenvalues(env, n, copy, eigenvalues);
    wsic_free(env, copy);
    if (status == WSIC_OK)
        tidy_spectrum(eigenvalues, n);
    return status;
}

static wsic_status keep_spectrum(wsic_stats *stats)
{
    const wsic_env *const env = &stats->handle.env;
    wsic_status status;

    double *const spectrum = wsic_alloc(env, stats->moments.columns, sizeof *spectrum, &status);
    if (!spectrum)
        return status;
    status = compute_spectrum(stats, spectrum);
    if (status != WSIC_OK) {
        wsic_free(env, spectrum);
        return status;
    }
    stats->spectrum = spectrum;
    return WSIC_OK;
}

wsic_status wsic_stats_get_spectrum(wsic_stats *stats, double *eigenvalues)
{
    if (!stats)
        return WSIC_ERROR_ARGUMENT;
    wsic_status status = check_samples(stats);
    if (status == WSIC_OK && !stats->spectrum)
        status = keep_spectrum(stats);
    if (status != WSIC_OK)
        return status;
    if (eigenvalues)
        /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): keep_spectrum() has set it */
        memcpy(eigenvalues, stats->spectrum, stats->moments.columns * sizeof *eigenvalues);
    return WSIC_OK;
}

/* --- files --------------------------------------------------------------- */

wsic_status wsic_stats_save(const wsic_stats *stats, const char *path)
{
    if (!stats)
        return WSIC_ERROR_ARGUMENT;
    const wsic_env *const env = &stats->handle.env;
    wsic_file_writer file;
    uint64_t size;

    if (!path)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "path is NULL");
    wsic_status status = wsic_file_create(env, path, &file);
    if (status != WSIC_OK)
        return status;
    status = wsic_stats_format_write(env, &stats->moments, &file, &size);
    if (status == WSIC_OK)
        status = wsic_file_commit(env, &file, size);
    wsic_file_abandon(env, &file);
    return status;
}

static wsic_status load_moments(const wsic_env *env, const char *path, wsic_moments *moments)
{
    wsic_source source;
    wsic_status status = wsic_source_open(env, path, &source);

    if (status != WSIC_OK)
        return status;
    status = wsic_stats_format_read(env, &source, moments);
    wsic_source_close(&source);
    return status;
}

wsic_status wsic_stats_load(wsic_context *context, const char *path, wsic_stats **out)
{
    if (out)
        *out = NULL;
    wsic_status status = wsic_check_creation(context, "path", path, out);
    if (status != WSIC_OK)
        return status;
    const wsic_env env = wsic_context_env(context);

    wsic_stats *const stats = wsic_handle_create(context, sizeof *stats, &status);
    if (!stats)
        return status;
    status = load_moments(&env, path, &stats->moments);
    if (status != WSIC_OK) {
        wsic_handle_destroy(stats);
        return status;
    }
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): wsic_check_creation() refuses NULL */
    *out = stats;
    return WSIC_OK;
}
