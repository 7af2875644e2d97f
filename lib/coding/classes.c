/* SPDX-License-Identifier: MIT */
#include "coding/classes.h"

#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "coding/class_costs.h"
#include "coding/codes.h"

enum {
    VECTOR = 16, /* buckets that are multiplied at once */
    STRIP = 64,  /* rows that are looked at together */
    ROUNDS = 3,
    SETTLED = 32,        /* stop once fewer than one line in so many has moved */
    OCTET_MARGIN = 64,   /* how far an octet's class may lie outside of all models */
    ROW_REACH = 256,     /* largest magnitude of a row's class */
    PATIENCE = 3,        /* steps without a gain after which a search ends */
    RESIDUAL_REACH = 256 /* differences from the hint beyond this are not told apart */
};

/* Rows or octets while their classes are being chosen. */
typedef struct axis {
    size_t count;
    const int32_t *hint;
    bool hint_stays;
    int16_t *classes;
    int32_t lowest;
    int32_t highest;
    /* Price of a class: that of its difference to the hint, as they are now. */
    bool hinted;
    int64_t centre;
    uint32_t price[2 * RESIDUAL_REACH + 1];
} axis;

typedef struct fit {
    const wsic_env *env;
    const wsic_magnitudes *magnitudes;
    const uint32_t *order; /* of the columns */
    unsigned octet_log;    /* columns of an octet */
    wsic_class_costs costs;
    axis rows;
    axis octets;
    uint8_t *largest; /* bucket of each octet */
} fit;

/* --- the price of the classes themselves -------------------------------------- */

static int64_t residual(const axis *line, bool hinted, size_t index, int32_t class_number)
{
    return class_number - (hinted ? (int64_t)line->hint[index] : 0);
}

static size_t residual_bin(int64_t difference)
{
    const int64_t clamped = difference < -RESIDUAL_REACH  ? -RESIDUAL_REACH
                            : difference > RESIDUAL_REACH ? RESIDUAL_REACH
                                                          : difference;
    return (size_t)(clamped + RESIDUAL_REACH);
}

/* Prices by what occurs now, with a little for what does not; returns the sum. */
static uint64_t set_prices(axis *line, bool hinted)
{
    const double unseen = 0.25;
    uint32_t seen[2 * RESIDUAL_REACH + 1] = {0};
    int64_t sum = 0;
    uint64_t total = 0;

    for (size_t i = 0; i < line->count; i++)
        sum += residual(line, hinted, i, line->classes[i]);
    line->hinted = hinted;
    line->centre = llround((double)sum / (double)line->count);
    for (size_t i = 0; i < line->count; i++)
        seen[residual_bin(residual(line, hinted, i, line->classes[i]) - line->centre)]++;
    for (size_t bin = 0; bin < 2 * RESIDUAL_REACH + 1; bin++) {
        const double share = (seen[bin] + unseen) / ((double)line->count + 8 * unseen);
        line->price[bin] = (uint32_t)lround(-log2(fmin(share, 1)) * WSIC_COST_UNIT);
        total += (uint64_t)seen[bin] * line->price[bin];
    }
    return total;
}

/* The encoder will use the hint only where that is shorter; so do the prices. */
static void update_prices(axis *line)
{
    const uint64_t plain = line->hint_stays ? UINT64_MAX : set_prices(line, false);
    if (line->hint && set_prices(line, true) >= plain)
        set_prices(line, false);
}

static uint32_t price(const axis *line, size_t index, int32_t class_number)
{
    return line
        ->price[residual_bin(residual(line, line->hinted, index, class_number) - line->centre)];
}

/* --- choosing ------------------------------------------------------------------- */

/* Which classes of the other axis occur, and where their part of a line's histogram is: the buckets
 * that may be seen there, from at[k] on for the k-th class from the lowest. */
typedef struct counterpart {
    int32_t lowest;
    size_t range;
    uint32_t *at;     /* of each class, and behind the last one */
    uint32_t *offset; /* by index on the other axis */
    size_t every;     /* of so many codes one is looked at: less than 2^15 of a line */
} counterpart;

static void release_counterpart(const fit *state, counterpart *made)
{
    wsic_free(state->env, made->offset);
    wsic_free(state->env, made->at);
}

/* Buckets that are counted for a largest one: whole vectors. */
static uint32_t padded(uint32_t largest)
{
    return (largest / VECTOR + 1) * VECTOR;
}

/* `largest` says which bucket may be seen at each index of the other axis; NULL: any. */
static void lay_out_histogram(const fit *state, const axis *other, const uint8_t *largest,
                              counterpart *made)
{
    memset(made->at, 0, (made->range + 1) * sizeof *made->at);
    for (size_t i = 0; i < other->count; i++) {
        uint32_t *const length = &made->at[other->classes[i] - made->lowest + 1];
        const uint32_t wanted = padded(largest ? largest[i] : state->magnitudes->used - 1);
        *length = wanted > *length ? wanted : *length;
    }
    for (size_t k = 0; k < made->range; k++)
        made->at[k + 1] += made->at[k];
    for (size_t i = 0; i < other->count; i++)
        made->offset[i] = made->at[other->classes[i] - made->lowest];
}

