/* SPDX-License-Identifier: MIT */
/* D_G = tr(G E Σ Eᵀ) / (a n) of a finished layer, with G as it was measured, undamped. E is W - Ŵ,
 * with drift W' - Ŵ over the live columns. */
#include "quant/outputs.h"

#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "base/clock.h"
#include "linalg/linalg.h"
#include "quant/decoded.h"
#include "quant/limit.h"
#include "quant/permute.h"

enum { TILE_ROWS = 256 };

typedef struct measurement {
    const wsic_job *job;
    const wsic_decoded *decoded; /* NULL: Ŵ = 0 */
    size_t columns;              /* of E */
    size_t tile_rows;
    double *errors;  /* E Σ of a tile, after E itself */
    double *product; /* likewise */
    double *others;  /* E of another tile */
    double *mixed;   /* G times that */
    double *metric;  /* the part of G between two tiles */
} measurement;

/* --- E ----------------------------------------------------------------------------- */

/* With drift: rows of W', which lie in the order of the metric, in the order of the factor, and
 * weighted. */
static void load_goal(const wsic_job *job, const size_t *place, size_t first, size_t count,
                      double *tile)
{
    for (size_t k = 0; k < job->live; k++) {
        double *const out = tile + wsic_factor_column(job->factor, k) * count;
        const double *const goal = job->feedback.goal + k * job->rows;
        for (size_t i = 0; i < count; i++) {
            const size_t row = first + i;
            const double weight = job->metric.weight ? job->metric.weight[row] : 1.0;
            out[i] = goal[place ? place[row] : row] / weight;
        }
    }
}

static void load_errors(const measurement *m, const size_t *place, size_t first, size_t count,
                        double *tile)
{
    const wsic_job *const job = m->job;
    const bool drifts = job->feedback.goal && wsic_encode_problem_drifts(job->problem);
    const wsic_selection rows = {job->rows, NULL}, columns = {job->columns, NULL};
    const double factor = 1.0 / job->weights.unit;

    if (drifts)
        load_goal(job, place, first, count, tile);
    else
        wsic_weights_load(&job->problem->weights, rows, first, count, columns, tile, count);
    for (size_t k = 0; m->decoded && k < job->live; k++) {
        double *const out = tile + (drifts ? k : job->factor->live_index[k]) * count;
        for (size_t i = 0; i < count; i++)
            out[i] -= factor * (double)wsic_decoded_value(job, m->decoded, first + i, k);
    }
}

/* product = E Σ. */
static void multiply_moments(const measurement *m, size_t count)
{
    const wsic_job *const job = m->job;
    const wsic_blend *const blend = &job->problem->blend;

    if (wsic_encode_problem_drifts(job->problem))
        wsic_multiply_symmetric(count, job->live, job->problem->S_factor, m->errors, count,
                                job->problem->S, job->live, m->product, count);
    else
        wsic_multiply_symmetric(count, job->columns, 1.0 / (blend->samples * job->factor->unit),
                                m->errors, count, blend->hessian, job->columns, m->product, count);
}

/* --- the sum ------------------------------------------------------------------------- */

/* G between rows first ... and other ..., other <= first. */
static void gather_metric(const measurement *m, size_t first, size_t count, size_t other,
                          size_t others, double factor)
{
    for (size_t j = 0; j < others; j++) {
        for (size_t i = 0; i < count; i++)
            m->metric[j * count + i] =
                factor * wsic_job_output_element(m->job, first + i, other + j);
    }
}

/* Σ_rs (E Σ)_r G_rs E_s over the rows of two tiles, of which the first is loaded. */
static double pair_sum(const measurement *m, const size_t *place, size_t first, size_t count,
                       size_t other)
{
    const wsic_job *const job = m->job;
    const size_t others = wsic_min_size(m->tile_rows, job->rows - other);
    double sum = 0.0;

    gather_metric(m, first, count, other, others, 1.0 / wsic_job_output_unit(job));
    load_errors(m, place, other, others, m->others);
    wsic_multiply(count, m->columns, others, 1.0, m->metric, count, m->others, others, m->mixed,
                  count);
    for (size_t k = 0; k < count * m->columns; k++)
        sum += m->product[k] * m->mixed[k];
    return other == first ? sum : 2.0 * sum;
}

