/* SPDX-License-Identifier: MIT */
#include "coding/classes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "coding/class_prices.h"
#include "coding/codes.h"

enum {
    ROUNDS = 3,
    SETTLED = 32,           /* stop once fewer than one line in so many has moved */
    OCTET_MARGIN = 64,      /* how far an octet's class may lie outside of all models */
    ROW_REACH = 256,        /* largest magnitude of a row's class */
    RUN = 64,               /* rows that are looked at together: a cache line of each column */
    STRIP = 4 * RUN,        /* rows whose sums are kept together */
    OCTET_SAMPLE = 1 << 13, /* codes that tell the class of an octet well enough */
    SHAPE_SAMPLE = 1 << 18, /* those that tell the shape */
    ROW_SAMPLE = 1 << 14,   /* the most codes of a row: their sums fit 32 bits */
    ROW_START = 128         /* codes that tell about where the class of a row is */
};

typedef struct fit {
    const wsic_magnitudes *magnitudes;
    const uint32_t *order; /* of the columns */
    unsigned octet_log;    /* columns of an octet */
    uint32_t shape;
    wsic_class_costs costs;
    wsic_cost_sums *add_costs;
    wsic_priced_axis rows;
    wsic_priced_axis octets;
} fit;

/* --- what codes cost ------------------------------------------------------------------ */

static wsic_cost_columns octet_columns(const fit *state, size_t octet, uint32_t shape, size_t row)
{
    const wsic_magnitudes *const magnitudes = state->magnitudes;
    const size_t first = octet << state->octet_log;
    wsic_cost_columns made = {
        .columns = wsic_min_size((size_t)1 << state->octet_log, magnitudes->columns - first),
        .table = state->costs.table[shape],
        .stride = state->costs.stride};

    for (size_t k = 0; k < made.columns; k++)
        made.column[k] = magnitudes->buckets + state->order[first + k] * magnitudes->rows + row;
    return made;
}

/* Add what the codes of an octet cost in some rows, at most STRIP, in the classes around those that
 * it and the rows have together. */
static void add_octet(fit *state, size_t octet, int32_t octet_class, uint32_t shape, size_t row,
                      size_t rows, uint32_t *sums, size_t step)
{
    const int16_t *const classes = state->rows.classes + row;
    const wsic_cost_columns columns = octet_columns(state, octet, shape, row);
    int32_t least = classes[0], most = classes[0];
    uint32_t window[STRIP];

    for (size_t i = 0; i < rows; i++) {
        least = classes[i] < least ? classes[i] : least;
        most = classes[i] > most ? classes[i] : most;
        window[i] = wsic_class_costs_window(&state->costs, octet_class + classes[i]);
    }
    wsic_class_costs_prepare(&state->costs, shape, octet_class + least - WSIC_WINDOW_BELOW,
                             octet_class + most + WSIC_WINDOW - WSIC_WINDOW_BELOW - 1);
    state->add_costs(&columns, window, rows, sums, step);
}

/* --- choosing ------------------------------------------------------------------------- */

/* The cheapest class of the window around a class; if there are several, the nearest to it. */
static int32_t best_in_window(const wsic_priced_axis *line, size_t index, int32_t around,
                              const uint64_t *sums)
{
    uint64_t least = UINT64_MAX;
    int32_t best = around;

    for (int32_t k = 0; k < WSIC_WINDOW; k++) {
        const int32_t tried = around + k - WSIC_WINDOW_BELOW;
        if (tried < line->lowest || tried > line->highest)
            continue;
        const uint64_t cost = sums[k] + wsic_class_price(line, index, tried);
        if (cost < least || (cost == least && abs(tried - around) < abs(best - around))) {
            least = cost;
            best = tried;
        }
    }
    return best;
}

/* What lies behind the edge of the window may be better still. */
static bool at_edge(int32_t best, int32_t around)
{
    return best == around - WSIC_WINDOW_BELOW ||
           best == around + WSIC_WINDOW - WSIC_WINDOW_BELOW - 1;
}

