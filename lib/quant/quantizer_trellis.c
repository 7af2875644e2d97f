/* SPDX-License-Identifier: MIT */
/* Entropy-coded trellis quantization: of all paths through the trellis the one of
 * least Σ (y - z)² + λ bits(z). docs/algorithm.md, section "Trellis". */
#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "base/cpu.h"
#include "quant/trellis_levels.h"
#include "quant/trellis_window.h"

enum {
    SEGMENT = 2048,  /* rows that are searched at once */
    LOOKAHEAD = 128, /* rows of a segment that the next one decides again */
    SAMPLES = 4096,
    ROUNDS = 3
};

#define NONE HUGE_VALF

/* --- one number -------------------------------------------------------------------- */

/* Where a number lies. */
typedef struct target {
    float part;   /* magnitude less base */
    int32_t base; /* multiple of 4 */
    bool negative;
    uint8_t pattern;
    const wsic_cell_costs *costs;
} target;

static inline target locate(const wsic_trellis_quantizer *q, size_t width, double number)
{
    const double magnitude = fabs(number);
    const bool beyond = magnitude > q->most;
    const int32_t base = beyond ? q->most - 3 : (int32_t)(0.25 * magnitude) * 4;
    const float rounded = (float)(magnitude - base);
    const float part = rounded < 4.0F || beyond ? rounded : 0x1.fffffep1F;
    const int32_t cell = beyond ? q->most : base + (int32_t)part;

    return (target){
        .part = part,
        .base = base,
        .negative = number < 0.0,
        .pattern = (uint8_t)(cell < 4 ? cell : 4 + cell % 4),
        .costs = magnitude == 0.0
                     ? &q->zero
                     : &q->cost[width][cell < WSIC_TRELLIS_CELLS ? cell : WSIC_TRELLIS_CELLS],
    };
}

static inline float branch_cost(float part, float level, float rate)
{
    return (part - level) * (part - level) + rate;
}

static inline void find_branches(const target *at, wsic_branches *branches)
{
    const float *const below = wsic_levels_below[at->pattern], *const above =
                                                                   wsic_levels_above[at->pattern];

    for (int branch = 0; branch < 4; branch++) {
        const float low = branch_cost(at->part, below[branch], at->costs->below[branch]);
        const float high = branch_cost(at->part, above[branch], at->costs->above[branch]);
        branches->cost[branch] = high < low ? high : low;
    }
}

static int32_t choose_level(const target *at, unsigned branch)
{
    const float below = wsic_levels_below[at->pattern][branch];
    const float above = wsic_levels_above[at->pattern][branch];
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
static search lay_out(const wsic_trellis_quantizer *q, void *workspace)
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

static bool prepare(const wsic_trellis_quantizer *q, const wsic_stretch *stretch, int column_width,
                    size_t first, size_t count, const search *s)
{
    for (size_t i = 0; i < count; i++) {
        const double number = stretch->y[first + i] / stretch->step;
        const int row_width = stretch->row_width ? stretch->row_width[first + i] : 0;
        if (!(fabs(number) <= WSIC_TRELLIS_LARGEST))
            return false;
        s->targets[i] = locate(q, wsic_width_entry(column_width + row_width), number);
        find_branches(&s->targets[i], &s->branches[i]);
    }
    return true;
}

/* Follow the best path back. Codes of the first `kept` rows; returns the state behind
 * them. */
static unsigned trace(const wsic_trellis_quantizer *q, const search *s, size_t count, size_t kept,
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
        if (i < kept)
            codes[i] = choose_level(&s->targets[i], branch);
    }
    return behind;
}

static bool quantize(const void *state, const wsic_stretch *stretch, void *workspace,
                     int32_t *codes)
{
    const wsic_trellis_quantizer *const q = state;
    const int column_width = wsic_stretch_width(stretch);
    const search s = lay_out(q, workspace);
    unsigned trellis_state = 0;
    size_t kept;

    for (size_t first = 0; first < stretch->count; first += kept) {
        const size_t left = stretch->count - first;
        const size_t count = wsic_min_size(left, q->segment);
        kept = count == left ? count : count - LOOKAHEAD;
        if (!prepare(q, stretch, column_width, first, count, &s))
            return false;
        wsic_viterbi_forward(&q->viterbi, trellis_state, s.branches, count, s.metrics);
        trellis_state = trace(q, &s, count, kept, codes + first);
    }
    return true;
}

/* --- the rate model ------------------------------------------------------------------ */

static float level_cost(const wsic_trellis_quantizer *q, size_t width, unsigned branch, float level)
{
    const unsigned codebook = branch / 2;
    const int32_t index = ((int32_t)level + (codebook == 1 && level > 0.0F)) / 2;

    return (float)(q->lambda * q->model.bits[width][codebook][wsic_rate_magnitude(index)]);
}

static void fill_costs(wsic_trellis_quantizer *q, size_t width)
{
    for (int cell = 0; cell <= WSIC_TRELLIS_CELLS; cell++) {
        const int pattern = cell < 4 ? cell : 4 + cell % 4;
        const float base = (float)(cell - cell % 4);
        for (unsigned branch = 0; branch < 4; branch++) {
            const float below = base + wsic_levels_below[pattern][branch];
            const float above = base + wsic_levels_above[pattern][branch];
            wsic_cell_costs *const costs = &q->cost[width][cell];
            costs->below[branch] = below == NONE ? 0.0F : level_cost(q, width, branch, below);
            costs->above[branch] = above > (float)q->most ? NONE
                                   : cell == WSIC_TRELLIS_CELLS
                                       ? costs->below[branch]
                                       : level_cost(q, width, branch, above);
        }
    }
}

static void count_codes(const wsic_trellis_quantizer *q, const int32_t *codes, int32_t *tokens,
                        wsic_rate_counts *counts)
{
    wsic_trellis_tokens(&q->viterbi.trellis, codes, SAMPLES, tokens);
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

static void learn(wsic_trellis_quantizer *q, size_t width, lesson *l)
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

static wsic_status learn_all(const wsic_env *env, wsic_trellis_quantizer *q)
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

static wsic_window_search *choose_search(const wsic_env *env)
{
#if WSIC_X86
    if (wsic_kernels_have_avx2(wsic_kernels_chosen(env)))
        return wsic_trellis_window_avx2;
#else
    (void)env;
#endif
    return wsic_trellis_window;
}

wsic_status wsic_quantizer_create_trellis(const wsic_env *env, const wsic_quantizer_choice *choice,
                                          wsic_quantizer *quantizer)
{
    /* Spacing 1 of the grid is c = 2. */
    const double lambda = choice->lambda * 2.0 * log(2.0) * 4.0 / 12.0;
    const wsic_cell_costs zero = {{0.0F, NONE, 0.0F, NONE}, {NONE, NONE, NONE, NONE}};
    wsic_status status = WSIC_OK;
    wsic_trellis_quantizer *const q = wsic_alloc(env, 1, sizeof *q, &status);

    if (!q)
        return status;
    q->lambda = lambda;
    q->most = choice->fit_i4 ? WSIC_I4_MOST : INT32_MAX;
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
        .largest = WSIC_TRELLIS_LARGEST,
        .state = q,
        .quantize = quantize,
        .quantize_window = choose_search(env),
        .window_workspace = wsic_trellis_window_memory(choice->kind),
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

    return (double)sizeof(wsic_trellis_quantizer) + learning + working;
}
