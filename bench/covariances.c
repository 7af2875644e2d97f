/* SPDX-License-Identifier: MIT */
#include "covariances.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>

#include "bench.h"
#include "common/npy.h"
#include "random.h"

void dgeqrf_(const int *m, const int *n, double *a, const int *lda, double *tau, double *work,
             const int *lwork, int *info);
void dorgqr_(const int *m, const int *n, const int *k, double *a, const int *lda, const double *tau,
             double *work, const int *lwork, int *info);

static void fill_identity(double *covariance, size_t n)
{
    for (size_t i = 0; i < n; i++)
        covariance[i * n + i] = 1.0;
}

static void fill_autoregressive(double *covariance, size_t n, double correlation)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++)
            covariance[i * n + j] = pow(correlation, fabs((double)i - (double)j));
    }
}

/* The orthogonal factor of a matrix of independent Gaussians has no preferred direction. */
static void fill_orthogonal(double *q, size_t n, random_state *random)
{
    const int order = (int)n, room = 64 * order;
    double *const tau = bench_allocate(n, sizeof *tau);
    double *const work = bench_allocate((size_t)room, sizeof *work);
    int info = 0;

    random_fill(random, q, n * n);
    dgeqrf_(&order, &order, q, &order, tau, work, &room, &info);
    dorgqr_(&order, &order, &order, q, &order, tau, work, &room, &info);
    free(work);
    free(tau);
}

/* B Bᵀ with B = D Q diag(1/√k): symmetric to the last bit. */
static void fill_spread(double *covariance, size_t n, double deviation, uint64_t seed)
{
    double *const b = bench_allocate(n * n, sizeof *b);
    double *const spread = bench_allocate(n, sizeof *spread);
    random_state random = {seed};

    fill_orthogonal(b, n, &random);
    random_fill(&random, spread, n);
    for (size_t k = 0; k < n; k++) {
        for (size_t i = 0; i < n; i++)
            b[k * n + i] *= exp(deviation * spread[i]) / sqrt((double)k + 1.0);
    }
    cblas_dsyrk(CblasColMajor, CblasLower, CblasNoTrans, (int)n, (int)n, 1.0, b, (int)n, 0.0,
                covariance, (int)n);
    for (size_t j = 0; j < n; j++) {
        for (size_t i = j + 1; i < n; i++)
            covariance[i * n + j] = covariance[j * n + i];
    }
    free(spread);
    free(b);
}

static void normalize_trace(double *covariance, size_t n)
{
    double trace = 0.0;

    for (size_t i = 0; i < n; i++)
        trace += covariance[i * n + i];
    for (size_t i = 0; i < n * n; i++)
        covariance[i] *= (double)n / trace;
}

/* Returns false unless the name is one of those that are computed. */
static bool fill_named(const char *name, double *covariance, size_t n, uint64_t seed)
{
    if (strcmp(name, "id") == 0)
        fill_identity(covariance, n);
    else if (strcmp(name, "ar0.9") == 0)
        fill_autoregressive(covariance, n, 0.9);
    else if (strcmp(name, "spread") == 0)
        fill_spread(covariance, n, 0.8, seed);
    else if (strcmp(name, "mild") == 0)
        fill_spread(covariance, n, 0.2, seed);
    else
        return false;
    return true;
}

static double *read_covariance(const char *path, size_t *n)
{
    struct failure failure = {.text = ""};
    npy_array array;

    if (!npy_read(path, &array, &failure)) {
        fprintf(stderr, "%s\n", failure.text);
        exit(2);
    }
    if (array.dimensions != 2 || array.rows != array.columns || !npy_widen(&array, &failure)) {
        fprintf(stderr, "%s: not a square matrix of floating-point numbers\n", path);
        exit(2);
    }
    *n = array.rows;
    double *const covariance = bench_allocate(*n * *n, sizeof *covariance);
    memcpy(covariance, array.data, *n * *n * sizeof *covariance);
    npy_release(&array);
    return covariance;
}

static double *read_stats(const char *path, size_t *n)
{
    wsic_context *context;
    wsic_stats *stats;
    wsic_matrix matrix;

    bench_check(wsic_context_create(NULL, &context), "wsic_context_create", "");
    bench_check(wsic_stats_load(context, path, &stats), path, wsic_context_message(context));
    *n = wsic_stats_columns(stats);
    double *const covariance = bench_allocate(*n * *n, sizeof *covariance);
    wsic_matrix_init(&matrix, sizeof matrix, covariance, WSIC_F64, *n, *n, 0);
    bench_check(wsic_stats_get_covariance(stats, &matrix), path, wsic_stats_message(stats));
    wsic_stats_destroy(stats);
    wsic_context_destroy(context);
    return covariance;
}

static bool is_matrix(const char *name)
{
    const size_t length = strlen(name);

    return length > 4 && strcmp(name + length - 4, ".npy") == 0;
}

static bool is_file(const char *name)
{
    return is_matrix(name) || strchr(name, '/');
}

static double *read_file(const char *path, size_t *n)
{
    return is_matrix(path) ? read_covariance(path, n) : read_stats(path, n);
}

double *bench_covariance(const char *name, size_t *n, uint64_t seed)
{
    double *const covariance =
        is_file(name) ? read_file(name, n) : bench_allocate(*n * *n, sizeof *covariance);

    if (!is_file(name) && !fill_named(name, covariance, *n, seed)) {
        fprintf(stderr, "--covariance is '%s', not one of %s\n", name, BENCH_COVARIANCES);
        exit(2);
    }
    normalize_trace(covariance, *n);
    return covariance;
}
