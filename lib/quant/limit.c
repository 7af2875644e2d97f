/* SPDX-License-Identifier: MIT */
#include "quant/limit.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/sort.h"
#include "linalg/cholesky.h"
#include "linalg/eigenvalues.h"
#include "watersic/waterfill.h"

/* The whole Σ in internal units, dead columns included: the limit knows nothing of what the encoder
 * chose to leave out. less: taken off its diagonal. */
static void copy_moments(const wsic_job *job, double less, double *copy)
{
    const size_t n = job->columns;
    const wsic_blend *const blend = &job->problem->blend;
    const double divisor = blend->samples * job->factor->unit;

    for (size_t j = 0; j < n; j++) {
        for (size_t i = j; i < n; i++)
            copy[j * n + i] = blend->hessian[j * n + i] / divisor;
        copy[j * n + j] -= less;
    }
}

static wsic_status compute_spectrum(const wsic_job *job, double *spectrum)
{
    const size_t n = job->columns;
    wsic_status status = WSIC_OK;
    double *const copy = wsic_alloc(job->env, n * n, sizeof *copy, &status);

    if (!copy)
        return status;
    copy_moments(job, 0.0, copy);
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

/* The one that came along is of the clean covariance of a single source. */
static bool has_input_spectrum(const wsic_encode_problem *problem)
{
    return problem->input.spectrum &&
           problem->blend.hessian == problem->input.sources.moments->input;
}

static wsic_status find_spectrum(const wsic_job *job, double *spectrum)
{
    const wsic_encode_problem *const problem = job->problem;
    const size_t n = job->columns;
    wsic_status status = WSIC_OK;

    if (has_input_spectrum(problem)) {
        for (size_t j = 0; j < n; j++)
            spectrum[j] = problem->input.spectrum[j] / job->factor->unit;
    } else {
        status = compute_spectrum(job, spectrum);
    }
    for (size_t j = 0; j < n && status == WSIC_OK; j++)
        spectrum[j] = fmax(spectrum[j], 0.0); /* rounding noise */
    return status;
}

static wsic_status prepare_spectrum(const wsic_job *job)
{
    wsic_encode_problem *const problem = job->problem;
    wsic_status status = WSIC_OK;

    if (problem->spectrum)
        return WSIC_OK;
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

static wsic_status prepare_variance(const wsic_job *job)
{
    wsic_encode_problem *const problem = job->problem;

    return problem->variance < 0.0 ? weight_variance(job, &problem->variance) : WSIC_OK;
}

/* --- nothing under water -------------------------------------------------------------- */

/* log2 det Σ / n. */
static void find_determinant(const wsic_job *job, double *copy)
{
    wsic_encode_problem *const problem = job->problem;
    const size_t n = job->columns;

    if (problem->determinant_known)
        return;
    copy_moments(job, 0.0, copy);
    if (wsic_cholesky(job->env, n, copy) != 0)
        return;
    problem->log_determinant = 0.0;
    for (size_t j = 0; j < n; j++)
        problem->log_determinant += 2.0 * log2(copy[j * n + j]) / (double)n;
    problem->determinant_known = true;
}

/* Whether all eigenvalues are above the level, which is to say that Σ less the level is positive
 * definite; and the determinant, where they are. A factor each, which takes an eighth of what
 * the eigenvalues take. */
static wsic_status look_for_land(const wsic_job *job, double level, bool *all)
{
    wsic_encode_problem *const problem = job->problem;
    const size_t n = job->columns;
    wsic_status status = WSIC_OK;

    *all = problem->determinant_known && level <= problem->level_below;
    if (*all)
        return WSIC_OK;
    double *const copy = wsic_alloc(job->env, n * n, sizeof *copy, &status);
    if (!copy)
        return status;
    copy_moments(job, level, copy);
    if (wsic_cholesky(job->env, n, copy) == 0) {
        find_determinant(job, copy);
        *all = problem->determinant_known;
        problem->level_below = level;
    }
    wsic_free(job->env, copy);
    return status;
}

/* *known is false where some of the spectrum is under water. */
static wsic_status rate_by_determinant(const wsic_job *job, double distortion, double *rate,
                                       bool *known)
{
    const wsic_encode_problem *const problem = job->problem;
    const double level = distortion / problem->variance;

    *known = false;
    if (problem->spectrum || has_input_spectrum(problem) || !(problem->variance > 0.0))
        return WSIC_OK;
    const wsic_status status = look_for_land(job, level, known);
    if (status == WSIC_OK && *known)
        *rate = 0.5 * (problem->log_determinant - log2(level));
    return status;
}

static wsic_status rate_by_spectrum(const wsic_job *job, double distortion, double *rate)
{
    const wsic_encode_problem *const problem = job->problem;
    const wsic_status status = prepare_spectrum(job);

    return status == WSIC_OK ? wsic_waterfill_rate(problem->spectrum, job->columns,
                                                   problem->variance, distortion, rate, NULL)
                             : status;
}

/* --- inputs alone ----------------------------------------------------------------------- */

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
    double mark = wsic_now();
    bool known = false;
    wsic_status status = WSIC_OK;

    *rate = -1.0;
    if (!wanted(job, distortion))
        return WSIC_OK;
    status = prepare_variance(job);
    if (status == WSIC_OK)
        status = rate_by_determinant(job, distortion / share, rate, &known);
    if (status == WSIC_OK && !known)
        status = rate_by_spectrum(job, distortion / share, rate);
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

    if (job->problem->input.outputs.diagonal) {
        for (size_t i = 0; i < a; i++)
            spectrum[i] = factor * wsic_job_output_element(job, i, i);
        wsic_sort(spectrum, a, sizeof *spectrum, wsic_ascending_double);
        reverse(spectrum, a);
        return WSIC_OK;
    }
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
    wsic_status status = prepare_variance(job);

    if (status == WSIC_OK)
        status = prepare_spectrum(job);
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