/* tr(G E Σ Eᵀ), internal units. */
static double trace(const measurement *m, const size_t *place)
{
    double sum = 0.0;

    for (size_t first = 0; first < m->job->rows; first += m->tile_rows) {
        const size_t count = wsic_min_size(m->tile_rows, m->job->rows - first);
        load_errors(m, place, first, count, m->errors);
        multiply_moments(m, count);
        const bool alone = m->job->problem->input.outputs.diagonal != NULL;
        for (size_t other = alone ? first : 0; other <= first; other += m->tile_rows)
            sum += pair_sum(m, place, first, count, other);
    }
    return fmax(sum, 0.0);
}

static wsic_status create(const wsic_job *job, measurement *m, double **memory)
{
    const bool drifts = wsic_encode_problem_drifts(job->problem);
    const size_t rows = wsic_min_size(TILE_ROWS, job->rows);
    wsic_status status = WSIC_OK;

    *m = (measurement){.job = job, .columns = drifts ? job->live : job->columns, .tile_rows = rows};
    const size_t size = rows * m->columns;
    *memory = wsic_alloc(job->env, 4 * size + rows * rows, sizeof **memory, &status);
    if (!*memory)
        return status;
    m->errors = *memory;
    m->product = m->errors + size;
    m->others = m->product + size;
    m->mixed = m->others + size;
    m->metric = m->mixed + size;
    return WSIC_OK;
}

/* Where each row of the matrix stands in the order of the metric; NULL for the natural one. */
static wsic_status find_places(const wsic_job *job, size_t **place)
{
    wsic_status status = WSIC_OK;

    *place = NULL;
    if (!job->metric.order)
        return WSIC_OK;
    *place = wsic_alloc(job->env, job->rows, sizeof **place, &status);
    for (size_t k = 0; *place && k < job->rows; k++)
        (*place)[job->metric.order[k]] = k;
    return status;
}

static wsic_status measure(wsic_job *job, const wsic_decoded *decoded, double *error)
{
    measurement m;
    double *memory = NULL;
    size_t *place = NULL;
    wsic_status status = create(job, &m, &memory);

    *error = 0.0;
    if (status == WSIC_OK)
        status = find_places(job, &place);
    if (status == WSIC_OK && m.columns > 0) {
        if (job->output_energy < 0.0)
            job->output_energy = trace(&m, place);
        m.decoded = decoded;
        *error = trace(&m, place);
    }
    wsic_free(job->env, place);
    wsic_free(job->env, memory);
    return status;
}

wsic_status wsic_job_measure_outputs(wsic_job *job, const float *row_scales,
                                     const float *column_scales)
{
    const wsic_decoded decoded = {row_scales, column_scales};
    const double weights = wsic_job_weights(job);
    double error, mark = wsic_now();

    if (!wsic_outputs_known(&job->problem->input.outputs))
        return WSIC_OK;
    const wsic_status status = measure(job, &decoded, &error);
    if (status != WSIC_OK)
        return status;
    job->outputs = (wsic_output_figures){
        .known = true,
        .distortion = error / weights * wsic_job_output_unit(job) * wsic_job_distortion_unit(job),
        .relative = job->output_energy > 0.0 ? error / job->output_energy : 0.0,
        .damping = job->metric.damping,
        .feedback = wsic_job_feeds_back(job),
        .weights = job->metric.weights,
    };
    job->report->seconds_outputs += wsic_lap(&mark);
    return wsic_job_output_limit(job, error / weights, &job->outputs.limit_rate);
}
