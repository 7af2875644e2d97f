/* SPDX-License-Identifier: MIT */
/* Entropy-coded trellis quantization: of all paths through the trellis the one of
 * least Σ (y - z)² + λ bits(z). docs/algorithm.md, section "Trellis". */
#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "quant/rate_model.h"
#include "quant/viterbi.h"

enum {
    CELLS = 64,      /* beyond, the bits do not matter */
    SEGMENT = 2048,  /* rows that are searched at once */
    LOOKAHEAD = 128, /* rows of a segment that the next one decides again */
    SAMPLES = 4096,
    ROUNDS = 3
};

#define LARGEST 0x1p29 /* leaves room to the levels above */

/* A branch is a codebook and a parity, and takes every fourth level. Of a number between
 * `cell` and `cell` + 1 each branch has one level below and one above: here relative to the
 * largest multiple of 4 that is not above the number. From cell 4 on that repeats itself;
 * before it a level of the other sign would never be chosen. */
#define NONE HUGE_VALF
static const float levels_below[8][4] = {
    {0, NONE, 0, NONE}, {0, NONE, 0, 1}, {0, 2, 0, 1},  {0, 2, 3, 1},
    {0, -2, -1, -3},    {0, -2, -1, 1},  {0, 2, -1, 1}, {0, 2, 3, 1},
};
static const float levels_above[8][4] = {
    {4, 2, 3, 1}, {4, 2, 3, 5}, {4, 6, 3, 5}, {4, 6, 7, 5},
    {4, 2, 3, 1}, {4, 2, 3, 5}, {4, 6, 3, 5}, {4, 6, 7, 5},
};

/* λ bits of those levels. */
typedef struct cell_costs {
    float below[4];
    float above[4];
} cell_costs;

typedef struct trellis_quantizer {
    double lambda;  /* in units of the grid's spacing², to the bit */
    size_t segment; /* rows that are searched at once, at most */
    wsic_viterbi viterbi;
    cell_costs zero; /* of the number 0, which has one level */
    cell_costs cost[WSIC_WIDTHS][CELLS + 1];
    wsic_rate_model model;
} trellis_quantizer;

/* --- one number -------------------------------------------------------------------- */

/* Where a number lies. */
typedef struct target {
    float part;   /* magnitude less base */
    int32_t base; /* multiple of 4 */
    bool negative;
    uint8_t pattern;
    const cell_costs *costs;
} target;

static inline target locate(const trellis_quantizer *q, size_t width, double number)
{
    const double magnitude = fabs(number);
    const int32_t base = (int32_t)(0.25 * magnitude) * 4;
    const float rounded = (float)(magnitude - base);
    const float part = rounded < 4.0F ? rounded : 0x1.fffffep1F;
    const int32_t cell = base + (int32_t)part;

    return (target){
        .part = part,
        .base = base,
        .negative = number < 0.0,
        .pattern = (uint8_t)(cell < 4 ? cell : 4 + cell % 4),
        .costs = magnitude == 0.0 ? &q->zero : &q->cost[width][cell < CELLS ? cell : CELLS],
    };
}

static inline float branch_cost(float part, float level, float rate)
{
    return (part - level) * (part - level) + rate;
}

static inline void find_branches(const target *at, wsic_branches *branches)
{
    const float *const below = levels_below[at->pattern], *const above = levels_above[at->pattern];

    for (int branch = 0; branch < 4; branch++) {
        const float low = branch_cost(at->part, below[branch], at->costs->below[branch]);
        const float high = branch_cost(at->part, above[branch], at->costs->above[branch]);
        branches->cost[branch] = high < low ? high : low;
    }
}

static int32_t choose_level(const target *at, unsigned branch)
{
    const float below = levels_below[at->pattern][branch];
    const float above = levels_above[at->pattern][branch];
    const float low = branch_cost(at->part, below, at->costs->below[branch]);
    const float high = branch_cost(at->part, above, at->costs->above[branch]);

    const int32_t level = at->base + (int32_t)(high < low ? above : below);
    return at->negative ? -level : level;
}

/* --- a stretch --------------------------------------------------------------------- */

/* What a call works on; in its workspace. */
typedef struct search {
    float *metrics;
    wsic_branches *branches;
    target *targets;
} search;

/* In an order that keeps everything aligned. */
static search lay_out(const trellis_quantizer *q, void *workspace)
{
    search s;

    s.branches = workspace;
    s.targets = (target *)(s.branches + q->segment);
    s.metrics = (float *)(s.targets + q->segment);
    return s;
}

