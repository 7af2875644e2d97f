/* SPDX-License-Identifier: MIT */
#include "quant/limit.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "linalg/linalg.h"
#include "watersic/waterfill.h"

/* Eigenvalues of the whole Σ in internal units, dead columns included: the limit knows
 * nothing of what the encoder chose to leave out. */
static wsic_status compute_spectrum(const wsic_job *job, double *spectrum)
{
    const size_t n = job->columns;
    const wsic_blend *const blend = &job->problem->blend;
    const double divisor = blend->samples * job->factor->unit;
    wsic_status status = WSIC_OK;
    double *const copy = wsic_alloc(job->env, n * n, sizeof *copy, &status);

    if (!copy)
        return status;
    for (size_t j = 0; j < n; j++) {
        for (size_t i = j; i < n; i++)
            copy[j * n + i] = blend->hessian[j * n + i] / divisor;
    }
    status = wsic_eigenvalues(job->env, n, copy, spectrum);
    wsic_free(job->env, copy);
    return status;
}

/* Mean square of all weights, dead columns included. */
static wsic_status weight_variance(const wsic_job *job, double *variance)
{
    const size_t n = job->columns;
    wsic_status status = WSIC_OK;
    double *const scratch = wsic_alloc(job->env, 2 * n + job->rows, sizeof *scratch, &status);

    if (!scratch)
        return status;
    memset(scratch, 0, n * sizeof *scratch);
    wsic_weights_energies(&job->problem->weights, (wsic_selection){n, NULL}, scratch, scratch + n,
                          scratch + 2 * n);
    *variance = 0.0;
    for (size_t j = 0; j < n; j++)
        *variance += scratch[n + j] / (double)n;
    wsic_free(job->env, scratch);
    return WSIC_OK;
}

static wsic_status find_spectrum(const wsic_job *job, double *spectrum)
{
    const wsic_encode_problem *const problem = job->problem;
    const size_t n = job->columns;
    wsic_status status = WSIC_OK;

    /* The one that came along is of the clean covariance of a single source. */
    if (problem->input.spectrum &&
        problem->blend.hessian == problem->input.sources.moments->input) {
        for (size_t j = 0; j < n; j++)
            spectrum[j] = problem->input.spectrum[j] / job->factor->unit;
    } else {
        status = compute_spectrum(job, spectrum);
    }
    for (size_t j = 0; j < n && status == WSIC_OK; j++)
        spectrum[j] = fmax(spectrum[j], 0.0); /* rounding noise */
    return status;
}

static wsic_status prepare_limit(const wsic_job *job)
{
    wsic_encode_problem *const problem = job->problem;
    wsic_status status = WSIC_OK;

    if (problem->variance < 0.0)
        status = weight_variance(job, &problem->variance);
    if (status != WSIC_OK || problem->spectrum)
        return status;
    double *const spectrum = wsic_alloc(job->env, job->columns, sizeof *spectrum, &status);
    if (!spectrum)
        return status;
    status = find_spectrum(job, spectrum);
    if (status == WSIC_OK)
        problem->spectrum = spectrum;
    else
        wsic_free(job->env, spectrum);
    return status;
}

/* Of a drifted input there is no limit to report: what its error is bounded by depends on how
 * much of the drift is reducible, which no eigenvalue tells. */
static bool wanted(const wsic_job *job, double distortion)
{
    return job->options->limit && distortion > 0.0 && !wsic_encode_problem_drifts(job->problem);
}

wsic_status wsic_job_limit(wsic_job *job, double distortion, double *rate)
{
    /* Rows that are left out cost nothing and have no error. */
    const double share = (double)job->rows / (double)job->all_rows;
    const wsic_encode_problem *const problem = job->problem;
    double mark = wsic_now();
    wsic_status status = WSIC_OK;

    *rate = -1.0;
    if (!wanted(job, distortion))
        return WSIC_OK;
    status = prepare_limit(job);
    if (status == WSIC_OK)
        status = wsic_waterfill_rate(problem->spectrum, job->columns, problem->variance,
                                     distortion / share, rate, NULL);
    if (status == WSIC_OK)
        *rate *= share;
    job->report->seconds_limit += wsic_lap(&mark);
    return status;
}

