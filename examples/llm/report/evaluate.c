/* SPDX-License-Identifier: MIT */
#include "llm/report/evaluate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/workers.h"
#include "llm/report/divergence.h"
#include "common/interrupt.h"

/* Logits held at once, which bounds the memory where the vocabulary is large. */
enum { chunk_logits = 1 << 22 };

/* Some tokens: whole windows. */
typedef void batch_function(struct forward *forward, const void *what, float *hidden, size_t count);

static void pass_block(struct forward *forward, const void *what, float *hidden, size_t count)
{
    forward_block(forward, what, hidden, count);
}

static void pass_norm(struct forward *forward, const void *what, float *hidden, size_t count)
{
    forward_head_input(forward, what, hidden, count);
}

static bool for_batches(struct forward *forward, batch_function *pass, const void *what,
                        float *hidden, size_t tokens, struct failure *failure)
{
    for (size_t first = 0; first < tokens; first += forward->capacity) {
        const size_t left = tokens - first;
        if (!interrupt_none(failure))
            return false;
        pass(forward, what, hidden + first * forward->config.hidden,
             left < forward->capacity ? left : forward->capacity);
    }
    return true;
}

bool evaluate_block(struct forward *forward, const struct block *block, float *hidden,
                    size_t tokens, struct failure *failure)
{
    return for_batches(forward, pass_block, block, hidden, tokens, failure);
}

bool evaluate_norm(struct forward *forward, const struct model *model, float *hidden, size_t tokens,
                   struct failure *failure)
{
    return for_batches(forward, pass_norm, model, hidden, tokens, failure);
}

void evaluate_show(struct meter *meter, size_t block, size_t blocks)
{
    char what[32];

    if (!meter)
        return;
    snprintf(what, sizeof what, "forward pass, block %zu", block);
    meter_update(meter, (double)block / (double)blocks, what);
}

/* All tokens go through a block before the next one is looked at, so that only one block need be
 * in memory. */
static bool run_model(struct forward *forward, const struct model *model,
                      const struct tokens *tokens, float *hidden, struct meter *meter,
                      struct failure *failure)
{
    struct block loaded = {.attention_norm = NULL};
    bool ok = forward_embed(model, tokens->values, tokens->count, hidden, failure);

    for (size_t i = 0; ok && i < model->config.blocks; i++) {
        const struct block *const block = model_block(model, i, &loaded, failure);
        evaluate_show(meter, i, model->config.blocks);
        ok = block && evaluate_block(forward, block, hidden, tokens->count, failure) &&
             forward_check(&model->config, i, hidden, tokens->count, failure);
    }
    block_free(&loaded);
    return ok && evaluate_norm(forward, model, hidden, tokens->count, failure);
}

float *evaluate_hidden(const struct model *model, const struct tokens *tokens, size_t window,
                       struct failure *failure)
{
    return evaluate_hidden_shown(model, tokens, window, NULL, failure);
}

float *evaluate_hidden_shown(const struct model *model, const struct tokens *tokens, size_t window,
                             struct meter *meter, struct failure *failure)
{
    struct forward forward;

    if (!forward_create(&forward, &model->config, window, failure))
        return NULL;
    float *const hidden = malloc(tokens->count * model->config.hidden * sizeof *hidden);
    const bool ok =
        hidden ? run_model(&forward, model, tokens, hidden, meter, failure)
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
    double *reference_loss;
    double *divergence;
};

static bool is_predicted(const struct chunk *chunk, size_t position)
{
    return position + 1 < chunk->tokens->count && (position + 1) % chunk->window != 0;
}

static struct scores scores_at(const struct chunk *chunk, const float *logits, size_t index)
{
    return scores_of(logits + index * chunk->vocabulary, chunk->vocabulary);
}

static void measure_position(void *data, size_t index, size_t worker)
{
    const struct chunk *const chunk = data;
    const size_t position = chunk->first + index;

    (void)worker;
    chunk->loss[index] = chunk->reference_loss[index] = chunk->divergence[index] = 0;
    if (!is_predicted(chunk, position))
        return;
    const uint32_t next = chunk->tokens->values[position + 1];
    const struct scores scores = scores_at(chunk, chunk->logits, index);
    chunk->loss[index] = scores.norm - (double)scores.logits[next];
    if (!chunk->reference)
        return;
    const struct scores reference = scores_at(chunk, chunk->reference, index);
    chunk->reference_loss[index] = reference.norm - (double)reference.logits[next];
    chunk->divergence[index] = scores_divergence(reference, scores, chunk->vocabulary);
}

