/* SPDX-License-Identifier: MIT */
#include "quant/prepare.h"

#include <float.h>
#include <math.h>

#include "base/checked.h"
#include "base/sort.h"
#include "linalg/cholesky.h"

/* The lower median, as the reference takes it; a mean would declare most inputs of a
 * layer dead that has a few huge channels. */
static wsic_status median_diagonal(const wsic_env *env, size_t n, const double *sum, double *median)
{
    wsic_status status = WSIC_OK;
    double *const diagonal = wsic_alloc(env, n, sizeof *diagonal, &status);

    if (!diagonal)
        return status;
    for (size_t j = 0; j < n; j++)
        diagonal[j] = fabs(sum[j * n + j]);
    wsic_sort(diagonal, n, sizeof *diagonal, wsic_ascending_double);
    *median = diagonal[(n - 1) / 2];
    wsic_free(env, diagonal);
    return WSIC_OK;
}

wsic_status wsic_factor_columns(const wsic_env *env, size_t n, const double *sum,
                                const wsic_dead_rule *rule, wsic_factor *factor)
{
    double median = 0.0;
    wsic_status status = median_diagonal(env, n, sum, &median);

    *factor = (wsic_factor){.n = n, .unit = 1.0};
    if (status != WSIC_OK)
        return status;
    factor->live_index = wsic_alloc(env, n, sizeof *factor->live_index, &status);
    if (!factor->live_index)
        return status;
    const double least = rule->threshold * median;
    for (size_t j = 0; j < n; j++) {
        const double variance = sum[j * n + j];
        const bool forced = rule->forced && rule->forced[j];
        if (!forced && variance > 0.0 && !(variance < least))
            factor->live_index[factor->live++] = j;
    }
    return WSIC_OK;
}

double wsic_even_power_of_two(double x)
{
    int exponent;

    if (!(x > 0.0))
        return 1.0;
    if (x < DBL_MIN)
        return DBL_MIN;  /* 2^-1022, whose inverse is finite */
    frexp(x, &exponent); /* x in [2^(exponent-1), 2^exponent) */
    exponent--;
    return ldexp(1.0, exponent - (exponent & 1));
}

double wsic_factor_mean_diagonal(const wsic_factor *factor, const double *sum, double samples)
{
    double mean = 0.0;

    for (size_t k = 0; k < factor->live; k++) {
        const size_t j = factor->live_index[k];
        mean += sum[j * factor->n + j] / samples / (double)factor->live;
    }
    return mean;
}

void wsic_gather_live(const wsic_factor *factor, const double *sum_lower, double samples,
                      double *target)
{
    const double divisor = samples * factor->unit;

    for (size_t k = 0; k < factor->live; k++) {
        const size_t j = factor->live_index[wsic_factor_column(factor, k)];
        for (size_t l = k; l < factor->live; l++) {
            const size_t i = factor->live_index[wsic_factor_column(factor, l)];
            const size_t lower = i > j ? j * factor->n + i : i * factor->n + j;
            target[k * factor->live + l] = sum_lower[lower] / divisor;
        }
    }
}

size_t wsic_factor_column(const wsic_factor *factor, size_t k)
{
    return factor->order ? factor->order[k] : k;
}

wsic_status wsic_factor_places(const wsic_env *env, const wsic_factor *factor, size_t **place)
{
    wsic_status status = WSIC_OK;

    *place = NULL;
    if (!factor->order)
        return WSIC_OK;
    *place = wsic_alloc(env, factor->live, sizeof **place, &status);
    for (size_t k = 0; *place && k < factor->live; k++)
        (*place)[factor->order[k]] = k;
    return status;
}

/* Σ + δI + diag(ρ) into L, in the order of the factor. */
static void gather_with_ridge(const double *sum, double samples, const double *ridge,
                              wsic_factor *factor)
{
    wsic_gather_live(factor, sum, samples, factor->L);
    for (size_t k = 0; k < factor->live; k++) {
        const double rho = ridge ? ridge[wsic_factor_column(factor, k)] : 0.0;
        factor->L[k * factor->live + k] += factor->damping + rho;
    }
}

/* One attempt with the present damping. *pivot: as of wsic_cholesky(). */
static wsic_status try_factor(const wsic_env *env, const double *sum, double samples,
                              const wsic_factor_form *form, wsic_factor *factor, size_t *pivot)
{
    wsic_status status = WSIC_OK;

    wsic_free(env, factor->order);
    factor->order = NULL; /* that of an attempt before */
    gather_with_ridge(sum, samples, form->ridge, factor);
    if (!form->pivot) {
        *pivot = wsic_cholesky(env, factor->live, factor->L);
        return WSIC_OK;
    }
    size_t *const order = wsic_alloc(env, factor->live, sizeof *order, &status);
    if (!order)
        return status;
    status = wsic_cholesky_pivoted(env, factor->live, factor->L, order, pivot);
    factor->order = order;
    return status;
}