static size_t workspace_size(size_t segment, size_t states)
{
    const size_t row = sizeof(wsic_branches) + sizeof(target);
    return segment * row + (segment + 1) * states * sizeof(float);
}

static bool prepare(const trellis_quantizer *q, const wsic_stretch *stretch, int column_width,
                    size_t first, size_t count, const search *s)
{
    for (size_t i = 0; i < count; i++) {
        const double number = stretch->y[first + i] / stretch->step;
        const int row_width = stretch->row_width ? stretch->row_width[first + i] : 0;
        if (!(fabs(number) <= LARGEST))
            return false;
        s->targets[i] = locate(q, wsic_width_entry(column_width + row_width), number);
        find_branches(&s->targets[i], &s->branches[i]);
    }
    return true;
}

/* Follow the best path back. Codes of all rows; returns the state behind the first `kept`. */
static unsigned trace(const trellis_quantizer *q, const search *s, size_t count, size_t kept,
                      int32_t *codes)
{
    const size_t states = q->viterbi.trellis.states;
    unsigned state = wsic_viterbi_best(&q->viterbi, s->metrics + count * states);
    unsigned behind = state;

    for (size_t i = count; i-- > 0;) {
        unsigned branch;
        if (i + 1 == kept)
            behind = state;
        state = wsic_viterbi_back(&q->viterbi, &s->branches[i], s->metrics + i * states, state,
                                  &branch);
        codes[i] = choose_level(&s->targets[i], branch);
    }
    return behind;
}

static bool quantize(const void *state, const wsic_stretch *stretch, void *workspace,
                     int32_t *codes)
{
    const trellis_quantizer *const q = state;
    const int column_width =
        stretch->column_width ? *stretch->column_width : wsic_stretch_width(stretch);
    const search s = lay_out(q, workspace);
    unsigned trellis_state = stretch->trellis_state ? *stretch->trellis_state : 0;
    size_t kept;

    for (size_t first = 0; first < stretch->count; first += kept) {
        const size_t own = stretch->count - first, left = own + stretch->ahead;
        const size_t count = wsic_min_size(left, q->segment);
        kept = count == left ? own : wsic_min_size(own, count - LOOKAHEAD);
        if (!prepare(q, stretch, column_width, first, count, &s))
            return false;
        wsic_viterbi_forward(&q->viterbi, trellis_state, s.branches, count, s.metrics);
        trellis_state = trace(q, &s, count, kept, codes + first);
    }
    if (stretch->trellis_state)
        *stretch->trellis_state = (uint8_t)trellis_state;
    return true;
}

/* --- rows that feed back ----------------------------------------------------------- */

typedef struct survivors {
    float *metric[2]; /* states */
    float *fed[2];    /* states x WSIC_WINDOW: what the errors of a path move each row by */
    uint8_t *before;  /* (count + ahead) x states */
    int32_t *level;   /* likewise */
} survivors;

typedef struct choice {
    float cost;
    int32_t level; /* relative */
} choice;

typedef struct place {
    double base;   /* levels and numbers are counted from here */
    float number;
    float rest;    /* error - back * relative level */
    float weight;
    bool far, negative;
    size_t width;
    bool zero;
} place;

static inline void choose(const trellis_quantizer *q, const place *at, float fed, unsigned codebook, choice *out)
{
    float x = at->number + fed;
    const bool negative = at->far ? false : x < 0.0F;
    if (at->far)
        x = fmaxf(at->negative ? at->number - fed : x, 0.0F);
    const float part_all = fabsf(x);
    int32_t cell = (int32_t)fminf(part_all, 1e6F);
    const int32_t base = cell & ~3;
    const float part = part_all - (float)base;
    const int pattern = at->far || cell >= 4 ? 4 + (cell & 3) : cell;
    const cell_costs *const costs = at->zero ? &q->zero : &q->cost[at->width][at->far || cell > CELLS ? CELLS : cell];
    for (unsigned p = 0; p < 2; p++) {
        const unsigned branch = 2 * codebook + p;
        const float b = levels_below[pattern][branch], a = levels_above[pattern][branch];
        const float low = at->weight * (part - b) * (part - b) + costs->below[branch];
        const float high = at->weight * (part - a) * (part - a) + costs->above[branch];
        const int32_t l = base + (int32_t)(high < low ? a : b);
        out[p].cost = high < low ? high : low;
        out[p].level = negative ? -l : l;
    }
}

