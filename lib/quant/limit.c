/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "linalg/linalg.h"
#include "quant/job.h"
#include "watersic/waterfill.h"

/* Eigenvalues of the whole Σ in internal units, dead columns included: the limit knows
 * nothing of what the encoder chose to leave out. */
static wsic_status compute_spectrum(const wsic_job *job, double *spectrum)
{
    const size_t n = job->columns;
    const double divisor = job->input->samples * job->factor.unit;
    wsic_status status = WSIC_OK;
    double *const copy = wsic_alloc(job->env, n * n, sizeof *copy, &status);

    if (!copy)
        return status;
    for (size_t j = 0; j < n; j++) {
        for (size_t i = j; i < n; i++)
            copy[j * n + i] = job->input->sum[j * n + i] / divisor;
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
    wsic_weights_energies(&job->weights, (wsic_selection){n, NULL}, scratch, scratch + n,
                          scratch + 2 * n);
    *variance = 0.0;
    for (size_t j = 0; j < n; j++)
        *variance += scratch[n + j] / (double)n;
    wsic_free(job->env, scratch);
    return WSIC_OK;
}

static wsic_status prepare_limit(wsic_job *job)
{
    const size_t n = job->columns;
    wsic_status status = WSIC_OK;

    job->spectrum = wsic_alloc(job->env, n, sizeof *job->spectrum, &status);
    if (!job->spectrum)
        return status;
    if (job->input->spectrum) {
        for (size_t j = 0; j < n; j++)
            job->spectrum[j] = job->input->spectrum[j] / job->factor.unit;
    } else {
        status = compute_spectrum(job, job->spectrum);
    }
    for (size_t j = 0; j < n; j++)
        job->spectrum[j] = fmax(job->spectrum[j], 0.0); /* rounding noise */
    if (status == WSIC_OK)
        status = weight_variance(job, &job->variance);
    if (status != WSIC_OK) {
        wsic_free(job->env, job->spectrum);
        job->spectrum = NULL;
    }
    return status;
}

wsic_status wsic_job_limit(wsic_job *job, double distortion, double *rate)
{
    double mark = wsic_now();
    wsic_status status = WSIC_OK;

    *rate = -1.0;
    if (!job->options->limit || !(distortion > 0.0))
        return WSIC_OK;
    if (!job->spectrum)
        status = prepare_limit(job);
    if (status == WSIC_OK)
        status = wsic_waterfill_rate(job->spectrum, job->columns, job->variance, distortion, rate,
                                     NULL);
    job->report->seconds_limit += wsic_lap(&mark);
    return status;
}
