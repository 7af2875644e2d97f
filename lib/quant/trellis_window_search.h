/* SPDX-License-Identifier: MIT */
/* The search through a window, compiled once for every instruction set: included by a file that
 * says with TARGET what its functions may use, and gives search_window() a name. All of them give
 * the same bits. Loops go over all states, so that they become vector code. */
#include <math.h>
#include <string.h>

#include "quant/choose.h"
#include "quant/trellis_levels.h"
#include "quant/trellis_window.h"

#define INLINE static inline TARGET

enum {
    LANES = 8,      /* loops over rows that are moved go over whole vectors of so many */
    PER_CELL = 8,   /* numbers in wsic_cell_costs: below, and 4 further above */
    PER_PATTERN = 4 /* levels in trellis_levels.h */
};

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

typedef struct search {
    const wsic_trellis_quantizer *quantizer;
    const wsic_window *window;
    size_t states;
    size_t rows; /* of the window, those ahead included */
    place places[WSIC_WINDOW_ROWS];
    /* Of the path to each state: its cost, and what its errors move every row by. */
    float *cost;
    float *fed; /* states x WSIC_WINDOW_ROWS */
    float *next_cost;
    float *next_fed;
    /* Of the row at work: what each path moves it by; costs and levels, from the base, of the two
     * branches that leave each state, by parity. */
    float *moved;
    float *branch_cost;    /* 2 x states */
    int32_t *branch_level; /* 2 x states */
    int32_t *codes;        /* rows x states: on the way to each state */
    uint8_t *before;       /* rows x states: where it came from */
    /* Of each state: where its codebook begins in tables; the branches that lead to it from the
     * states state / 2 and state / 2 + states / 2. */
    int32_t codebook[WSIC_TRELLIS_STATES];
    uint16_t from_low[WSIC_TRELLIS_STATES];
    uint16_t from_high[WSIC_TRELLIS_STATES];
} search;

enum {
    /* Bytes for each state. */
    PER_STATE = 2 * (WSIC_WINDOW_ROWS + 1) * sizeof(float) + 5 * sizeof(float) +
                WSIC_WINDOW_ROWS * (sizeof(int32_t) + 1)
};

/* The search and its arrays, in an order that keeps all aligned. */
INLINE search *lay_out(const wsic_trellis_quantizer *quantizer, const wsic_window *window,
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
    s->moved = s->next_cost + states;
    s->branch_cost = s->moved + states;
    s->branch_level = (int32_t *)(s->branch_cost + 2 * states);
    s->codes = s->branch_level + 2 * states;
    s->before = (uint8_t *)(s->codes + states * WSIC_WINDOW_ROWS);
    return s;
}

/* A branch of parity p stands at p · states + state. */
INLINE void find_ways(search *s)
{
    const wsic_trellis *const trellis = &s->quantizer->viterbi.trellis;
    const size_t states = s->states;

    for (size_t state = 0; state < states; state++) {
        const size_t low = state / 2, high = low + states / 2;
        s->codebook[state] = 2 * trellis->codebook[state];
        s->from_low[state] = (uint16_t)((trellis->next[low][1] == state) * states + low);
        s->from_high[state] = (uint16_t)((trellis->next[high][1] == state) * states + high);
    }
}

/* --- rows ------------------------------------------------------------------------------- */