/* Cholesky with δ raised tenfold after each failure. The ladder is bounded and what
 * it did is reported. */
static wsic_status climb(const wsic_env *env, const double *sum, double samples,
                         const wsic_factor_options *options, const wsic_factor_form *form,
                         wsic_factor *factor)
{
    const double mean = wsic_factor_mean_diagonal(factor, sum, samples) / factor->unit;
    /* Where the caller asked for no damping at all, the ladder starts at rounding
     * level. */
    const double first = options->damping > 0.0 ? options->damping : 1e-15;
    const uint64_t before = factor->retries;
    size_t pivot = 0;

    for (;; factor->retries++) {
        const wsic_status status = try_factor(env, sum, samples, form, factor, &pivot);
        if (status != WSIC_OK)
            return status;
        if (pivot == 0)
            break;
        if ((int64_t)factor->retries >= options->damping_retries)
            return wsic_fail(env, WSIC_ERROR_NOT_POSITIVE_DEFINITE,
                             "the covariance is not positive definite at column %zu, with damping "
                             "%g of its mean diagonal after %llu retries",
                             factor->live_index[wsic_factor_column(factor, pivot - 1)],
                             factor->damping / mean, (unsigned long long)factor->retries);
        factor->damping = first * mean * pow(10.0, (double)factor->retries + 1.0);
    }
    if (factor->retries != before)
        wsic_log(env, WSIC_LOG_WARNING, "damping raised %llu times, to %g of the mean diagonal",
                 (unsigned long long)factor->retries, factor->damping / mean);
    return WSIC_OK;
}

wsic_status wsic_refactorize(const wsic_env *env, const double *sum_lower, double samples,
                             const wsic_factor_options *options, const wsic_factor_form *form,
                             wsic_factor *factor)
{
    wsic_free(env, factor->order);
    factor->order = NULL;
    factor->changed = true;
    /* Not where the last one ended: a problem that is quantized again gives the same bytes. */
    factor->damping = factor->first_damping;
    factor->retries = factor->first_retries;
    return climb(env, sum_lower, samples, options, form, factor);
}

/* Room for L and its diagonal, which a second factorisation uses again. */
static wsic_status create_factor(const wsic_env *env, wsic_factor *factor)
{
    wsic_status status = WSIC_OK;
    size_t elements;

    wsic_free(env, factor->order);
    factor->order = NULL;
    factor->changed = false;
    if (factor->L)
        return WSIC_OK;
    if (!wsic_mul_size(factor->live, factor->live, &elements))
        elements = SIZE_MAX;
    factor->diagonal = wsic_alloc(env, factor->live, sizeof *factor->diagonal, &status);
    if (factor->diagonal)
        factor->L = wsic_alloc(env, elements, sizeof *factor->L, &status);
    if (!factor->L) {
        wsic_free(env, factor->diagonal);
        factor->diagonal = NULL;
    }
    return status;
}

/* Subnormal numbers have lost the digits that the covariance is about, and their inverses are
 * infinite. */
static wsic_status check_scale(const wsic_env *env, double mean, double samples)
{
    if (mean >= DBL_MIN && mean * samples >= 4.0 * DBL_MIN && isfinite(1.0 / samples))
        return WSIC_OK;
    return wsic_fail(env, WSIC_ERROR_RANGE,
                     "the covariance has a mean diagonal of %g over %g samples: too little for "
                     "double precision",
                     mean, samples);
}

wsic_status wsic_factorize(const wsic_env *env, const double *sum_lower, double samples,
                           const wsic_factor_options *options, wsic_factor *factor)
{
    const wsic_factor_form plain = {.ridge = NULL};

    if (factor->live == 0)
        return WSIC_OK;
    const double mean = wsic_factor_mean_diagonal(factor, sum_lower, samples);
    wsic_status status = check_scale(env, mean, samples);

    if (status == WSIC_OK)
        status = create_factor(env, factor);
    factor->unit = wsic_even_power_of_two(mean);
    factor->damping = options->damping * (mean / factor->unit);
    factor->retries = 0;
    if (status == WSIC_OK)
        status = climb(env, sum_lower, samples, options, &plain, factor);
    for (size_t k = 0; k < factor->live && status == WSIC_OK; k++)
        factor->diagonal[k] = factor->L[k * factor->live + k];
    factor->first_damping = factor->damping;
    factor->first_retries = factor->retries;
    return status;
}

void wsic_factor_release(const wsic_env *env, wsic_factor *factor)
{
    wsic_free(env, factor->live_index);
    wsic_free(env, factor->order);
    wsic_free(env, factor->diagonal);
    wsic_free(env, factor->L);
    *factor = (wsic_factor){.n = 0, .unit = 1.0};
}