static wsic_status make_counterpart(const fit *state, const axis *other, size_t codes,
                                    const uint8_t *largest, counterpart *made)
{
    int32_t lowest = INT16_MAX;
    int32_t highest = INT16_MIN;
    wsic_status status;

    for (size_t i = 0; i < other->count; i++) {
        lowest = other->classes[i] < lowest ? other->classes[i] : lowest;
        highest = other->classes[i] > highest ? other->classes[i] : highest;
    }
    *made = (counterpart){.lowest = lowest,
                          .range = (size_t)(highest - lowest) + 1,
                          .every = wsic_div_up(codes, INT16_MAX)};
    made->at = wsic_alloc(state->env, made->range + 1, sizeof *made->at, &status);
    if (made->at)
        made->offset = wsic_alloc(state->env, other->count, sizeof *made->offset, &status);
    if (!made->offset) {
        release_counterpart(state, made);
        return status;
    }
    lay_out_histogram(state, other, largest, made);
    return WSIC_OK;
}

/* Products of what processors multiply by the dozen; their sum over a line fits. */
static inline int32_t sum_costs(const int16_t *counts, const int16_t *costs, uint32_t buckets)
{
    int32_t cost = 0;

    /* Whole vectors: compilers need not know what is left. */
    for (uint32_t bucket = 0; bucket < buckets / VECTOR * VECTOR; bucket++)
        cost += (int32_t)counts[bucket] * costs[bucket];
    return cost;
}

/* At most `most` buckets of each class hold anything. */
static uint64_t line_cost(fit *state, const counterpart *other, const int16_t *histogram,
                          uint32_t most, int32_t class_number)
{
    uint64_t cost = 0;

    for (size_t k = 0; k < other->range; k++) {
        const int16_t *const costs =
            wsic_class_cost_row(&state->costs, class_number + other->lowest + (int32_t)k);
        const uint32_t length = other->at[k + 1] - other->at[k];
        cost += (uint64_t)sum_costs(histogram + other->at[k], costs, length < most ? length : most);
    }
    return cost * other->every;
}

/* Walk downhill from the present class, over bumps of one step: prices have some. */
static int32_t best_class(fit *state, const axis *line, const counterpart *other, size_t index,
                          const int16_t *histogram, uint32_t most)
{
    const int32_t from = line->classes[index];
    uint64_t least = line_cost(state, other, histogram, most, from) + price(line, index, from);
    int32_t best = from;

    for (int32_t direction = -1; direction <= 1 && best == from; direction += 2) {
        int worse = 0;
        for (int32_t tried = from + direction;
             worse < PATIENCE && tried >= line->lowest && tried <= line->highest;
             tried += direction) {
            const uint64_t cost =
                line_cost(state, other, histogram, most, tried) + price(line, index, tried);
            worse = cost < least ? 0 : worse + 1;
            if (cost < least) {
                least = cost;
                best = tried;
            }
        }
    }
    return best;
}

/* Move one line to its best class and add it to the histograms of the classes. */
static size_t settle(fit *state, axis *line, const counterpart *other, size_t index,
                     const int16_t *histogram, uint32_t most)
{
    const int32_t best = best_class(state, line, other, index, histogram, most);
    const bool moved = best != line->classes[index];

    line->classes[index] = (int16_t)best;
    for (size_t k = 0; k < other->range; k++)
        wsic_class_costs_count(&state->costs, best + other->lowest + (int32_t)k,
                               histogram + other->at[k], other->at[k + 1] - other->at[k]);
    return moved;
}

static wsic_status make_histogram(const fit *state, const counterpart *other, size_t lines,
                                  int16_t **histogram, size_t *length)
{
    wsic_status status = WSIC_ERROR_TOO_LARGE;

    *length = other->at[other->range];
    *histogram = wsic_alloc(state->env, *length * lines, sizeof **histogram, &status);
    return *histogram ? WSIC_OK : status;
}

static void count_octet(const fit *state, const counterpart *other, size_t octet,
                        int16_t *histogram)
{
    const wsic_magnitudes *const magnitudes = state->magnitudes;
    const size_t end = wsic_min_size((octet + 1) << state->octet_log, magnitudes->columns);

    for (size_t j = octet << state->octet_log; j < end; j++) {
        const uint8_t *const buckets = magnitudes->buckets + state->order[j] * magnitudes->rows;
        for (size_t i = j % other->every; i < magnitudes->rows; i += other->every)
            histogram[other->offset[i] + buckets[i]]++;
    }
}

