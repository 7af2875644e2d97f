/* SPDX-License-Identifier: MIT */
#include "llm/run/mixing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "llm/run/golden.h"
#include "common/interrupt.h"
#include "llm/model/squares.h"

/* Smaller parts of weighted tokens than this change nothing that could be measured. */
static const double least_part = 1.0 / 256;

struct search {
    const struct drafts *drafts;
    const struct gatherer *gatherer;
    const struct pair_of_blocks *blocks;
    const struct layer_task *tasks;
    struct mixing_result *result;
    struct failure *failure;
    struct forward forward; /* of the quantized model */
    struct block draft;     /* the block with drafts of query, key and value */
    double scales[MIXED_LAYERS];
    size_t count;  /* tokens of the sample */
    float *hidden; /* of the sample in the quantized model */
    float *mix;    /* in the original model */
    double energy; /* of mix */
};

static size_t mix_length(const struct search *search)
{
    return search->forward.config.heads * search->forward.config.head_dim;
}

/* Whole batches of the sample, one after the other. */
static size_t batch_at(const struct search *search, size_t first)
{
    const size_t left = search->count - first;

    return left < search->forward.capacity ? left : search->forward.capacity;
}

static void attend(struct search *search, const struct block *block, const float *hidden,
                   size_t count)
{
    forward_attention_input(&search->forward, block, hidden, count);
    forward_attention_mix(&search->forward, block, count);
}

static double draft_error(struct search *search)
{
    const size_t length = mix_length(search);
    double sum = 0;

    for (size_t first = 0; first < search->count; first += search->forward.capacity) {
        const size_t count = batch_at(search, first);
        attend(search, &search->draft, search->hidden + first * search->forward.config.hidden,
               count);
        sum += squares_distance(search->forward.mix, search->mix + first * length, count * length);
    }
    return search->energy > 0 ? sum / search->energy : 0;
}

static bool make_draft(struct search *search, size_t kind, struct mix mix)
{
    const struct linear *const original = &search->blocks->original.linear[kind];
    struct layer_task task = search->tasks[kind];

    task.linear = &search->draft.linear[kind];
    task.mix = mix;
    memcpy(task.linear->weights, original->weights,
           original->rows * original->columns * sizeof *original->weights);
    if (task.exclusion && task.exclusion->skipped)
        return true;
    return search->drafts->make(search->drafts->self, &task, &search->scales[kind],
                                search->failure);
}

static bool measure(struct search *search, struct mix mix, double *error)
{
    struct mixing_result *const result = search->result;

    if (!interrupt_none(search->failure))
        return false;
    for (size_t kind = 0; kind < MIXED_LAYERS; kind++)
        if (!make_draft(search, kind, mix))
            return false;
    *error = draft_error(search);
    if (result->drafts++ == 0 || *error < result->error) {
        result->mix = mix;
        result->error = *error;
    }
    return true;
}

static bool measure_clean(void *self, double x, double *error)
{
    return measure(self, (struct mix){.clean = x}, error);
}

static bool measure_attention(void *self, double x, double *error)
{
    struct search *const search = self;
    const struct mix mix = {.clean = search->result->mix.clean, .attention = exp(x)};

    return measure(search, mix, error);
}

/* The first draft finds the steps that all others use: with drift corrected and tokens
 * unweighted, unless the recipe fixes something else. */
static bool search_mix(struct search *search)
{
    const size_t steps = search->drafts->steps;
    struct golden_point best;

    if (!measure(search, search->tasks[0].mix, &search->result->fixed_error))
        return false;
    /* Without drift the two inputs are one. */
    if (search->gatherer->recipe->drift) {
        if (!golden_section(measure_clean, search, 0, 1, steps, &best))
            return false;
    } else if (!measure_clean(search, 0, &best.value)) {
        return false;
    }
    return golden_section(measure_attention, search, log(least_part), 0, steps, &best);
}

static void sample_window(struct search *search, size_t from, size_t to, size_t count)
{
    const struct gatherer *const gatherer = search->gatherer;
    const size_t hidden = search->forward.config.hidden;

    memcpy(search->hidden + to * hidden, stream_hidden(&gatherer->live, from),
           count * hidden * sizeof(float));
    attend(search, &search->blocks->original, stream_hidden(&gatherer->clean, from), count);
    memcpy(search->mix + to * mix_length(search), search->forward.mix,
           count * mix_length(search) * sizeof(float));
}

/* Whole windows, spread evenly over the text. */
static void take_sample(struct search *search)
{
    const size_t window = search->forward.window;
    const size_t windows = search->gatherer->tokens->count / window;
    const size_t taken = search->count / window;

    if (taken == 0)
        sample_window(search, 0, 0, search->count);
    for (size_t i = 0; i < taken; i++)
        sample_window(search, i * windows / taken * window, i * window, window);
    search->energy = squares_sum(search->mix, search->count * mix_length(search));
}

static size_t sample_size(const struct drafts *drafts, size_t tokens, size_t window)
{
    const size_t most = drafts->sample < tokens ? drafts->sample : tokens;

    if (most >= window)
        return most - most % window;
    return tokens < window ? tokens : window;
}

/* The quantized block with room for other query, key and value. */
static bool create_draft(struct search *search)
{
    const struct block *const block = &search->blocks->quantized;
    bool ok = true;

    search->draft = *block;
    search->draft.linear = calloc(block->layers, sizeof *block->linear);
    if (!search->draft.linear)
        return false;
    memcpy(search->draft.linear, block->linear, block->layers * sizeof *block->linear);
    for (size_t kind = 0; kind < MIXED_LAYERS; kind++) {
        struct linear *const linear = &search->draft.linear[kind];
        linear->weights = malloc(linear->rows * linear->columns * sizeof *linear->weights);
        ok = ok && linear->weights;
    }
    return ok;
}

static bool create_search(struct search *search)
{
    const struct config *const config = &search->gatherer->live.forward.config;
    const size_t window = search->gatherer->live.forward.window;

    if (!forward_create(&search->forward, config, window, search->failure))
        return false;
    search->count = sample_size(search->drafts, search->gatherer->tokens->count, window);
    search->hidden = malloc(search->count * config->hidden * sizeof *search->hidden);
    search->mix = malloc(search->count * mix_length(search) * sizeof *search->mix);
    return (create_draft(search) && search->hidden && search->mix) ||
           refuse(search->failure, "out of memory for drafts of query, key and value");
}

bool mixing_search(const struct drafts *drafts, const struct gatherer *gatherer,
                   const struct pair_of_blocks *blocks, const struct layer_task tasks[MIXED_LAYERS],
                   struct mixing_result *result, struct failure *failure)
{
    struct search search = {.drafts = drafts,
                            .gatherer = gatherer,
                            .blocks = blocks,
                            .tasks = tasks,
                            .result = result,
                            .failure = failure};

    *result = (struct mixing_result){.drafts = 0};
    bool ok = create_search(&search);
    if (ok) {
        take_sample(&search);
        ok = search_mix(&search);
    }
    for (size_t kind = 0; search.draft.linear && kind < MIXED_LAYERS; kind++)
        free(search.draft.linear[kind].weights);
    free(search.draft.linear);
    free(search.hidden);
    free(search.mix);
    forward_free(&search.forward);
    return ok;
}
