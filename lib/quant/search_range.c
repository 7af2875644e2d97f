/* SPDX-License-Identifier: MIT */
#include "quant/search_range.h"

#include <math.h>

#include "base/checked.h"
#include "linalg/linalg.h"
#include "quant/target.h"

enum { RANGE_ROWS = 128 }; /* that are looked at together */

/* Largest magnitude that a quantizer is given for some rows, counted in steps of c = 1. It sees Y
 * less the interference of what is decided: Y itself where that is little, and at fine steps
 * W L_jj, which may be more by far. y is overwritten. */
static double largest_number(const wsic_job *job, size_t rows, double *y)
{
    const size_t live = job->live;
    double largest = 0.0;

    for (size_t j = 0; j < live; j++) {
        const double step =
            job->spacing.shape[j] * job->spacing.error_share[j] * job->factor->L[j * live + j];
        for (size_t k = j * rows; k < (j + 1) * rows; k++)
            largest = fmax(largest, fabs(y[k]) / step);
    }
    wsic_solve_lower(rows, live, job->factor->L, live, y, rows);
    for (size_t j = 0; j < live; j++) {
        const double spacing = job->spacing.shape[j] * job->spacing.error_share[j];
        for (size_t k = j * rows; k < (j + 1) * rows; k++)
            largest = fmax(largest, fabs(y[k]) / spacing);
    }
    return largest;
}

/* Some rows of the part. */
typedef struct range {
    const wsic_job *job;
    const wsic_search_part *part;
    double largest;
    wsic_status status;
} range;

static void gather(const range *r, size_t first, size_t count, double *tile)
{
    const wsic_job *const job = r->job;

    for (size_t j = 0; j < job->live; j++) {
        const wsic_reals y = wsic_reals_at(r->part->target, job->single, j * r->part->rows + first);
        for (size_t i = 0; i < count; i++)
            tile[j * count + i] = job->single ? y.f32[i] : y.f64[i];
    }
}

static void look_at_range(void *data, size_t number)
{
    range *const r = (range *)data + number;
    const wsic_job *const job = r->job;
    const size_t first = number * RANGE_ROWS;
    const size_t count = wsic_min_size(RANGE_ROWS, r->part->rows - first);
    double *const tile = wsic_alloc(job->env, count * job->live, sizeof *tile, &r->status);

    if (!tile)
        return;
    gather(r, first, count, tile);
    r->largest = largest_number(job, count, tile);
    wsic_free(job->env, tile);
}

static wsic_status largest_of_part(const wsic_job *job, const wsic_search_part *part,
                                   double *largest)
{
    const wsic_env *const env = job->env;
    const size_t count = wsic_div_up(part->rows, RANGE_ROWS);
    wsic_status status = WSIC_OK;
    range *const ranges = wsic_alloc(env, count, sizeof *ranges, &status);

    if (!ranges)
        return status;
    for (size_t k = 0; k < count; k++)
        ranges[k] = (range){.job = job, .part = part};
    wsic_parallel_for(env, count, look_at_range, ranges);
    for (size_t k = 0; k < count && status == WSIC_OK; k++) {
        status = ranges[k].status;
        *largest = fmax(*largest, ranges[k].largest);
    }
    wsic_free(env, ranges);
    return status;
}

/* Of the row of most energy, which the part may lack. */
static wsic_status largest_of_top(const wsic_job *job, size_t top, double *largest)
{
    wsic_status status = WSIC_OK;
    double *const row = wsic_alloc(job->env, job->live, sizeof *row, &status);

    if (!row)
        return status;
    status = wsic_job_target(job, (wsic_selection){1, &top}, false, (wsic_reals){.f64 = row}, NULL);
    *largest = fmax(*largest, largest_number(job, 1, row));
    wsic_free(job->env, row);
    return status;
}

/* log2 of the step at which the last spacing reaches its least value: smaller steps change nothing.
 * -HUGE_VAL where spacings have no least value. */
static double last_change(const wsic_job *job)
{
    double step = HUGE_VAL;

    for (size_t j = 0; j < job->live; j++)
        step = fmin(step, job->spacing.least[j] / job->spacing.shape[j]);
    return log2(step);
}

wsic_status wsic_search_range(const wsic_job *job, const wsic_search_part *part, double *lowest,
                              double *highest)
{
    double largest = 0.0;
    wsic_status status = largest_of_part(job, part, &largest);

    if (status == WSIC_OK)
        status = largest_of_top(job, part->top, &largest);
    const double x = largest > 0.0 ? log2(largest) : 0.0;
    *lowest = fmax(x - log2(job->quantizer.largest) + 1.0, last_change(job));
    *highest = fmax(x, *lowest) + 3.0;
    return status;
}