static wsic_status settle_octets(fit *state, size_t *moved)
{
    counterpart other;
    int16_t *histogram;
    size_t length;

    wsic_status status =
        make_counterpart(state, &state->rows, state->rows.count << state->octet_log, NULL, &other);
    if (status != WSIC_OK)
        return status;
    status = make_histogram(state, &other, 1, &histogram, &length);
    for (size_t k = 0; status == WSIC_OK && k < state->octets.count; k++) {
        memset(histogram, 0, length * sizeof *histogram);
        count_octet(state, &other, k, histogram);
        *moved += settle(state, &state->octets, &other, k, histogram, padded(state->largest[k]));
    }
    if (status == WSIC_OK)
        wsic_free(state->env, histogram);
    release_counterpart(state, &other);
    return status;
}

/* A strip of rows at a time: going down the columns touches each cache line once. */
static void count_strip(const fit *state, const counterpart *other, size_t first, size_t rows,
                        int16_t *histogram, size_t length)
{
    const wsic_magnitudes *const magnitudes = state->magnitudes;

    memset(histogram, 0, rows * length * sizeof *histogram);
    for (size_t j = 0; j < magnitudes->columns; j += other->every) {
        const uint8_t *const buckets =
            magnitudes->buckets + state->order[j] * magnitudes->rows + first;
        int16_t *const part = histogram + other->offset[j >> state->octet_log];
        for (size_t i = 0; i < rows; i++)
            part[i * length + buckets[i]]++;
    }
}

static wsic_status settle_rows(fit *state, size_t *moved)
{
    const size_t rows = state->magnitudes->rows;
    counterpart other;
    int16_t *histogram;
    size_t length;

    wsic_status status =
        make_counterpart(state, &state->octets, state->magnitudes->columns, state->largest, &other);
    if (status != WSIC_OK)
        return status;
    status = make_histogram(state, &other, STRIP, &histogram, &length);
    for (size_t first = 0; status == WSIC_OK && first < rows; first += STRIP) {
        const size_t strip = wsic_min_size(rows - first, STRIP);
        count_strip(state, &other, first, strip, histogram, length);
        for (size_t i = 0; i < strip; i++)
            *moved +=
                settle(state, &state->rows, &other, first + i, histogram + i * length, UINT32_MAX);
    }
    if (status == WSIC_OK)
        wsic_free(state->env, histogram);
    release_counterpart(state, &other);
    return status;
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

static void find_largest(fit *state)
{
    const wsic_magnitudes *const magnitudes = state->magnitudes;

    memset(state->largest, 0, state->octets.count);
    for (size_t j = 0; j < magnitudes->columns; j++) {
        uint8_t *const largest = &state->largest[j >> state->octet_log];
        const uint8_t of_column = magnitudes->largest[state->order[j]];
        *largest = of_column > *largest ? of_column : *largest;
    }
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
static wsic_status run_round(fit *state, bool fit_rows, bool *settled)
{
    const uint32_t shape = state->costs.shape;
    size_t moved = 0;
    size_t moved_rows = 0;

    update_prices(&state->octets);
    wsic_class_costs_restart(&state->costs);
    wsic_status status = settle_octets(state, &moved);
    if (status == WSIC_OK && fit_rows) {
        update_prices(&state->rows);
        wsic_class_costs_restart(&state->costs);
        status = settle_rows(state, &moved_rows);
    }
    if (status != WSIC_OK)
        return status;
    wsic_class_costs_choose_shape(&state->costs);
    *settled = moved_rows == 0 && state->costs.shape == shape;
    if (moved + moved_rows < (state->rows.count + state->octets.count) / SETTLED)
        *settled = true;
    return WSIC_OK;
}

wsic_status wsic_fit_classes(const wsic_env *env, const wsic_magnitudes *magnitudes,
                             const uint32_t *order, unsigned octet_log, unsigned step,
                             bool fit_rows, wsic_class_axis *rows, wsic_class_axis *octets,
                             uint32_t *shape)
{
    fit state = {.env = env, .magnitudes = magnitudes, .order = order, .octet_log = octet_log};
    bool settled = false;

    wsic_status status = wsic_class_costs_create(env, padded(magnitudes->used - 1),
                                                 magnitudes->tokens, step, &state.costs);
    if (status != WSIC_OK)
        return status;
    state.rows = (axis){.count = rows->count,
                        .hint = rows->hint,
                        .hint_stays = rows->hint_stays,
                        .classes = rows->classes,
                        .lowest = -(ROW_REACH >> step),
                        .highest = ROW_REACH >> step};
    state.octets = (axis){.count = octets->count,
                          .hint = octets->hint,
                          .hint_stays = octets->hint_stays,
                          .classes = octets->classes,
                          .lowest = state.costs.lowest - OCTET_MARGIN,
                          .highest = state.costs.highest + OCTET_MARGIN};
    memset(rows->classes, 0, rows->count * sizeof *rows->classes);
    start_octets(&state, step);
    state.largest = wsic_alloc(env, octets->count, 1, &status);
    if (state.largest) {
        find_largest(&state);
        for (int round = 0; status == WSIC_OK && round < ROUNDS && !settled; round++)
            status = run_round(&state, fit_rows, &settled);
    }
    *shape = state.costs.shape;
    wsic_free(env, state.largest);
    wsic_class_costs_release(env, &state.costs);
    return status;
}
