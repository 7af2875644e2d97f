/* SPDX-License-Identifier: MIT */
/* The classes of rows. Most rows are like the others, and stay in their class: so the slope of the
 * cost at the class that most of them have, which is cheap to find, tells first which rows are
 * worth a closer look. */
#include <string.h>

#include "base/checked.h"
#include "coding/class_fit.h"

enum {
    ROW_SAMPLE = 1 << 14, /* the most codes of a row: their sums fit 32 bits */
    ROW_START = 128,      /* codes that tell about where the class of a row is */
    STEPS = 4,            /* classes on either side that are looked at from afar */
    FEW = 8               /* in a strip: fewer rows than one in so many are taken one by one */
};

/* --- from afar --------------------------------------------------------------------------- */

typedef struct row_job {
    wsic_class_fit *fit;
    size_t every; /* octets: one of so many is looked at */
    uint64_t factor;
    int32_t mode; /* the class of most rows */
} row_job;

/* The class that most rows have, if it is that of more than half of them. */
static bool find_mode(const wsic_priced_axis *rows, int32_t *mode)
{
    size_t votes = 0;
    size_t count = 0;

    /* Two rows of different classes cancel each other. A class with more than half of all rows is
     * the one that remains. */
    for (size_t i = 0; i < rows->count; i++) {
        *mode = votes == 0 ? rows->classes[i] : *mode;
        votes = rows->classes[i] == *mode ? votes + 1 : votes - 1;
    }
    for (size_t i = 0; i < rows->count; i++)
        count += rows->classes[i] == *mode;
    return 2 * count > rows->count;
}

/* Per bucket by how much its cost changes from class to class. */
static void find_slopes(const wsic_class_fit *fit, size_t octet, int32_t row_class,
                        wsic_slope_columns *made)
{
    enum { LIMIT = 4000 }; /* eight of them fit 16 bits */
    const wsic_class_costs *const costs = &fit->costs;
    const uint32_t *const table =
        costs->table[fit->shape] +
        wsic_class_costs_window(costs, fit->octets.classes[octet] + row_class);

    made->buckets = costs->buckets;
    memset(made->slope, 0, sizeof made->slope);
    for (size_t b = 0; b < costs->buckets; b++) {
        const uint32_t *const window = table + b * costs->stride;
        const int32_t slope =
            ((int32_t)window[WSIC_WINDOW_BELOW + 1] - (int32_t)window[WSIC_WINDOW_BELOW - 1]) / 2;
        made->slope[b] = (int16_t)(slope < -LIMIT ? -LIMIT : slope > LIMIT ? LIMIT : slope);
    }
}

static void sum_slopes(void *data, size_t strip)
{
    const row_job *const job = data;
    wsic_class_fit *const fit = job->fit;
    const size_t first = strip * WSIC_FIT_STRIP;
    const size_t rows = wsic_min_size(WSIC_FIT_STRIP, fit->rows.count - first);
    wsic_slope_columns made;

    memset(fit->slope + first, 0, rows * sizeof *fit->slope);
    for (size_t k = 0; k < fit->octets.count; k += job->every) {
        made.columns = wsic_class_fit_columns(fit, k, fit->shape, first);
        find_slopes(fit, k, job->mode, &made);
        fit->add_slopes(&made, rows, fit->slope + first);
    }
}

/* Whether some class may be better, by what slope and curvature say of it. */
static bool may_move(const wsic_class_fit *fit, size_t row, uint64_t factor)
{
    const double generous = 0.75; /* of the curvature: no row is lost that may be worth it */
    const wsic_priced_axis *const line = &fit->rows;
    const int32_t now = line->classes[row];
    const double slope = (double)fit->slope[row] * (double)factor;
    const uint32_t price = wsic_class_price(line, row, now);

    for (int32_t k = -STEPS; k <= STEPS; k++) {
        const double change = slope * k + generous * fit->curvature * k * k / 2;
        if (k != 0 && change + wsic_class_price(line, row, now + k) < price)
            return true;
    }
    return false;
}

