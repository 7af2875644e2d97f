/* SPDX-License-Identifier: MIT */
#include "coding/classes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "coding/class_fit.h"
#include "coding/codes.h"

enum {
    ROUNDS = 3,
    SETTLED = 32,           /* stop once fewer than one line in so many has moved */
    OCTET_MARGIN = 64,      /* how far an octet's class may lie outside of all models */
    ROW_REACH = 256,        /* largest magnitude of a row's class */
    RUN = 64,               /* rows that are looked at together: a cache line of each column */
    OCTET_SAMPLE = 1 << 13, /* codes that tell the class of an octet well enough */
    SHAPE_SAMPLE = 1 << 17, /* those that tell the shape */
    CODES_OF_TASK = 1 << 16 /* at least, that one thread looks at */
};

/* --- octets --------------------------------------------------------------------------- */

/* A sample of so many of these codes needs one run of rows out of as many as this returns. */
static size_t sampled_runs(const wsic_class_fit *fit, size_t codes, size_t sample)
{
    const size_t runs = wsic_div_up(fit->rows.count, RUN);
    return wsic_max_size(1, wsic_min_size(codes / sample, runs));
}

/* Octets that are summed at the same time. */
typedef struct octet_job {
    wsic_class_fit *fit;
    uint32_t shape;
    size_t every;   /* runs of rows: one of so many is looked at */
    size_t of_task; /* octets */
} octet_job;

/* Sums for the classes around that of an octet. */
static void sum_octet(const octet_job *job, size_t octet)
{
    const wsic_class_fit *const fit = job->fit;
    const size_t rows = fit->rows.count;
    uint64_t *const total = fit->sums[octet];

    memset(total, 0, WSIC_WINDOW * sizeof *total);
    for (size_t row = octet % job->every * RUN; row < rows; row += job->every * RUN) {
        uint32_t sums[WSIC_WINDOW] = {0};
        wsic_class_fit_add_octet(fit, octet, job->shape, row, wsic_min_size(RUN, rows - row), sums,
                                 0);
        for (size_t k = 0; k < WSIC_WINDOW; k++)
            total[k] += (uint64_t)sums[k] * job->every;
    }
}

static void sum_some(void *data, size_t task)
{
    const octet_job *const job = data;
    const size_t end = wsic_min_size((task + 1) * job->of_task, job->fit->octets.count);

    for (size_t k = task * job->of_task; k < end; k++) {
        if (job->fit->pending[k])
            sum_octet(job, k);
    }
}

/* The sums of all octets that are marked. */
static void sum_octets(wsic_class_fit *fit, uint32_t shape, size_t every)
{
    const size_t codes = (fit->rows.count << fit->octet_log) / every;
    octet_job job = {fit, shape, every, 1 + CODES_OF_TASK / wsic_max_size(codes, 1)};

    wsic_class_fit_prepare(fit, shape);
    wsic_parallel_for(fit->env, wsic_div_up(fit->octets.count, job.of_task), sum_some, &job);
}

static void mark_octets(wsic_class_fit *fit)
{
    memset(fit->pending, true, fit->octets.count * sizeof *fit->pending);
}

/* What the curvature of a row is made of, once an octet is settled. */
static double octet_curvature(const uint64_t *sums, int32_t index)
{
    if (index < 1 || index > WSIC_WINDOW - 2)
        return 0;
    return (double)sums[index - 1] + (double)sums[index + 1] - 2 * (double)sums[index];
}

/* Choose among the sums of those that are marked; false if all are settled. */
static bool move_octets(wsic_class_fit *fit, double *curvature)
{
    bool any = false;

    for (size_t k = 0; k < fit->octets.count; k++) {
        if (!fit->pending[k])
            continue;
        const int32_t around = fit->octets.classes[k];
        fit->pending[k] = wsic_class_fit_move(&fit->octets, k, fit->sums[k]);
        any |= fit->pending[k];
        if (!fit->pending[k])
            *curvature +=
                octet_curvature(fit->sums[k], fit->octets.classes[k] - around + WSIC_WINDOW_BELOW);
    }
    return any;
}

/* The classes of all octets; returns how many have moved. */
static size_t settle_octets(wsic_class_fit *fit)
{
    const size_t codes = fit->rows.count << fit->octet_log;
    const size_t every = sampled_runs(fit, codes, OCTET_SAMPLE);
    double curvature = 0;

    memcpy(fit->before, fit->octets.classes, fit->octets.count * sizeof *fit->before);
    mark_octets(fit);
    do {
        sum_octets(fit, fit->shape, every);
    } while (move_octets(fit, &curvature));
    fit->curvature = curvature / (double)fit->rows.count;
    return wsic_class_fit_moved(fit, &fit->octets);
}

/* Go over to the shape that suits a sample of the codes best. */
static void choose_shape(wsic_class_fit *fit)
{
    const size_t codes = fit->rows.count * fit->magnitudes->columns;
    const size_t every = sampled_runs(fit, codes, SHAPE_SAMPLE);
    uint64_t least = UINT64_MAX;

    mark_octets(fit);
    for (uint32_t shape = 0; shape < WSIC_MODEL_SHAPES; shape++) {
        uint64_t cost = 0;
        sum_octets(fit, shape, every);
        for (size_t k = 0; k < fit->octets.count; k++)
            cost += fit->sums[k][WSIC_WINDOW_BELOW];
        if (cost < least) {
            least = cost;
            fit->shape = shape;
        }
    }
}