/* --- both sides ------------------------------------------------------------------------- */

static void reverse(double *values, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        const double value = values[i];
        values[i] = values[count - 1 - i];
        values[count - 1 - i] = value;
    }
}

static wsic_status compute_output_spectrum(const wsic_job *job, double *spectrum)
{
    const double factor = 1.0 / wsic_job_output_unit(job);
    const size_t a = job->rows;
    wsic_status status = WSIC_OK;
    double *const copy = wsic_alloc(job->env, a * a, sizeof *copy, &status);

    if (!copy)
        return status;
    for (size_t j = 0; j < a; j++) {
        for (size_t i = j; i < a; i++)
            copy[j * a + i] = factor * wsic_job_output_element(job, i, j);
    }
    status = wsic_eigenvalues(job->env, a, copy, spectrum);
    reverse(spectrum, a);
    wsic_free(job->env, copy);
    return status;
}

static wsic_status find_output_spectrum(const wsic_job *job, double *spectrum)
{
    const wsic_encode_problem *const problem = job->problem;
    wsic_status status = WSIC_OK;

    if (problem->input.output_spectrum && job->rows == job->all_rows) {
        const double unit = wsic_job_output_unit(job);
        for (size_t k = 0; k < job->rows; k++)
            spectrum[k] = problem->input.output_spectrum[k] / unit;
    } else {
        status = compute_output_spectrum(job, spectrum);
    }
    for (size_t k = 0; k < job->rows && status == WSIC_OK; k++)
        spectrum[k] = fmax(spectrum[k], 0.0); /* rounding noise */
    return status;
}

static wsic_status prepare_output_limit(const wsic_job *job)
{
    wsic_encode_problem *const problem = job->problem;
    wsic_status status = prepare_limit(job);

    if (status != WSIC_OK || problem->output_spectrum)
        return status;
    double *const spectrum = wsic_alloc(job->env, job->rows, sizeof *spectrum, &status);
    if (!spectrum)
        return status;
    status = find_output_spectrum(job, spectrum);
    if (status == WSIC_OK)
        problem->output_spectrum = spectrum;
    else
        wsic_free(job->env, spectrum);
    return status;
}

/* The spectrum of the inputs in descending order, which one of the two ways of finding it leaves
 * ascending. */
static wsic_status product_rate(const wsic_job *job, double distortion, double *rate)
{
    const wsic_encode_problem *const problem = job->problem;
    const size_t n = job->columns;
    wsic_status status = WSIC_OK;
    double *const inputs = wsic_alloc(job->env, n, sizeof *inputs, &status);

    if (!inputs)
        return status;
    memcpy(inputs, problem->spectrum, n * sizeof *inputs);
    if (inputs[0] < inputs[n - 1])
        reverse(inputs, n);
    status = wsic_waterfill_product_rate(problem->output_spectrum, job->rows, inputs, n,
                                         problem->variance, distortion, rate, NULL);
    wsic_free(job->env, inputs);
    return status;
}

wsic_status wsic_job_output_limit(wsic_job *job, double distortion, double *rate)
{
    const double share = (double)job->rows / (double)job->all_rows;
    double mark = wsic_now();
    wsic_status status = WSIC_OK;

    *rate = -1.0;
    if (!wanted(job, distortion))
        return WSIC_OK;
    status = prepare_output_limit(job);
    if (status == WSIC_OK)
        status = product_rate(job, distortion / share, rate);
    if (status == WSIC_OK)
        *rate *= share;
    job->report->seconds_limit += wsic_lap(&mark);
    return status;
}
