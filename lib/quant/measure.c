/* SPDX-License-Identifier: MIT */
#include "quant/measure.h"

#include <math.h>

#include "base/checked.h"
#include "base/clock.h"
#include "linalg/linalg.h"
#include "quant/decoded.h"

enum { TILE_ROWS = 256 };

/* --- without drift: the error itself ------------------------------------------------ */

/* tile = W of these rows, all columns, internal units. */
static void load_weights(const wsic_job *job, size_t first, size_t count, double *tile)
{
    const wsic_selection all_rows = {job->rows, NULL}, all_columns = {job->columns, NULL};

    wsic_weights_load(&job->problem->weights, all_rows, first, count, all_columns, tile, count);
}

/* tile -= Ŵ. */
static void subtract_reconstruction(const wsic_job *job, const wsic_decoded *decoded, size_t first,
                                    size_t count, double *tile)
{
    const double factor = 1.0 / job->weights.unit;

    for (size_t k = 0; k < job->live; k++) {
        double *const w = tile + job->factor->live_index[k] * count;
        for (size_t i = 0; i < count; i++)
            w[i] -= factor * (double)wsic_decoded_value(job, decoded, first + i, k);
    }
}

/* tr(E Σ Eᵀ) for the rows of a tile. */
static double weigh(const wsic_job *job, const double *tile, size_t count, double *product)
{
    const wsic_blend *const blend = &job->problem->blend;
    const size_t n = job->columns;
    const double factor = 1.0 / (blend->samples * job->factor->unit);
    double sum = 0.0;

    wsic_multiply_symmetric(count, n, factor, tile, count, blend->hessian, n, product, count);
    for (size_t k = 0; k < count * n; k++)
        sum += tile[k] * product[k];
    return sum;
}

/* tr((W - Ŵ) Σ (W - Ŵ)ᵀ) of a tile; *energy receives tr(W Σ Wᵀ) unless it is NULL. */
static double plain_error(const wsic_job *job, const wsic_decoded *decoded, size_t first,
                          size_t count, double *tile, double *energy)
{
    double *const product = tile + count * job->columns;

    load_weights(job, first, count, tile);
    if (energy)
        *energy += weigh(job, tile, count, product);
    subtract_reconstruction(job, decoded, first, count, tile);
    return weigh(job, tile, count, product);
}

/* --- with drift: by its three terms -------------------------------------------------- */

/* tile = Ŵ of these rows, live columns. */
static void reconstruct(const wsic_job *job, const wsic_decoded *decoded, size_t first,
                        size_t count, double *tile)
{
    const double factor = 1.0 / job->weights.unit;

    for (size_t k = 0; k < job->live; k++) {
        for (size_t i = 0; i < count; i++)
            tile[k * count + i] = factor * (double)wsic_decoded_value(job, decoded, first + i, k);
    }
}

/* <Ŵ S, Ŵ> - 2 <C, Ŵ> of a tile: what is added to the energy of Ŵ = 0. */
static double drifted_change(const wsic_job *job, const wsic_decoded *decoded, size_t first,
                             size_t count, double *tile)
{
    const wsic_encode_problem *const problem = job->problem;
    const wsic_selection all = {job->rows, NULL};
    double *const product = tile + count * job->columns;
    double linear = 0.0, quadratic = 0.0;

    if (job->live == 0) /* BLAS takes no empty matrices */
        return 0.0;
    wsic_encode_problem_cross(problem, all, first, count, tile, product, count);
    reconstruct(job, decoded, first, count, tile);
    for (size_t k = 0; k < count * job->live; k++)
        linear += tile[k] * product[k];
    wsic_multiply_symmetric(count, job->live, problem->S_factor, tile, count, problem->S, job->live,
                            product, count);
    for (size_t k = 0; k < count * job->live; k++)
        quadratic += tile[k] * product[k];
    return quadratic - 2.0 * linear;
}

/* --- either ------------------------------------------------------------------------- */

static wsic_status measure(wsic_job *job, const wsic_decoded *decoded, double *tile,
                           double *distortion)
{
    const wsic_progress span = wsic_job_span(job, "distortion", 0.3);
    const bool drifts = wsic_encode_problem_drifts(job->problem);
    const bool energy_unknown = job->problem->energy < 0.0;
    double error = drifts ? job->problem->energy : 0.0, energy = 0.0;
    wsic_status status = WSIC_OK;

    for (size_t first = 0; status == WSIC_OK && first < job->rows; first += TILE_ROWS) {
        const size_t count = wsic_min_size(TILE_ROWS, job->rows - first);
        status = wsic_progress_report(job->env, &span, (double)first / (double)job->rows);
        error +=
            drifts ? drifted_change(job, decoded, first, count, tile)
                   : plain_error(job, decoded, first, count, tile, energy_unknown ? &energy : NULL);
    }
    if (status != WSIC_OK)
        return status;
    if (!isfinite(error))
        return wsic_fail(job->env, WSIC_ERROR_RANGE,
                         "a weight is rounded to one that leaves the range of float");
    if (energy_unknown)
        job->problem->energy = energy;
    /* Moments are positive semidefinite; rounding may leave a trace of the other sign. */
    *distortion = error > 0.0 ? error : 0.0;
    return WSIC_OK;
}

wsic_status wsic_job_measure(wsic_job *job, const float *row_scales, const float *column_scales,
                             double *distortion)
{
    const wsic_decoded decoded = {row_scales, column_scales};
    const size_t tile_size = wsic_min_size(TILE_ROWS, job->rows) * job->columns;
    double mark = wsic_now();
    wsic_status status = WSIC_OK;
    double *const tile = wsic_alloc(job->env, 2 * tile_size, sizeof *tile, &status);

    if (!tile)
        return status;
    status = measure(job, &decoded, tile, distortion);
    wsic_free(job->env, tile);
    job->report->seconds_distortion += wsic_lap(&mark);
    return status;
}
