/* SPDX-License-Identifier: MIT */
/* The rate-aware ridge: rounding that knows what its result will cost. Adding
 * Σ_j ρ_j ŵ_j², the Gaussian code length of ŵ, to the error and completing the square gives
 * the same recursion with
 *
 *     L Lᵀ = Σ + δI + diag(ρ),    Y = W (Σ + δI) L⁻ᵀ = W L - W diag(ρ) L⁻ᵀ.
 *
 * docs/algorithm.md, section "The ridge". */
#include "quant/ridge.h"

#include <math.h>

#include "waterfill/allocate.h"

/* Rows of zeros take neither bits nor error. All energy is that of the other rows, and so are all
 * bits of the target, which counts the weights of all rows. */
static double coded_rows(const wsic_job *job)
{
    return (double)(job->rows - job->idle_rows);
}

/* Of their energies to those of the job, which are means over all its rows. */
static double concentration(const wsic_job *job)
{
    return (double)job->rows / coded_rows(job);
}

/* Water level at the target, from the factor without a ridge. It stays the same through
 * the search for the step: the target is what is asked for, not what is tried. */
static wsic_status water_level(const wsic_job *job, double *level)
{
    const wsic_encode_options *const options = job->options;
    const double share = wsic_job_weights(job) / (coded_rows(job) * (double)job->live);
    wsic_allocation plan = {.step = 0.0};
    wsic_status status = WSIC_OK;

    double *const sigma = wsic_alloc(job->env, job->live, sizeof *sigma, &status);
    if (!sigma)
        return status;
    wsic_job_plain_sigma(job, sigma);
    for (size_t j = 0; j < job->live; j++)
        sigma[j] *= sqrt(concentration(job));
    if (options->step != 0.0) {
        /* Far above all columns nothing is coded, and squares need not leave double precision. */
        const double step = fmin(options->step / wsic_job_step_unit(job), 1e100);
        plan.water_level = step * step / 12.0;
    } else if (options->rate != 0.0) {
        wsic_allocate_rate(sigma, job->live, options->rate * share, &plan);
    } else {
        wsic_allocate_distortion(sigma, job->live, wsic_job_open_distortion(job) * share, &plan);
    }
    *level = plan.water_level;
    wsic_free(job->env, sigma);
    return WSIC_OK;
}

static wsic_status fill_ridge(wsic_job *job)
{
    double level = 0.0, mean = 0.0;
    wsic_status status = water_level(job, &level);

    if (status != WSIC_OK)
        return status;
    job->spacing.ridge = wsic_alloc(job->env, job->live, sizeof *job->spacing.ridge, &status);
    if (!job->spacing.ridge)
        return status;
    for (size_t j = 0; j < job->live; j++)
        mean += job->column_energy[j] / (double)job->live;
    /* A column of very small weights would be held down without bound. */
    for (size_t j = 0; j < job->live; j++) {
        const double energy = concentration(job) * fmax(job->column_energy[j], 1e-3 * mean);
        job->spacing.ridge[j] = job->options->ridge * level / energy;
    }
    return WSIC_OK;
}

double wsic_job_ridge_cost(const wsic_job *job, size_t rows, bool natural)
{
    double cost = 0.0;

    for (size_t k = 0; k < job->live && job->spacing.ridge; k++) {
        const size_t column = natural ? k : wsic_factor_column(job->factor, k);
        const int32_t *const z = job->pass.codes + k * rows;
        const double weight = job->pass.alpha[k] * job->pass.gamma[k];
        double sum = 0.0;
        for (size_t i = 0; i < rows; i++)
            sum += (double)z[i] * z[i];
        cost += job->spacing.ridge[column] * weight * weight * sum;
    }
    return cost;
}

bool wsic_job_refactorizes(const wsic_job *job)
{
    return job->options->ridge > 0.0 || job->options->pivot;
}

wsic_status wsic_job_refactorize(wsic_job *job)
{
    const wsic_blend *const blend = &job->problem->blend;
    wsic_status status = WSIC_OK;

    if (!wsic_job_refactorizes(job) || job->live == 0 || job->idle_rows == job->rows)
        return WSIC_OK;
    if (job->options->ridge > 0.0)
        status = fill_ridge(job);
    if (status != WSIC_OK)
        return status;
    const wsic_factor_form form = {job->spacing.ridge, job->options->pivot};
    return wsic_refactorize(job->env, blend->hessian, blend->samples, &job->options->factor, &form,
                            job->factor);
}
