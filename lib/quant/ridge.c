/* SPDX-License-Identifier: MIT */
/* The rate-aware ridge: rounding that knows what its result will cost. Adding
 * Σ_j ρ_j ŵ_j², the Gaussian code length of ŵ, to the error and completing the square gives
 * the same recursion with
 *
 *     L Lᵀ = Σ + δI + diag(ρ),    Y = W (Σ + δI) L⁻ᵀ = W L - W diag(ρ) L⁻ᵀ.
 *
 * docs/algorithm.md, section "The ridge". */
#include <math.h>

#include "base/checked.h"
#include "linalg/linalg.h"
#include "quant/job.h"
#include "quant/permute.h"
#include "waterfill/allocate.h"

enum { TILE_ROWS = 256 };

/* Water level at the target, from the factor without a ridge. It stays the same through
 * the search for the step: the target is what is asked for, not what is tried. */
static wsic_status water_level(const wsic_job *job, double *level)
{
    const wsic_encode_options *const options = job->options;
    const double share = (double)job->columns / (double)job->live;
    wsic_allocation plan = {.step = 0.0};
    wsic_status status = WSIC_OK;

    double *const sigma = wsic_alloc(job->env, job->live, sizeof *sigma, &status);
    if (!sigma)
        return status;
    wsic_job_sigma(job, sigma);
    if (options->step != 0.0) {
        const double step = options->step / wsic_job_step_unit(job);
        plan.water_level = step * step / 12.0;
    } else if (options->rate != 0.0) {
        wsic_allocate_rate(sigma, job->live, options->rate * share, &plan);
    } else {
        wsic_allocate_distortion(sigma, job->live,
                                 options->distortion / wsic_job_distortion_unit(job) * share,
                                 &plan);
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
    job->ridge = wsic_alloc(job->env, job->live, sizeof *job->ridge, &status);
    if (!job->ridge)
        return status;
    for (size_t j = 0; j < job->live; j++)
        mean += job->column_energy[j] / (double)job->live;
    /* A column of very small weights would be held down without bound. */
    for (size_t j = 0; j < job->live; j++)
        job->ridge[j] = job->options->ridge * level / fmax(job->column_energy[j], 1e-3 * mean);
    return WSIC_OK;
}

wsic_status wsic_job_refactorize(wsic_job *job)
{
    const bool wanted = job->options->ridge > 0.0 || job->options->pivot;
    wsic_status status = WSIC_OK;

    if (!wanted || job->live == 0 || job->dead_rows == job->rows)
        return WSIC_OK;
    if (job->options->ridge > 0.0)
        status = fill_ridge(job);
    if (status != WSIC_OK)
        return status;
    const wsic_refactor_options options = {job->ridge, job->options->pivot};
    return wsic_refactorize(job->env, job->input->sum, job->input->samples, &options,
                            &job->factor);
}

/* The rows of y from W to W L - W diag(ρ) L⁻ᵀ. */
static void ridge_tile(const wsic_job *job, size_t rows, size_t first, size_t count, double *y,
                       double *tile)
{
    for (size_t k = 0; k < job->live; k++) {
        const double rho = job->ridge[wsic_factor_column(&job->factor, k)];
        for (size_t i = 0; i < count; i++)
            tile[k * count + i] = rho * y[k * rows + first + i];
    }
    wsic_solve_lower_transposed(count, job->live, job->factor.L, job->live, tile, count);
    wsic_multiply_lower(count, job->live, job->factor.L, job->live, y + first, rows);
    for (size_t k = 0; k < job->live; k++) {
        for (size_t i = 0; i < count; i++)
            y[k * rows + first + i] -= tile[k * count + i];
    }
}

wsic_status wsic_job_target(const wsic_job *job, wsic_selection rows, double *y)
{
    wsic_status status = WSIC_OK;

    wsic_weights_load(&job->weights, rows, 0, rows.count, job->live_columns, y, rows.count);
    status = wsic_permute_forward(job->env, job->live, job->factor.order,
                                  rows.count * sizeof *y, y);
    if (status != WSIC_OK)
        return status;
    if (!job->ridge) {
        wsic_multiply_lower(rows.count, job->live, job->factor.L, job->live, y, rows.count);
        return WSIC_OK;
    }
    double *const tile = wsic_alloc(job->env, wsic_min_size(TILE_ROWS, rows.count) * job->live,
                                    sizeof *tile, &status);
    if (!tile)
        return status;
    for (size_t first = 0; first < rows.count; first += TILE_ROWS) {
        const size_t count = wsic_min_size(TILE_ROWS, rows.count - first);
        ridge_tile(job, rows.count, first, count, y, tile);
    }
    wsic_free(job->env, tile);
    return WSIC_OK;
}