static bool quantize_window(const void *state, const wsic_window *w, void *workspace, int32_t *codes)
{
    const trellis_quantizer *const q = state;
    const wsic_trellis *const t = &q->viterbi.trellis;
    const size_t states = t->states, m = w->count + w->ahead;
    float *mem = workspace;
    float *metric = mem, *other = mem + states;
    float *fed = mem + 2 * states, *fed_other = fed + states * WSIC_WINDOW;
    choice *choices = (choice *)(fed_other + states * WSIC_WINDOW);
    int32_t *level = (int32_t *)(choices + 2 * states);
    uint8_t *before = (uint8_t *)(level + WSIC_WINDOW * states);
    place places[WSIC_WINDOW];

    for (size_t i = 0; i < m; i++) {
        const double number = w->number[i];
        if (!(fabs(number) <= LARGEST))
            return false;
        place *const at = &places[i];
        at->negative = number < 0.0;
        at->far = fabs(number) > CELLS;
        at->base = 0.0;
        at->number = (float)number;
        if (at->far) {
            const double down = (floor(0.25 * fabs(number)) - 2.0) * 4.0;
            at->base = at->negative ? -down : down;
            at->number = (float)(fabs(number) - down);
        }
        at->rest = (float)(w->own[i] - w->back * at->base);
        at->weight = w->weight[i];
        at->width = wsic_width_entry(w->column_width + w->row_width[i]);
        at->zero = number == 0.0 && w->own[i] == 0.0;
    }
    for (size_t s = 0; s < states; s++)
        metric[s] = s == *w->trellis_state ? 0.0F : HUGE_VALF;
    memset(fed, 0, states * WSIC_WINDOW * sizeof *fed);
    for (size_t i = 0; i < m; i++) {
        const place *const at = &places[i];
        const float *const gain = w->gain + i * WSIC_WINDOW;
        for (size_t s = 0; s < states; s++)
            if (metric[s] < HUGE_VALF)
                choose(q, at, fed[s * WSIC_WINDOW + i], t->codebook[s], choices + 2 * s);
        for (size_t n = 0; n < states; n++) {
            const size_t low = n / 2, high = low + states / 2;
            const unsigned pl = t->next[low][1] == n, ph = t->next[high][1] == n;
            const float cl = metric[low] < HUGE_VALF ? metric[low] + choices[2 * low + pl].cost : HUGE_VALF;
            const float ch = metric[high] < HUGE_VALF ? metric[high] + choices[2 * high + ph].cost : HUGE_VALF;
            const size_t from = ch < cl ? high : low;
            const choice *const c = &choices[2 * from + (ch < cl ? ph : pl)];
            other[n] = ch < cl ? ch : cl;
            before[i * states + n] = (uint8_t)from;
            if (other[n] == HUGE_VALF)
                continue;
            const int32_t l = at->far && at->negative ? -c->level : c->level;
            level[i * states + n] = (int32_t)at->base + l;
            const float error = at->rest - (float)w->back * (float)l;
            const float *const old = fed + from * WSIC_WINDOW;
            float *const new = fed_other + n * WSIC_WINDOW;
            for (size_t j = (i + 1) & ~(size_t)7; j < ((m + 7) & ~(size_t)7); j++)
                new[j] = old[j] + gain[j] * error;
        }
        float *swap = metric; metric = other; other = swap;
        swap = fed; fed = fed_other; fed_other = swap;
    }
    unsigned at = wsic_viterbi_best(&q->viterbi, metric), behind = at;
    for (size_t i = m; i-- > 0;) {
        if (i + 1 == w->count)
            behind = at;
        if (i < w->count)
            codes[i] = level[i * states + at];
        at = before[i * states + at];
    }
    *w->trellis_state = (uint8_t)behind;
    return true;
}

/* --- the rate model ------------------------------------------------------------------ */

static float level_cost(const trellis_quantizer *q, size_t width, unsigned branch, float level)
{
    const unsigned codebook = branch / 2;
    const int32_t index = ((int32_t)level + (codebook == 1 && level > 0.0F)) / 2;

    return (float)(q->lambda * q->model.bits[width][codebook][wsic_rate_magnitude(index)]);
}

static void fill_costs(trellis_quantizer *q, size_t width)
{
    for (int cell = 0; cell <= CELLS; cell++) {
        const int pattern = cell < 4 ? cell : 4 + cell % 4;
        const float base = (float)(cell - cell % 4);
        for (unsigned branch = 0; branch < 4; branch++) {
            const float below = base + levels_below[pattern][branch];
            const float above = base + levels_above[pattern][branch];
            cell_costs *const costs = &q->cost[width][cell];
            costs->below[branch] = below == NONE ? 0.0F : level_cost(q, width, branch, below);
            costs->above[branch] =
                cell == CELLS ? costs->below[branch] : level_cost(q, width, branch, above);
        }
    }
}