static void add_chunk(struct evaluation *evaluation, const struct chunk *chunk)
{
    for (size_t i = 0; i < chunk->count; i++) {
        evaluation->cross_entropy += chunk->loss[i];
        evaluation->reference_cross_entropy += chunk->reference_loss[i];
        evaluation->kl_bits += chunk->divergence[i];
        evaluation->predictions += is_predicted(chunk, chunk->first + i);
    }
}

static bool measure(struct evaluation *evaluation, struct chunk *chunk, size_t capacity,
                    const struct readout *readout, const struct readout *reference,
                    struct failure *failure)
{
    const size_t workers = workers_usual();
    const size_t length = readout->model->config.hidden;

    for (chunk->first = 0; chunk->first < chunk->tokens->count; chunk->first += chunk->count) {
        const size_t left = chunk->tokens->count - chunk->first;
        const size_t offset = chunk->first * length;
        chunk->count = left < capacity ? left : capacity;
        if (!interrupt_none(failure) || !forward_logits(readout->model, readout->hidden + offset,
                                                        chunk->count, chunk->logits, failure))
            return false;
        if (reference && !forward_logits(reference->model, reference->hidden + offset, chunk->count,
                                         chunk->reference, failure))
            return false;
        workers_run(workers, chunk->count, measure_position, chunk);
        add_chunk(evaluation, chunk);
    }
    return true;
}

static bool create_chunk(struct chunk *chunk, size_t capacity, bool reference)
{
    const size_t logits_bytes = capacity * chunk->vocabulary * sizeof(float);

    chunk->logits = malloc(logits_bytes);
    chunk->reference = reference ? malloc(logits_bytes) : NULL;
    chunk->loss = calloc(capacity, sizeof *chunk->loss);
    chunk->reference_loss = calloc(capacity, sizeof *chunk->reference_loss);
    chunk->divergence = calloc(capacity, sizeof *chunk->divergence);
    return chunk->logits && chunk->loss && chunk->reference_loss && chunk->divergence &&
           (chunk->reference || !reference);
}

static void free_chunk(struct chunk *chunk)
{
    free(chunk->logits);
    free(chunk->reference);
    free(chunk->loss);
    free(chunk->reference_loss);
    free(chunk->divergence);
}

/* Positions whose logits are held at once. */
static size_t chunk_capacity(size_t vocabulary)
{
    return vocabulary < chunk_logits ? chunk_logits / vocabulary : 1;
}

uint64_t evaluate_memory(const struct config *config, size_t tokens, bool reference)
{
    const size_t capacity = chunk_capacity(config->vocabulary);
    const uint64_t count = tokens < capacity ? tokens : capacity;

    return count * (config->vocabulary * sizeof(float) * (reference ? 2 : 1) + 3 * sizeof(double));
}

bool evaluate_readout(struct evaluation *evaluation, const struct readout *readout,
                      const struct readout *reference, const struct tokens *tokens, size_t window,
                      struct failure *failure)
{
    const size_t vocabulary = readout->model->config.vocabulary;
    const size_t capacity = chunk_capacity(vocabulary);
    struct chunk chunk = {.tokens = tokens, .window = window, .vocabulary = vocabulary};

    *evaluation = (struct evaluation){.predictions = 0};
    const bool ok = create_chunk(&chunk, capacity, reference != NULL)
                        ? measure(evaluation, &chunk, capacity, readout, reference, failure)
                        : refuse(failure, "out of memory for logits of %zu tokens", capacity);
    free_chunk(&chunk);
    if (!ok)
        return false;
    if (evaluation->predictions == 0)
        return refuse(failure, "the text is too short: no token is predicted");
    const double predictions = (double)evaluation->predictions;
    evaluation->cross_entropy /= predictions;
    evaluation->reference_cross_entropy /= predictions;
    evaluation->kl_bits /= predictions * log(2);
    evaluation->perplexity = exp(evaluation->cross_entropy);
    if (!isfinite(evaluation->cross_entropy) || !isfinite(evaluation->kl_bits))
        return refuse(failure,
                      "lm_head.weight: predictions are not finite: cross entropy %g, divergence %g",
                      evaluation->cross_entropy, evaluation->kl_bits);
    return true;
}

bool evaluate_states(struct evaluation *evaluation, const struct model *model,
                     const struct tokens *tokens, size_t window, const float *hidden,
                     const float *reference, struct failure *failure)
{
    const struct readout readout = {.model = model, .hidden = hidden};
    const struct readout other = {.model = model, .hidden = reference};

    return evaluate_readout(evaluation, &readout, reference ? &other : NULL, tokens, window,
                            failure);
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