/* --- rounds ----------------------------------------------------------------------- */

/* Mean square of the rounded values of a Gaussian variable of this width: those of magnitude k and
 * more add 2 k - 1 each. */
static double rounded_energy(double width)
{
    const double deviation = exp2(width / WSIC_CLASSES_PER_OCTAVE);
    double energy = 0;

    for (int k = 1; k <= 4; k++)
        energy += (2 * k - 1) * erfc((k - 0.5) / deviation / sqrt(2));
    return energy;
}

double wsic_likely_width(double deviation)
{
    const double energy = deviation * deviation;
    double low = WSIC_CLASS_LOWEST;
    double high = 0;

    /* Rounding adds 1/12 where the deviation is not small. */
    if (energy >= rounded_energy(high))
        return 0.5 * WSIC_CLASSES_PER_OCTAVE * log2(energy - 1.0 / 12);
    while (high - low > 1.0 / 16) {
        const double middle = (low + high) / 2;
        if (rounded_energy(middle) < energy)
            low = middle;
        else
            high = middle;
    }
    return high;
}

static void start_octets(wsic_class_fit *fit, unsigned step)
{
    const wsic_magnitudes *const magnitudes = fit->magnitudes;

    for (size_t k = 0; k < fit->octets.count; k++) {
        const size_t first = k << fit->octet_log;
        const size_t count =
            wsic_min_size((size_t)1 << fit->octet_log, magnitudes->columns - first);
        double energy = 0;
        for (size_t j = first; j < first + count; j++) {
            const double deviation = magnitudes->deviation[fit->order[j]];
            energy += deviation * deviation;
        }
        const double width = wsic_likely_width(sqrt(energy / (double)count));
        fit->octets.classes[k] = (int16_t)lround(ldexp(width, -(int)step));
    }
}

/* One round over octets and rows; *settled when another one is not worth it. */
static void run_round(wsic_class_fit *fit, bool fit_rows, bool *settled)
{
    const uint32_t shape = fit->shape;
    size_t moved_rows = 0;

    wsic_class_prices_update(&fit->octets);
    const size_t moved = settle_octets(fit);
    if (fit_rows) {
        wsic_class_prices_update(&fit->rows);
        moved_rows = wsic_class_fit_rows(fit);
    }
    choose_shape(fit);
    *settled = moved_rows == 0 && fit->shape == shape;
    if (moved + moved_rows < (fit->rows.count + fit->octets.count) / SETTLED)
        *settled = true;
}

static wsic_priced_axis make_axis(const wsic_class_axis *given, int32_t lowest, int32_t highest)
{
    return (wsic_priced_axis){.count = given->count,
                              .hint = given->hint,
                              .hint_stays = given->hint_stays,
                              .classes = given->classes,
                              .lowest = lowest,
                              .highest = highest};
}

static wsic_status make_room(wsic_class_fit *fit)
{
    const size_t longest = wsic_max_size(fit->rows.count, fit->octets.count);
    wsic_status status;

    fit->sums = wsic_alloc(fit->env, fit->octets.count, sizeof *fit->sums, &status);
    if (!fit->sums)
        return status;
    fit->slope = wsic_alloc(fit->env, fit->rows.count, sizeof *fit->slope, &status);
    if (!fit->slope)
        return status;
    fit->before = wsic_alloc(fit->env, longest, sizeof *fit->before, &status);
    if (!fit->before)
        return status;
    fit->pending = wsic_alloc(fit->env, longest, sizeof *fit->pending, &status);
    return fit->pending ? WSIC_OK : status;
}

static void release(wsic_class_fit *fit)
{
    wsic_free(fit->env, fit->sums);
    wsic_free(fit->env, fit->slope);
    wsic_free(fit->env, fit->before);
    wsic_free(fit->env, fit->pending);
    wsic_class_costs_release(fit->env, &fit->costs);
}

wsic_status wsic_fit_classes(const wsic_env *env, const wsic_magnitudes *magnitudes,
                             const uint32_t *order, unsigned octet_log, unsigned step,
                             bool fit_rows, wsic_class_axis *rows, wsic_class_axis *octets,
                             uint32_t *shape)
{
    const int32_t kernels = wsic_kernels_chosen(env);
    wsic_class_fit fit = {.env = env,
                          .magnitudes = magnitudes,
                          .order = order,
                          .octet_log = octet_log,
                          .add_costs = wsic_cost_sums_kernel(kernels),
                          .add_slopes = wsic_slope_sums_kernel(kernels)};
    bool settled = false;

    wsic_status status =
        wsic_class_costs_create(env, magnitudes->used, magnitudes->tokens, step, &fit.costs);
    if (status != WSIC_OK)
        return status;
    fit.rows = make_axis(rows, -(ROW_REACH >> step), ROW_REACH >> step);
    fit.octets =
        make_axis(octets, fit.costs.lowest - OCTET_MARGIN, fit.costs.highest + OCTET_MARGIN);
    status = make_room(&fit);
    if (status == WSIC_OK) {
        memset(rows->classes, 0, rows->count * sizeof *rows->classes);
        start_octets(&fit, step);
        for (int round = 0; round < ROUNDS && !settled; round++)
            run_round(&fit, fit_rows, &settled);
        *shape = fit.shape;
    }
    release(&fit);
    return status;
}