static void count_codes(const trellis_quantizer *q, const int32_t *codes, int32_t *tokens,
                        wsic_rate_counts *counts)
{
    wsic_trellis_tokens(&q->viterbi.trellis, codes, NULL, SAMPLES, tokens);
    for (size_t i = 0; i < SAMPLES; i++) {
        const int32_t index = wsic_token_index(tokens[i]);
        counts->seen[wsic_token_codebook(tokens[i])][wsic_rate_magnitude(index)]++;
    }
}

/* Buffers of the learning. */
typedef struct lesson {
    double samples[SAMPLES];
    double scaled[SAMPLES];
    int32_t codes[SAMPLES];
    int32_t tokens[SAMPLES];
    void *workspace;
} lesson;

static void learn(trellis_quantizer *q, size_t width, lesson *l)
{
    const double deviation = exp2(0.25 * ((double)width + WSIC_WIDTH_LOWEST));
    const wsic_stretch stretch = {.y = l->scaled, .count = SAMPLES, .step = 1.0};

    for (size_t i = 0; i < SAMPLES; i++)
        l->scaled[i] = l->samples[i] * deviation;
    for (int round = 0; round < ROUNDS; round++) {
        wsic_rate_counts counts = {{{0}}};
        quantize(q, &stretch, l->workspace, l->codes);
        count_codes(q, l->codes, l->tokens, &counts);
        wsic_rate_model_learn(&q->model, width, &counts);
        fill_costs(q, width);
    }
}

static wsic_status learn_all(const wsic_env *env, trellis_quantizer *q)
{
    wsic_status status = WSIC_OK;

    q->segment = SEGMENT;
    lesson *const l = wsic_alloc(env, 1, sizeof *l, &status);
    if (!l)
        return status;
    l->workspace = wsic_alloc(env, workspace_size(SEGMENT, q->viterbi.trellis.states), 1, &status);
    if (l->workspace) {
        wsic_rate_samples(l->samples, SAMPLES);
        for (size_t width = 0; width < WSIC_WIDTHS; width++) {
            fill_costs(q, width);
            learn(q, width, l);
        }
    }
    wsic_free(env, l->workspace);
    wsic_free(env, l);
    return status;
}

wsic_status wsic_quantizer_create_trellis(const wsic_env *env, const wsic_quantizer_choice *choice,
                                          wsic_quantizer *quantizer)
{
    /* Spacing 1 of the grid is c = 2. */
    const double lambda = choice->lambda * 2.0 * log(2.0) * 4.0 / 12.0;
    const cell_costs zero = {{0.0F, NONE, 0.0F, NONE}, {NONE, NONE, NONE, NONE}};
    wsic_status status = WSIC_OK;
    trellis_quantizer *const q = wsic_alloc(env, 1, sizeof *q, &status);

    if (!q)
        return status;
    q->lambda = lambda;
    q->zero = zero;
    wsic_viterbi_make(&q->viterbi, choice->kind);
    wsic_rate_model_start(&q->model, 2);
    status = learn_all(env, q);
    if (status != WSIC_OK) {
        wsic_free(env, q);
        return status;
    }
    q->segment = wsic_min_size(choice->restart_rows, SEGMENT);
    *quantizer = (wsic_quantizer){
        .name = "trellis",
        .kind = choice->kind,
        .restart_rows = choice->restart_rows,
        .workspace = workspace_size(q->segment, q->viterbi.trellis.states),
        .largest = LARGEST,
        .state = q,
        .quantize = quantize,
        .quantize_window = quantize_window,
        .window_workspace = q->viterbi.trellis.states * (2 * 4 + 2 * 4 * WSIC_WINDOW + 16 + 5 * WSIC_WINDOW),
    };
    return WSIC_OK;
}

double wsic_trellis_memory(const wsic_quantizer_choice *choice, size_t rows)
{
    const size_t states = (size_t)1 << choice->kind;
    const size_t segment = wsic_min_size(choice->restart_rows, SEGMENT);
    const double tiles = (double)wsic_div_up(rows, choice->restart_rows);
    const double learning = (double)(sizeof(lesson) + workspace_size(SEGMENT, states));
    const double working = tiles * (double)(workspace_size(segment, states) + 64);

    return (double)sizeof(trellis_quantizer) + learning + working;
}
