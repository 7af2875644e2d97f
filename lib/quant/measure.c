/* SPDX-License-Identifier: MIT */
#include "base/checked.h"
#include "base/clock.h"
#include "linalg/linalg.h"
#include "quant/job.h"

enum { TILE_ROWS = 256 };

/* tile = W of these rows, all columns, internal units. */
static void load_weights(const wsic_job *job, size_t first, size_t count, double *tile)
{
    const wsic_selection all_rows = {job->rows, NULL}, all_columns = {job->columns, NULL};

    wsic_weights_load(&job->weights, all_rows, first, count, all_columns, tile, count);
}

/* tile -= Ŵ, in the float expression of the decoder. */
static void subtract_reconstruction(const wsic_job *job, const float *row_scales,
                                    const float *column_scales, size_t first, size_t count,
                                    double *tile)
{
    const double factor = 1.0 / job->weights.unit;

    for (size_t k = 0; k < job->live; k++) {
        const int32_t *const z = job->codes + k * job->rows + first;
        double *const w = tile + job->factor.live_index[k] * count;
        for (size_t i = 0; i < count; i++) {
            const float value = row_scales[first + i] * (column_scales[k] * (float)z[i]);
            w[i] -= factor * (double)value;
        }
    }
}

/* tr(E Σ Eᵀ) for the rows of a tile. */
static double weigh(const wsic_job *job, const double *tile, size_t count, double *product)
{
    const size_t n = job->columns;
    const double factor = 1.0 / (job->input->samples * job->factor.unit);
    double sum = 0.0;

    wsic_multiply_symmetric(count, n, factor, tile, count, job->input->sum, n, product, count);
    for (size_t k = 0; k < count * n; k++)
        sum += tile[k] * product[k];
    return sum;
}

wsic_status wsic_job_measure(wsic_job *job, const float *row_scales, const float *column_scales,
                             double *distortion)
{
    const size_t tile_size = wsic_min_size(TILE_ROWS, job->rows) * job->columns;
    const bool energy_unknown = job->energy < 0.0;
    const wsic_progress span = wsic_job_span(job, "distortion", 0.3);
    double mark = wsic_now(), error = 0.0, energy = 0.0;
    wsic_status status = WSIC_OK;
    double *const tile = wsic_alloc(job->env, 2 * tile_size, sizeof *tile, &status);

    if (!tile)
        return status;
    for (size_t first = 0; status == WSIC_OK && first < job->rows; first += TILE_ROWS) {
        const size_t count = wsic_min_size(TILE_ROWS, job->rows - first);
        status = wsic_progress_report(job->env, &span, (double)first / (double)job->rows);
        load_weights(job, first, count, tile);
        if (energy_unknown)
            energy += weigh(job, tile, count, tile + tile_size);
        subtract_reconstruction(job, row_scales, column_scales, first, count, tile);
        error += weigh(job, tile, count, tile + tile_size);
    }
    wsic_free(job->env, tile);
    if (energy_unknown && status == WSIC_OK)
        job->energy = energy;
    /* Σ is positive semidefinite; rounding may leave a trace of the other sign. */
    *distortion = error > 0.0 ? error : 0.0;
    job->report->seconds_distortion += wsic_lap(&mark);
    return status;
}
