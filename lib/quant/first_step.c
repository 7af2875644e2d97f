/* SPDX-License-Identifier: MIT */
#include "quant/first_step.h"

#include <math.h>

#include "waterfill/allocate.h"

/* Below it the curve of Gaussian columns is too flat to tell a step. */
static const double least_rate = 0.01;

wsic_status wsic_job_first_step(const wsic_job *job, double *step)
{
    const wsic_encode_options *const options = job->options;
    const double share = (double)job->columns / (double)job->live;
    wsic_allocation plan = {.step = 0.0};
    wsic_status status = WSIC_OK;

    if (options->step != 0.0) {
        *step = options->step / wsic_job_step_unit(job);
        return WSIC_OK;
    }
    double *const sigma = wsic_alloc(job->env, job->live, sizeof *sigma, &status);
    if (!sigma)
        return status;
    wsic_job_sigma(job, sigma);
    if (options->rate != 0.0)
        wsic_allocate_rate(sigma, job->live, fmax(options->rate * share, least_rate), &plan);
    else
        wsic_allocate_distortion(sigma, job->live, wsic_job_open_distortion(job) * share, &plan);
    *step = plan.step;
    wsic_free(job->env, sigma);
    return WSIC_OK;
}
