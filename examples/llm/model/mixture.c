/* SPDX-License-Identifier: MIT */
#include "llm/model/mixture.h"

#include <stdlib.h>
#include <string.h>

#include "common/workers.h"
#include "llm/model/forward.h"
#include "llm/model/vector.h"

bool routing_create(struct routing *routing, const struct config *config, size_t tokens,
                    struct failure *failure)
{
    const size_t chosen = config->mixture.chosen;

    *routing = (struct routing){.chosen = chosen};
    if (config->mixture.experts == 0)
        return true;
    routing->experts = calloc(tokens * chosen, sizeof *routing->experts);
    routing->weights = calloc(tokens * chosen, sizeof *routing->weights);
    return (routing->experts && routing->weights) ||
           refuse(failure, "out of memory for the experts of %zu tokens", tokens);
}

void routing_free(struct routing *routing)
{
    free(routing->experts);
    free(routing->weights);
    *routing = (struct routing){.chosen = 0};
}

struct routing routing_from(const struct routing *routing, size_t tokens)
{
    return (struct routing){.chosen = routing->chosen,
                            .experts = routing->experts + tokens * routing->chosen,
                            .weights = routing->weights + tokens * routing->chosen};
}

bool mixture_create(struct mixture *mixture, const struct config *config, size_t tokens,
                    struct failure *failure)
{
    *mixture = (struct mixture){.probabilities = NULL};
    if (config->mixture.experts == 0)
        return true;
    if (!routing_create(&mixture->routing, config, tokens, failure))
        return false;
    mixture->probabilities = forward_numbers(tokens, config->mixture.experts);
    mixture->routed.tokens = calloc(tokens, sizeof *mixture->routed.tokens);
    mixture->routed.weights = forward_numbers(tokens, 1);
    mixture->gathered = forward_numbers(tokens, config->hidden);
    mixture->output = forward_numbers(tokens, config->hidden);
    return (mixture->probabilities && mixture->routed.tokens && mixture->routed.weights &&
            mixture->gathered && mixture->output) ||
           refuse(failure, "out of memory for the experts of %zu tokens", tokens);
}

void mixture_free(struct mixture *mixture)
{
    free(mixture->probabilities);
    routing_free(&mixture->routing);
    free(mixture->routed.tokens);
    free(mixture->routed.weights);
    free(mixture->gathered);
    free(mixture->output);
    *mixture = (struct mixture){.probabilities = NULL};
}

uint64_t mixture_memory(const struct config *config, size_t tokens)
{
    const struct config_mixture *const mixture = &config->mixture;
    const uint64_t numbers =
        mixture->experts + 2 * (uint64_t)mixture->chosen + 2 + 2 * (uint64_t)config->hidden;

    return mixture->experts > 0 ? tokens * numbers * sizeof(float) : 0;
}

/* The likeliest expert that is not among those chosen so far. */
static size_t choose(const float *probabilities, size_t experts, const uint32_t *chosen,
                     size_t count)
{
    size_t best = experts;

    for (size_t e = 0; e < experts; e++) {
        bool taken = false;
        for (size_t i = 0; i < count; i++)
            taken = taken || chosen[i] == e;
        if (!taken && (best == experts || probabilities[e] > probabilities[best]))
            best = e;
    }
    return best;
}

/* probabilities: logits, which become what they are called. */
static void route_token(const struct config_mixture *mixture, float *probabilities,
                        uint32_t *experts, float *weights)
{
    float sum = 0;

    vector_softmax(probabilities, mixture->experts);
    for (size_t i = 0; i < mixture->chosen; i++) {
        experts[i] = (uint32_t)choose(probabilities, mixture->experts, experts, i);
        weights[i] = probabilities[experts[i]];
        sum += weights[i];
    }
    for (size_t i = 0; mixture->normalised && i < mixture->chosen; i++)
        weights[i] /= sum;
}

struct routing_job {
    const struct forward *forward;
    const float *router;
};

/* Sums of one order, so that the choice is the same on every machine. */
static void route(void *data, size_t token, size_t worker)
{
    const struct routing_job *const job = data;
    const struct forward *const forward = job->forward;
    const struct config_mixture *const config = &forward->config.mixture;
    const struct routing routing = routing_from(&forward->mixture.routing, token);
    const size_t length = forward->config.hidden;
    float *const logits = forward->mixture.probabilities + token * config->experts;

    (void)worker;
    for (size_t e = 0; e < config->experts; e++)
        logits[e] = vector_dot(job->router + e * length, forward->normed + token * length, length);
    route_token(config, logits, routing.experts, routing.weights);
}

void mixture_route(struct forward *forward, const struct block *block, size_t count)
{
    struct routing_job job = {forward, block->router};
    const size_t multiplications = count * forward->config.mixture.experts * forward->config.hidden;

    workers_run(workers_for(multiplications, forward->workers), count, route, &job);
}

void mixture_select(struct routed *routed, const struct routing *routing, size_t expert,
                    size_t count)
{
    routed->count = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = i * routing->chosen; j < (i + 1) * routing->chosen; j++) {
            if (routing->experts[j] != expert)
                continue;
            routed->tokens[routed->count] = (uint32_t)i;
            routed->weights[routed->count++] = routing->weights[j];
        }
    }
}

bool mixture_is_witness(size_t before, size_t wanted, size_t others)
{
    return (before + 1) * wanted / others > before * wanted / others;
}

void mixture_gather(const struct routed *routed, const float *rows, size_t length, float *out)
{
    for (size_t i = 0; i < routed->count; i++)
        memcpy(out + i * length, rows + routed->tokens[i] * length, length * sizeof *out);
}

void mixture_add(const struct routed *routed, const float *output, size_t length, float *hidden)
{
    for (size_t i = 0; i < routed->count; i++)
        vector_add(hidden + routed->tokens[i] * length, output + i * length, routed->weights[i],
                   length);
}

void mixture_run(struct forward *forward, const struct block *block, float *hidden, size_t count)
{
    struct mixture *const mixture = &forward->mixture;
    struct routed *const routed = &mixture->routed;
    const size_t length = forward->config.hidden;

    mixture_route(forward, block, count);
    for (size_t e = 0; e < forward->config.mixture.experts; e++) {
        mixture_select(routed, &mixture->routing, e, count);
        if (routed->count == 0)
            continue;
        mixture_gather(routed, forward->normed, length, mixture->gathered);
        forward_expert_product(forward, block, e, mixture->gathered, routed->count);
        forward_linear(forward, &block->linear[layers_slot(LINEAR_DOWN, e)], forward->product,
                       mixture->output, routed->count, 0);
        mixture_add(routed, mixture->output, length, hidden);
    }
}