/* A sample of so many of these codes needs one run of rows out of as many as this returns. */
static size_t sampled_runs(const fit *state, size_t codes, size_t sample)
{
    const size_t runs = wsic_div_up(state->rows.count, RUN);
    return wsic_max_size(1, wsic_min_size(codes / sample, runs));
}

/* Sums for the classes around one of an octet, from one of so many runs of its rows. */
static void sum_octet(fit *state, size_t octet, int32_t around, uint32_t shape, size_t every,
                      uint64_t *total)
{
    const size_t rows = state->rows.count;

    memset(total, 0, WSIC_WINDOW * sizeof *total);
    for (size_t row = octet % every * RUN; row < rows; row += every * RUN) {
        uint32_t sums[WSIC_WINDOW] = {0};
        add_octet(state, octet, around, shape, row, wsic_min_size(RUN, rows - row), sums, 0);
        for (size_t k = 0; k < WSIC_WINDOW; k++)
            total[k] += (uint64_t)sums[k] * every;
    }
}

/* The classes of all octets; returns how many have moved. */
static size_t settle_octets(fit *state)
{
    const size_t codes = state->rows.count << state->octet_log;
    const size_t every = sampled_runs(state, codes, OCTET_SAMPLE);
    wsic_priced_axis *const line = &state->octets;
    uint64_t sums[WSIC_WINDOW];
    size_t moved = 0;

    for (size_t k = 0; k < line->count; k++) {
        int32_t around, best = line->classes[k];
        do {
            around = best;
            sum_octet(state, k, around, state->shape, every, sums);
            best = best_in_window(line, k, around, sums);
        } while (at_edge(best, around));
        moved += best != line->classes[k];
        line->classes[k] = (int16_t)best;
    }
    return moved;
}

static void widen(const uint32_t *sums, uint64_t factor, uint64_t *total)
{
    for (size_t k = 0; k < WSIC_WINDOW; k++)
        total[k] = sums[k] * factor;
}

/* A row that the window of its strip has moved to an edge. */
static int32_t follow_row(fit *state, size_t row, size_t every, uint64_t factor, int32_t best)
{
    wsic_priced_axis *const line = &state->rows;
    int32_t around;

    do {
        uint32_t sums[WSIC_WINDOW] = {0};
        uint64_t total[WSIC_WINDOW];
        around = best;
        line->classes[row] = (int16_t)around;
        for (size_t k = 0; k < state->octets.count; k += every)
            add_octet(state, k, state->octets.classes[k], state->shape, row, 1, sums, 0);
        widen(sums, factor, total);
        best = best_in_window(line, row, around, total);
    } while (at_edge(best, around));
    return best;
}

/* The classes of all rows, from one of so many octets; returns how many have moved. */
static size_t settle_rows(fit *state, size_t every, uint64_t factor)
{
    wsic_priced_axis *const line = &state->rows;
    uint32_t sums[STRIP][WSIC_WINDOW];
    uint64_t total[WSIC_WINDOW];
    size_t moved = 0;

    for (size_t first = 0; first < line->count; first += STRIP) {
        const size_t rows = wsic_min_size(STRIP, line->count - first);
        memset(sums, 0, sizeof sums);
        for (size_t k = 0; k < state->octets.count; k += every)
            add_octet(state, k, state->octets.classes[k], state->shape, first, rows, sums[0],
                      WSIC_WINDOW);
        for (size_t i = 0; i < rows; i++) {
            const int32_t before = line->classes[first + i];
            widen(sums[i], factor, total);
            int32_t best = best_in_window(line, first + i, before, total);
            if (at_edge(best, before))
                best = follow_row(state, first + i, every, factor, best);
            moved += best != before;
            line->classes[first + i] = (int16_t)best;
        }
    }
    return moved;
}

/* A few codes of each row, where there are many, to begin near the right class. They count as if
 * there were no others: a row that is as the others are stays. */