/* Mark the rows that are to be looked at; returns how many. */
static size_t mark_rows(wsic_class_fit *fit, size_t every)
{
    const size_t strips = wsic_div_up(fit->rows.count, WSIC_FIT_STRIP);
    row_job job = {.fit = fit, .every = every, .factor = every};
    const bool from_afar =
        fit->costs.buckets <= WSIC_SLOPE_BUCKETS && find_mode(&fit->rows, &job.mode);
    size_t marked = 0;

    if (from_afar) {
        wsic_class_fit_prepare(fit, fit->shape);
        wsic_parallel_for(fit->env, strips, sum_slopes, &job);
    }
    for (size_t i = 0; i < fit->rows.count; i++) {
        fit->pending[i] =
            !from_afar || fit->rows.classes[i] != job.mode || may_move(fit, i, job.factor);
        marked += fit->pending[i];
    }
    return marked;
}

/* --- a closer look ----------------------------------------------------------------------- */

static void move_row(const row_job *job, size_t row, const uint32_t *sums)
{
    uint64_t total[WSIC_WINDOW];

    for (size_t k = 0; k < WSIC_WINDOW; k++)
        total[k] = sums[k] * job->factor;
    job->fit->pending[row] = wsic_class_fit_move(&job->fit->rows, row, total);
}

static void move_whole_strip(const row_job *job, size_t first, size_t rows)
{
    wsic_class_fit *const fit = job->fit;
    uint32_t sums[WSIC_FIT_STRIP][WSIC_WINDOW];

    memset(sums, 0, sizeof sums);
    for (size_t k = 0; k < fit->octets.count; k += job->every)
        wsic_class_fit_add_octet(fit, k, fit->shape, first, rows, sums[0], WSIC_WINDOW);
    for (size_t i = 0; i < rows; i++) {
        if (fit->pending[first + i])
            move_row(job, first + i, sums[i]);
    }
}

static void move_one(const row_job *job, size_t row)
{
    wsic_class_fit *const fit = job->fit;
    uint32_t sums[WSIC_WINDOW] = {0};

    for (size_t k = 0; k < fit->octets.count; k += job->every)
        wsic_class_fit_add_octet(fit, k, fit->shape, row, 1, sums, 0);
    move_row(job, row, sums);
}

static size_t count_pending(const wsic_class_fit *fit, size_t first, size_t rows)
{
    size_t count = 0;

    for (size_t i = 0; i < rows; i++)
        count += fit->pending[first + i];
    return count;
}

static void move_strip(void *data, size_t strip)
{
    const row_job *const job = data;
    const size_t first = strip * WSIC_FIT_STRIP;
    const size_t rows = wsic_min_size(WSIC_FIT_STRIP, job->fit->rows.count - first);

    if (count_pending(job->fit, first, rows) * FEW >= rows) {
        move_whole_strip(job, first, rows);
        return;
    }
    for (size_t i = first; i < first + rows; i++) {
        if (job->fit->pending[i])
            move_one(job, i);
    }
}

/* The classes of all rows that are marked, from one of so many octets. */
static void move_rows(wsic_class_fit *fit, size_t every, uint64_t factor)
{
    const size_t strips = wsic_div_up(fit->rows.count, WSIC_FIT_STRIP);
    row_job job = {.fit = fit, .every = every, .factor = factor};

    while (count_pending(fit, 0, fit->rows.count) != 0) {
        wsic_class_fit_prepare(fit, fit->shape);
        wsic_parallel_for(fit->env, strips, move_strip, &job);
    }
}

size_t wsic_class_fit_rows(wsic_class_fit *fit)
{
    const size_t columns = fit->magnitudes->columns;
    const size_t every = wsic_div_up(columns, ROW_SAMPLE);
    const size_t start = columns / ROW_START;

    memcpy(fit->before, fit->rows.classes, fit->rows.count * sizeof *fit->before);
    const size_t marked = mark_rows(fit, every);
    /* Where many rows move, a few codes of each tell first about where to. They count as if there
     * were no others. */
    if (start > every && marked > fit->rows.count / 2) {
        move_rows(fit, start, 1);
        memset(fit->pending, true, fit->rows.count * sizeof *fit->pending);
    }
    move_rows(fit, every, every);
    return wsic_class_fit_moved(fit, &fit->rows);
}
