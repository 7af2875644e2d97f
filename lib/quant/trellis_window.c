/* SPDX-License-Identifier: MIT */
#include "quant/trellis_window.h"

#include "quant/trellis_levels.h"

#include <math.h>
#include <string.h>

enum { LANES = 8 }; /* of vectors of what is fed back: whole ones are cheaper than their parts */

/* A row: its number, counted from a base that leaves little for single precision. Near zero the
 * base is 0; far from it levels cost no bits beside each other, and magnitudes are counted. */
typedef struct place {
    int32_t base;
    float number;
    float rest; /* the error of the base */
    float weight;
    bool far;
    bool negative; /* of one that is far */
    const wsic_cell_costs *costs;
} place;

typedef struct branch {
    float cost;
    int32_t level; /* from the base */
} branch;

typedef struct search {
    const wsic_trellis_quantizer *quantizer;
    const wsic_window *window;
    size_t states;
    size_t rows; /* of the window, those ahead included */
    place places[WSIC_WINDOW_ROWS];
    /* Of the path to each state: its cost, what its errors move every row by, and two branches. */
    float *cost;
    float *fed; /* states x WSIC_WINDOW_ROWS */
    branch *branches;
    float *next_cost;
    float *next_fed;
    int32_t *codes;  /* rows x states: on the way to each state */
    uint8_t *before; /* rows x states: where it came from */
} search;

size_t wsic_trellis_window_memory(unsigned kind)
{
    const size_t numbers = 2 * (WSIC_WINDOW_ROWS + 1) * sizeof(float) + 2 * sizeof(branch);
    const size_t history = WSIC_WINDOW_ROWS * (sizeof(int32_t) + 1);

    return ((size_t)1 << kind) * (numbers + history) + sizeof(search);
}

/* The search and its arrays, in an order that keeps all aligned. */
static search *lay_out(const wsic_trellis_quantizer *quantizer, const wsic_window *window,
                       void *workspace)
{
    const size_t states = quantizer->viterbi.trellis.states;
    search *const s = workspace;

    s->quantizer = quantizer;
    s->window = window;
    s->states = states;
    s->rows = window->count + window->ahead;
    s->fed = (float *)(s + 1);
    s->next_fed = s->fed + states * WSIC_WINDOW_ROWS;
    s->cost = s->next_fed + states * WSIC_WINDOW_ROWS;
    s->next_cost = s->cost + states;
    s->branches = (branch *)(s->next_cost + states);
    s->codes = (int32_t *)(s->branches + 2 * states);
    s->before = (uint8_t *)(s->codes + states * WSIC_WINDOW_ROWS);
    return s;
}

/* --- rows ------------------------------------------------------------------------------- */

static place find_place(const search *s, size_t row)
{
    const wsic_window *const w = s->window;
    const double number = w->number[row];
    /* Where levels end, a number beyond them sees how far it is from the last. */
    const bool far = fabs(number) > WSIC_TRELLIS_CELLS && s->quantizer->most == INT32_MAX;
    /* A multiple of 4 that what is fed back does not reach. */
    const double down = far ? 4.0 * floor(0.25 * fabs(number)) - WSIC_TRELLIS_CELLS / 2 : 0.0;
    const double base = number < 0.0 ? -down : down;

    return (place){
        .base = (int32_t)base,
        .number = (float)(far ? fabs(number) - down : number),
        .rest = (float)(w->own[row] - w->back * base),
        .weight = w->weight[row],
        .far = far,
        .negative = far && number < 0.0,
        .costs = s->quantizer->cost[wsic_width_entry(w->column_width + w->row_width[row])],
    };
}

static bool find_places(search *s)
{
    for (size_t i = 0; i < s->rows; i++) {
        if (!(fabs(s->window->number[i]) <= WSIC_TRELLIS_LARGEST))
            return false;
        s->places[i] = find_place(s, i);
    }
    return true;
}

/* --- branches --------------------------------------------------------------------------- */

/* The number as its path has moved it: a magnitude, and whether levels count against it. */
static inline float move(const place *at, float fed, bool *against)
{
    const float signed_number = at->negative ? at->number - fed : at->number + fed;

    if (at->far) {
        *against = at->negative;
        return signed_number > 0.0F ? signed_number : 0.0F;
    }
    *against = signed_number < 0.0F;
    return fabsf(signed_number);
}

