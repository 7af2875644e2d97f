/* SPDX-License-Identifier: MIT */
#include "llm/evaluate.h"

#include <math.h>
#include <stdlib.h>

#include "common/workers.h"
#include "llm/forward.h"

/* Logits held at once, which bounds the memory where the vocabulary is large. */
enum { chunk_logits = 1 << 22 };

static bool run_model(struct forward *forward, const struct model *model,
                      const struct tokens *tokens, float *hidden, struct failure *failure)
{
    for (size_t first = 0; first < tokens->count; first += forward->capacity) {
        const size_t left = tokens->count - first;
        const size_t count = left < forward->capacity ? left : forward->capacity;
        float *const states = hidden + first * model->config.hidden;
        if (!forward_embed(model, tokens->values + first, count, states, failure))
            return false;
        for (size_t i = 0; i < model->config.blocks; i++)
            forward_block(forward, &model->blocks[i], states, count);
        forward_head_input(forward, model, states, count);
    }
    return true;
}

float *evaluate_hidden(const struct model *model, const struct tokens *tokens, size_t window,
                       struct failure *failure)
{
    struct forward forward;

    if (!forward_create(&forward, &model->config, window, failure))
        return NULL;
    float *const hidden = malloc(tokens->count * model->config.hidden * sizeof *hidden);
    const bool ok =
        hidden ? run_model(&forward, model, tokens, hidden, failure)
               : refuse(failure, "out of memory for the states of %zu tokens", tokens->count);
    forward_free(&forward);
    if (ok)
        return hidden;
    free(hidden);
    return NULL;
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

/* log Σ exp(logit) */
static double log_sum(const float *logits, size_t count)
{
    float largest = logits[0];
    double sum = 0;

    for (size_t i = 1; i < count; i++)
        largest = logits[i] > largest ? logits[i] : largest;
    for (size_t i = 0; i < count; i++)
        sum += (double)expf(logits[i] - largest);
    return (double)largest + log(sum);
}

/* Σ p_ref (log p_ref - log p), in nats */
static double divergence(const float *reference, const float *logits, double log_norm, size_t count)
{
    const double reference_norm = log_sum(reference, count);
    double sum = 0;

    for (size_t i = 0; i < count; i++) {
        const double expected = (double)reference[i] - reference_norm;
        sum += exp(expected) * (expected - ((double)logits[i] - log_norm));
    }
    return sum;
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
    const double log_norm = log_sum(logits, chunk->vocabulary);
    chunk->loss[index] = log_norm - (double)logits[chunk->tokens->values[position + 1]];
    if (chunk->reference)
        chunk->divergence[index] = divergence(chunk->reference + index * chunk->vocabulary, logits,
                                              log_norm, chunk->vocabulary);
}

static void add_chunk(struct evaluation *evaluation, const struct chunk *chunk)
{
    for (size_t i = 0; i < chunk->count; i++) {
        evaluation->cross_entropy += chunk->loss[i];
        evaluation->kl_bits += chunk->divergence[i];
        evaluation->predictions += is_predicted(chunk, chunk->first + i);
    }
}

static bool measure(struct evaluation *evaluation, const struct model *model, struct chunk *chunk,
                    size_t capacity, const float *hidden, const float *reference,
                    struct failure *failure)
{
    const size_t workers = workers_online();

    for (chunk->first = 0; chunk->first < chunk->tokens->count; chunk->first += chunk->count) {
        const size_t left = chunk->tokens->count - chunk->first;
        const size_t offset = chunk->first * model->config.hidden;
        chunk->count = left < capacity ? left : capacity;
        if (!forward_logits(model, hidden + offset, chunk->count, chunk->logits, failure) ||
            (reference &&
             !forward_logits(model, reference + offset, chunk->count, chunk->reference, failure)))
            return false;
        workers_run(workers, chunk->count, measure_position, chunk);
        add_chunk(evaluation, chunk);
    }
    return true;
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
        chunk.logits && chunk.loss && chunk.divergence && (chunk.reference || !reference)
            ? measure(evaluation, model, &chunk, capacity, hidden, reference, failure)
            : refuse(failure, "out of memory for logits of %zu tokens", capacity);
    free(chunk.logits);
    free(chunk.reference);
    free(chunk.loss);
    free(chunk.divergence);
    if (!ok)
        return false;
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