static void start_rows(fit *state)
{
    const size_t every = state->magnitudes->columns / ROW_START;

    if (every > 1)
        settle_rows(state, every, 1);
}

static size_t settle_all_rows(fit *state)
{
    const size_t every = wsic_div_up(state->magnitudes->columns, ROW_SAMPLE);
    return settle_rows(state, every, every);
}

/* Go over to the shape that suits a sample of the codes best. */
static void choose_shape(fit *state)
{
    const size_t codes = state->rows.count * state->magnitudes->columns;
    const size_t every = sampled_runs(state, codes, SHAPE_SAMPLE);
    uint64_t sums[WSIC_WINDOW];
    uint64_t least = UINT64_MAX;

    for (uint32_t shape = 0; shape < WSIC_MODEL_SHAPES; shape++) {
        uint64_t cost = 0;
        for (size_t k = 0; k < state->octets.count; k++) {
            sum_octet(state, k, state->octets.classes[k], shape, every, sums);
            cost += sums[WSIC_WINDOW_BELOW];
        }
        if (cost < least) {
            least = cost;
            state->shape = shape;
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
        return WSIC_CLASSES_PER_OCTAVE / 2 * log2(energy - 1.0 / 12);
    while (high - low > 1.0 / 16) {
        const double middle = (low + high) / 2;
        if (rounded_energy(middle) < energy)
            low = middle;
        else
            high = middle;
    }
    return high;
}

static void start_octets(fit *state, unsigned step)
{
    const wsic_magnitudes *const magnitudes = state->magnitudes;

    for (size_t k = 0; k < state->octets.count; k++) {
        const size_t first = k << state->octet_log;
        const size_t count =
            wsic_min_size((size_t)1 << state->octet_log, magnitudes->columns - first);
        double energy = 0;
        for (size_t j = first; j < first + count; j++) {
            const double deviation = magnitudes->deviation[state->order[j]];
            energy += deviation * deviation;
        }
        const double width = wsic_likely_width(sqrt(energy / (double)count));
        state->octets.classes[k] = (int16_t)lround(ldexp(width, -(int)step));
    }
}

/* One round over octets and rows; *settled when another one is not worth it. */
static void run_round(fit *state, bool first, bool fit_rows, bool *settled)
{
    const uint32_t shape = state->shape;
    size_t moved_rows = 0;

    wsic_class_prices_update(&state->octets);
    const size_t moved = settle_octets(state);
    if (fit_rows) {
        wsic_class_prices_update(&state->rows);
        if (first)
            start_rows(state);
        moved_rows = settle_all_rows(state);
    }
    choose_shape(state);
    *settled = moved_rows == 0 && state->shape == shape;
    if (moved + moved_rows < (state->rows.count + state->octets.count) / SETTLED)
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

wsic_status wsic_fit_classes(const wsic_env *env, const wsic_magnitudes *magnitudes,
                             const uint32_t *order, unsigned octet_log, unsigned step,
                             bool fit_rows, wsic_class_axis *rows, wsic_class_axis *octets,
                             uint32_t *shape)
{
    fit state = {.magnitudes = magnitudes,
                 .order = order,
                 .octet_log = octet_log,
                 .add_costs = wsic_cost_sums_kernel(wsic_kernels_chosen(env))};
    bool settled = false;

    const wsic_status status =
        wsic_class_costs_create(env, magnitudes->used, magnitudes->tokens, step, &state.costs);
    if (status != WSIC_OK)
        return status;
    state.rows = make_axis(rows, -(ROW_REACH >> step), ROW_REACH >> step);
    state.octets =
        make_axis(octets, state.costs.lowest - OCTET_MARGIN, state.costs.highest + OCTET_MARGIN);
    memset(rows->classes, 0, rows->count * sizeof *rows->classes);
    start_octets(&state, step);
    for (int round = 0; round < ROUNDS && !settled; round++)
        run_round(&state, round == 0, fit_rows, &settled);
    *shape = state.shape;
    wsic_class_costs_release(env, &state.costs);
    return WSIC_OK;
}