static inline void find_branches(const search *s, const place *at, float fed, unsigned codebook,
                                 branch *branches)
{
    bool against;
    const float magnitude = move(at, fed, &against);
    const int32_t found = (int32_t)(magnitude < 0x1p20F ? magnitude : 0x1p20F);
    const int32_t cell = found < s->quantizer->most ? found : s->quantizer->most;
    const int32_t base = cell & ~3;
    const float part = magnitude - (float)base;
    const int32_t pattern = at->far || cell >= 4 ? 4 + (cell & 3) : cell;
    const bool beyond = at->far || cell > WSIC_TRELLIS_CELLS;
    const wsic_cell_costs *const costs = &at->costs[beyond ? WSIC_TRELLIS_CELLS : cell];

    for (unsigned k = 0; k < 2; k++) {
        const unsigned which = 2 * codebook + k;
        const float below = wsic_levels_below[pattern][which];
        const float above = wsic_levels_above[pattern][which];
        const float low = at->weight * (part - below) * (part - below) + costs->below[which];
        const float high = at->weight * (part - above) * (part - above) + costs->above[which];
        /* There always is a level, above if not below. */
        const int32_t level = base + (int32_t)(low <= high ? below : above);
        branches[k] = (branch){low <= high ? low : high, against ? -level : level};
    }
}

/* --- paths ------------------------------------------------------------------------------ */

static inline void add_fed(const float *restrict fed, const float *restrict gain, float error,
                           size_t first, size_t end, float *restrict next)
{
    for (size_t i = first; i < end; i++)
        next[i] = fed[i] + gain[i] * error;
}

/* What the errors of the path from `from`, and that of the row, move the rows behind it by. */
static inline void feed(const search *s, size_t row, size_t from, size_t to, float error)
{
    const size_t first = (row + 1) / LANES * LANES, end = (s->rows + LANES - 1) / LANES * LANES;

    add_fed(s->fed + from * WSIC_WINDOW_ROWS, s->window->gain + row * WSIC_WINDOW_ROWS, error,
            first, end, s->next_fed + to * WSIC_WINDOW_ROWS);
}

static inline void extend(const search *s, size_t row, size_t state)
{
    const wsic_trellis *const trellis = &s->quantizer->viterbi.trellis;
    const place *const at = &s->places[row];
    const size_t low = state / 2, high = low + s->states / 2;
    const branch *const from_low = &s->branches[2 * low + (trellis->next[low][1] == state)];
    const branch *const from_high = &s->branches[2 * high + (trellis->next[high][1] == state)];
    const bool other = s->cost[high] + from_high->cost < s->cost[low] + from_low->cost;
    const branch *const taken = other ? from_high : from_low;
    const size_t from = other ? high : low;

    s->next_cost[state] = s->cost[from] + taken->cost;
    s->before[row * s->states + state] = (uint8_t)from;
    s->codes[row * s->states + state] = at->base + taken->level;
    feed(s, row, from, state, at->rest - (float)s->window->back * (float)taken->level);
}

static void step(search *s, size_t row)
{
    const wsic_trellis *const trellis = &s->quantizer->viterbi.trellis;
    float *const cost = s->cost, *const fed = s->fed;

    for (size_t state = 0; state < s->states; state++)
        find_branches(s, &s->places[row], s->fed[state * WSIC_WINDOW_ROWS + row],
                      trellis->codebook[state], s->branches + 2 * state);
    for (size_t state = 0; state < s->states; state++)
        extend(s, row, state);
    s->cost = s->next_cost;
    s->fed = s->next_fed;
    s->next_cost = cost;
    s->next_fed = fed;
}

/* Codes on the best path; returns the state behind the rows that are decided. */
static unsigned trace(const search *s, int32_t *codes)
{
    unsigned state = wsic_viterbi_best(&s->quantizer->viterbi, s->cost), behind = state;

    for (size_t i = s->rows; i-- > 0;) {
        if (i + 1 == s->window->count)
            behind = state;
        codes[i] = s->codes[i * s->states + state];
        state = s->before[i * s->states + state];
    }
    return behind;
}

bool wsic_trellis_window(const void *state, const wsic_window *window, void *workspace,
                         int32_t *codes)
{
    search *const s = lay_out(state, window, workspace);

    if (!find_places(s))
        return false;
    for (size_t k = 0; k < s->states; k++)
        s->cost[k] = k == *window->trellis_state ? 0.0F : HUGE_VALF;
    memset(s->fed, 0, s->states * WSIC_WINDOW_ROWS * sizeof *s->fed);
    for (size_t row = 0; row < s->rows; row++)
        step(s, row);
    *window->trellis_state = (uint8_t)trace(s, codes);
    return true;
}
