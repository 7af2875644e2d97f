/* SPDX-License-Identifier: MIT */
#include "llm/evaluate.h"

#include <math.h>
#include <stdlib.h>

#include "common/workers.h"
#include "llm/divergence.h"
#include "llm/forward.h"

/* Logits held at once, which bounds the memory where the vocabulary is large. */
enum { chunk_logits = 1 << 22 };

static void run_model(struct forward *forward, const struct model *model,
                      const struct tokens *tokens, float *hidden)
{
    for (size_t first = 0; first < tokens->count; first += forward->capacity) {
        const size_t left = tokens->count - first;
        const size_t count = left < forward->capacity ? left : forward->capacity;
        float *const states = hidden + first * model->config.hidden;
        forward_embed(model, tokens->values + first, count, states);
        for (size_t i = 0; i < model->config.blocks; i++)
            forward_block(forward, &model->blocks[i], states, count);
        forward_head_input(forward, model, states, count);
    }
}

float *evaluate_hidden(const struct model *model, const struct tokens *tokens, size_t window,
                       struct failure *failure)
{
    struct forward forward;

    if (!forward_create(&forward, &model->config, window, failure))
        return NULL;
    float *const hidden = malloc(tokens->count * model->config.hidden * sizeof *hidden);
    if (hidden)
        run_model(&forward, model, tokens, hidden);
    else
        refuse(failure, "out of memory for the states of %zu tokens", tokens->count);
    forward_free(&forward);
    return hidden;
}

/* A chunk of positions: the logits at each, and what was measured there. */
struct chunk {
    const struct tokens *tokens;
    size_t window;
    size_t vocabulary;
    size_t first;
    size_t count;
    float *logits;
    float *reference; /* NULL if there is none */
    double *loss;
    double *divergence;
};

static bool is_predicted(const struct chunk *chunk, size_t position)
{
    return position + 1 < chunk->tokens->count && (position + 1) % chunk->window != 0;
}

static void measure_position(void *data, size_t index, size_t worker)
{
    const struct chunk *const chunk = data;
    const size_t position = chunk->first + index;
    const float *const logits = chunk->logits + index * chunk->vocabulary;

    (void)worker;
    chunk->loss[index] = 0;
    chunk->divergence[index] = 0;
    if (!is_predicted(chunk, position))
        return;
    const double log_norm = divergence_log_sum(logits, chunk->vocabulary);
    chunk->loss[index] = log_norm - (double)logits[chunk->tokens->values[position + 1]];
    if (chunk->reference)
        chunk->divergence[index] = divergence_between(chunk->reference + index * chunk->vocabulary,
                                                      logits, log_norm, chunk->vocabulary);
}

static void add_chunk(struct evaluation *evaluation, const struct chunk *chunk)
{
    for (size_t i = 0; i < chunk->count; i++) {
        evaluation->cross_entropy += chunk->loss[i];
        evaluation->kl_bits += chunk->divergence[i];
        evaluation->predictions += is_predicted(chunk, chunk->first + i);
    }
}

static void measure(struct evaluation *evaluation, const struct model *model, struct chunk *chunk,
                    size_t capacity, const float *hidden, const float *reference)
{
    const size_t workers = workers_online();

    for (chunk->first = 0; chunk->first < chunk->tokens->count; chunk->first += chunk->count) {
        const size_t left = chunk->tokens->count - chunk->first;
        const size_t offset = chunk->first * model->config.hidden;
        chunk->count = left < capacity ? left : capacity;
        forward_logits(model, hidden + offset, chunk->count, chunk->logits);
        if (reference)
            forward_logits(model, reference + offset, chunk->count, chunk->reference);
        workers_run(workers, chunk->count, measure_position, chunk);
        add_chunk(evaluation, chunk);
    }
}

bool evaluate_states(struct evaluation *evaluation, const struct model *model,
                     const struct tokens *tokens, size_t window, const float *hidden,
                     const float *reference, struct failure *failure)
{
    const size_t vocabulary = model->config.vocabulary;
    const size_t capacity = vocabulary < chunk_logits ? chunk_logits / vocabulary : 1;
    const size_t logits_bytes = capacity * vocabulary * sizeof(float);
    struct chunk chunk = {.tokens = tokens, .window = window, .vocabulary = vocabulary};

    *evaluation = (struct evaluation){.predictions = 0};
    chunk.logits = malloc(logits_bytes);
    chunk.reference = reference ? malloc(logits_bytes) : NULL;
    chunk.loss = calloc(capacity, sizeof *chunk.loss);
    chunk.divergence = calloc(capacity, sizeof *chunk.divergence);
    const bool ok =
        chunk.logits && chunk.loss && chunk.divergence && (chunk.reference || !reference);
    if (ok)
        measure(evaluation, model, &chunk, capacity, hidden, reference);
    free(chunk.logits);
    free(chunk.reference);
    free(chunk.loss);
    free(chunk.divergence);
    if (!ok)
        return refuse(failure, "out of memory for logits of %zu tokens", capacity);
    if (evaluation->predictions == 0)
        return refuse(failure, "the text is too short: no token is predicted");
    evaluation->cross_entropy /= (double)evaluation->predictions;
    evaluation->kl_bits /= (double)evaluation->predictions * log(2);
    evaluation->perplexity = exp(evaluation->cross_entropy);
    return true;
}

bool evaluate(struct evaluation *evaluation, const struct model *model, const struct tokens *tokens,
              size_t window, const float *reference, struct failure *failure)
{
    float *const hidden = evaluate_hidden(model, tokens, window, failure);

    if (!hidden)
        return false;
    const bool ok = evaluate_states(evaluation, model, tokens, window, hidden, reference, failure);
    free(hidden);
    return ok;
}
