/* SPDX-License-Identifier: MIT */
#include "llm/model/mixture_backward.h"

#include <string.h>

#include "llm/model/vector.h"

/* A mixture on its way back. */
struct way_back {
    struct backward *backward;
    const struct block *block;
    const float *stream;
    size_t count; /* tokens of the batch */
    const struct scale_gradient *gradients;
};

/* The mean weight of an expert; of one that has no token here, that of any. */
static float usual_weight(const struct routed *routed, size_t chosen)
{
    float sum = 0;

    for (size_t i = 0; i < routed->count; i++)
        sum += routed->weights[i];
    return routed->count > 0 ? sum / (float)routed->count : 1 / (float)chosen;
}

/* Tokens of a batch that went elsewhere, spread over it, behind the expert's own: as if they had
 * come with its usual weight. */
static void add_witnesses(const struct way_back *way, struct routed *routed)
{
    const size_t own = routed->count;
    const size_t others = way->count - own;
    const size_t most = way->backward->witnesses;
    const size_t wanted = most < others ? most : others;
    const float weight = usual_weight(routed, way->backward->forward->config.mixture.chosen);
    size_t next = 0;
    size_t seen = 0;

    for (size_t i = 0; i < way->count; i++) {
        if (next < own && routed->tokens[next] == i) {
            next++;
            continue;
        }
        if (mixture_is_witness(seen, wanted, others)) {
            routed->tokens[routed->count] = (uint32_t)i;
            routed->weights[routed->count++] = weight;
        }
        seen++;
    }
}

/* The derivative by the weight that a token gave the expert: what it made of the token, times the
 * derivative by the sum. */
static void note_weight(const struct way_back *way, size_t expert, size_t token, const float *y)
{
    const struct backward *const backward = way->backward;
    const struct routing *const routing = &backward->forward->mixture.routing;
    const size_t length = backward->forward->config.hidden;

    for (size_t j = token * routing->chosen; j < (token + 1) * routing->chosen; j++)
        if (routing->experts[j] == expert)
            backward->by_weights[j] = vector_dot(way->stream + token * length, y, length);
}

/* normed's derivatives += those by the inputs of the expert's own tokens */
static void scatter(const struct way_back *way, const struct routed *routed, size_t own)
{
    const struct backward *const backward = way->backward;
    const size_t length = backward->forward->config.hidden;

    for (size_t i = 0; i < own; i++)
        vector_add(backward->normed + routed->tokens[i] * length,
                   backward->expert_normed + i * length, 1, length);
}

static void expert_backward(const struct way_back *way, size_t expert)
{
    struct backward *const backward = way->backward;
    struct mixture *const mixture = &backward->forward->mixture;
    struct routed *const routed = &mixture->routed;
    const size_t length = backward->forward->config.hidden;

    mixture_select(routed, &mixture->routing, expert, way->count);
    const size_t own = routed->count;
    if (!way->gradients)
        add_witnesses(way, routed);
    mixture_gather(routed, backward->forward->normed, length, mixture->gathered);
    backward_compute_expert(backward, way->block, expert, mixture->gathered, routed->count);
    for (size_t i = 0; i < own; i++)
        note_weight(way, expert, routed->tokens[i], backward->down + i * length);
    mixture_gather(routed, way->stream, length, backward->expert_u);
    for (size_t i = 0; i < routed->count; i++)
        vector_scale(backward->expert_u + i * length, routed->weights[i], length);
    const struct expert_pass pass = {.expert = expert,
                                     .x = mixture->gathered,
                                     .u = backward->expert_u,
                                     .count = routed->count,
                                     .own = own};
    backward_expert(backward, way->block, &pass, way->gradients, backward->expert_normed);
    scatter(way, routed, own);
}

/* normed's derivatives += those by a token's logit for an expert, which is that row of the router
 * times normed */
static void add_logit(const struct way_back *way, size_t token, size_t expert, float derivative)
{
    const struct backward *const backward = way->backward;
    const size_t length = backward->forward->config.hidden;

    vector_add(backward->normed + token * length, way->block->router + expert * length, derivative,
               length);
}

/* From the weights w of those chosen to the logits z of the router. With w = p / sum of those
 * chosen, ∂w_i/∂z_j = w_i (δ_ij - w_j) among them; with w = p, p in place of w and all j. */
static void router_backward(const struct way_back *way, size_t token)
{
    const struct backward *const backward = way->backward;
    const struct config_mixture *const config = &backward->forward->config.mixture;
    const struct mixture *const mixture = &backward->forward->mixture;
    const struct routing routing = routing_from(&mixture->routing, token);
    const float *const by_weights = backward->by_weights + token * config->chosen;
    const float *const p = mixture->probabilities + token * config->experts;
    float mean = 0;

    for (size_t i = 0; i < config->chosen; i++)
        mean += routing.weights[i] * by_weights[i];
    for (size_t i = 0; i < config->chosen; i++)
        add_logit(way, token, routing.experts[i],
                  routing.weights[i] * (config->normalised ? by_weights[i] - mean : by_weights[i]));
    for (size_t e = 0; !config->normalised && e < config->experts; e++)
        add_logit(way, token, e, -p[e] * mean);
}

void mixture_backward(struct backward *backward, const struct block *block, const float *stream,
                      size_t count, const struct scale_gradient *gradients)
{
    const struct way_back way = {.backward = backward,
                                 .block = block,
                                 .stream = stream,
                                 .count = count,
                                 .gradients = gradients};
    const struct config *const config = &backward->forward->config;

    mixture_route(backward->forward, block, count);
    memset(backward->normed, 0, count * config->hidden * sizeof *backward->normed);
    for (size_t e = 0; e < config->mixture.experts; e++)
        expert_backward(&way, e);
    for (size_t i = 0; i < count; i++)
        router_backward(&way, i);
}