INLINE place find_place(const search *s, size_t row)
{
    const wsic_window *const w = s->window;
    const double number = w->number[row];
    /* Where levels have an end, numbers beyond it are not far: their distance to the last level
     * counts. */
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

INLINE bool find_places(search *s)
{
    for (size_t i = 0; i < s->rows; i++) {
        if (!(fabs(s->window->number[i]) <= WSIC_TRELLIS_LARGEST))
            return false;
        s->places[i] = find_place(s, i);
    }
    return true;
}

/* --- branches --------------------------------------------------------------------------- */

INLINE int32_t least(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

/* Costs and levels of the branches of one parity. There is no branch in the loop: floats that are
 * not negative are compared by their bits, and choices are made by masks. */
INLINE void find_parity(const place *at, bool far, int32_t most, size_t states,
                        const float *restrict moved, const int32_t *restrict codebook,
                        int32_t parity, float *restrict cost, int32_t *restrict found)
{
    const float *const costs = (const float *)at->costs, *const levels_below = *wsic_levels_below;
    const float *const levels_above = *wsic_levels_above;
    const float number = at->number, weight = at->weight, sign = at->negative ? -1.0F : 1.0F;
    const int32_t magnitudes = INT32_MAX, limit = (int32_t)wsic_bits_of(0x1p20F);
    const int32_t against = far ? -(int32_t)at->negative : 0;

    for (size_t state = 0; state < states; state++) {
        const int32_t bits = (int32_t)wsic_bits_of(number + sign * moved[state]);
        const int32_t below_zero = bits >> 31;
        /* Far from zero a magnitude is counted, which is not below it. */
        const int32_t magnitude_bits = far ? bits & ~below_zero : bits & magnitudes;
        const int32_t negative = far ? against : below_zero;
        const float magnitude = wsic_number_of((uint32_t)magnitude_bits);
        const float limited = wsic_number_of((uint32_t)least(magnitude_bits, limit));
        const int32_t cell = least((int32_t)limited, most), base = cell & ~3;
        const float part = magnitude - (float)base;
        const int32_t which = codebook[state] + parity;
        const int32_t known = far ? WSIC_TRELLIS_CELLS : least(cell, WSIC_TRELLIS_CELLS);
        const int32_t pattern = (cell & 3) + (far || base > 0 ? 4 : 0);
        const int32_t of_cost = known * PER_CELL + which, of_level = pattern * PER_PATTERN + which;
        const float below = levels_below[of_level], above = levels_above[of_level];
        const float low = weight * (part - below) * (part - below) + costs[of_cost];
        const float high = weight * (part - above) * (part - above) + costs[of_cost + 4];
        /* There always is a level, above if not below. */
        const int32_t level = base + (int32_t)wsic_choose(low <= high, below, above);
        cost[state] = wsic_choose(low <= high, low, high);
        found[state] = (level ^ negative) - negative;
    }
}

INLINE void find_branches(const search *s, const place *at, bool far)
{
    const size_t states = s->states;
    const int32_t most = s->quantizer->most;

    find_parity(at, far, most, states, s->moved, s->codebook, 0, s->branch_cost, s->branch_level);
    find_parity(at, far, most, states, s->moved, s->codebook, 1, s->branch_cost + states,
                s->branch_level + states);
}

/* --- paths ------------------------------------------------------------------------------ */

INLINE void add_fed(const float *restrict fed, const float *restrict gain, float error,
                    size_t first, size_t end, float *restrict next)
{
    for (size_t i = first; i < end; i++)
        next[i] = fed[i] + gain[i] * error;
}

/* What the errors of the path from `from`, and that of the row, move the rows behind it by. */
INLINE void feed(const search *s, size_t row, size_t from, size_t to, float error)
{
    const size_t first = (row + 1) / LANES * LANES, end = (s->rows + LANES - 1) / LANES * LANES;

    add_fed(s->fed + from * WSIC_WINDOW_ROWS, s->window->gain + row * WSIC_WINDOW_ROWS, error,
            first, end, s->next_fed + to * WSIC_WINDOW_ROWS);
}

INLINE void extend(const search *s, size_t row, size_t state)
{
    const size_t low = state / 2, half = s->states / 2;
    const size_t from_low = s->from_low[state], from_high = s->from_high[state];
    const float cost_low = s->cost[low] + s->branch_cost[from_low];
    const float cost_high = s->cost[low + half] + s->branch_cost[from_high];
    const bool other = cost_high < cost_low;
    const size_t mask = -(size_t)other, from = low + (half & mask);
    const int32_t level = s->branch_level[(from_high & mask) | (from_low & ~mask)];

    s->next_cost[state] = wsic_choose(other, cost_high, cost_low);
    s->before[row * s->states + state] = (uint8_t)from;
    s->codes[row * s->states + state] = s->places[row].base + level;
    feed(s, row, from, state, s->places[row].rest - (float)s->window->back * (float)level);
}

INLINE void step(search *s, size_t row)
{
    const place *const at = &s->places[row];
    float *const cost = s->cost, *const fed = s->fed;

    for (size_t state = 0; state < s->states; state++)
        s->moved[state] = s->fed[state * WSIC_WINDOW_ROWS + row];
    if (at->far)
        find_branches(s, at, true);
    else
        find_branches(s, at, false);
    for (size_t state = 0; state < s->states; state++)
        extend(s, row, state);
    s->cost = s->next_cost;
    s->fed = s->next_fed;
    s->next_cost = cost;
    s->next_fed = fed;
}

/* Codes on the best path; returns the state behind the rows that are decided. */
INLINE unsigned trace(const search *s, int32_t *codes)
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

INLINE bool search_window(const wsic_trellis_quantizer *quantizer, const wsic_window *window,
                          void *workspace, int32_t *codes)
{
    search *const s = lay_out(quantizer, window, workspace);

    if (!find_places(s))
        return false;
    find_ways(s);
    for (size_t k = 0; k < s->states; k++)
        s->cost[k] = k == *window->trellis_state ? 0.0F : HUGE_VALF;
    memset(s->fed, 0, s->states * WSIC_WINDOW_ROWS * sizeof *s->fed);
    for (size_t row = 0; row < s->rows; row++)
        step(s, row);
    *window->trellis_state = (uint8_t)trace(s, codes);
    return true;
}
