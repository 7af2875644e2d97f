/* SPDX-License-Identifier: MIT */
#include "llm/run/stream.h"

#include <stdlib.h>
#include <string.h>

#include "llm/run/routes.h"

static float *hidden_of(const struct stream *stream, size_t token)
{
    return stream->hidden + token * stream->forward.config.hidden;
}

const float *stream_hidden(const struct stream *stream, size_t token)
{
    return hidden_of(stream, token);
}

static float *kept_of(const struct stream *stream, size_t token)
{
    return stream->kept + token * stream->kept_length;
}

static size_t mix_length(const struct config *config)
{
    return config->heads * config->head_dim;
}

static size_t mix_bytes(const struct stream *stream, size_t count)
{
    return count * mix_length(&stream->forward.config) * sizeof(float);
}

static size_t product_bytes(const struct stream *stream, size_t count)
{
    return count * stream->forward.config.intermediate * sizeof(float);
}

static struct site_inputs all_of(const struct stretch_of_text *text, const float *inputs)
{
    return (struct site_inputs){.inputs = inputs, .count = text->count};
}

static struct site_inputs reach_qkv(struct stream *stream, const struct block *block,
                                    const struct stretch_of_text *text, struct routes *routes)
{
    (void)routes;
    forward_attention_input(&stream->forward, block, hidden_of(stream, text->first), text->count);
    return all_of(text, stream->forward.normed);
}

static struct site_inputs reach_o(struct stream *stream, const struct block *block,
                                  const struct stretch_of_text *text, struct routes *routes)
{
    struct forward *const forward = &stream->forward;

    (void)routes;
    forward_attention_input(forward, block, hidden_of(stream, text->first), text->count);
    forward_attention_mix(forward, block, text->count);
    if (stream->kept)
        memcpy(kept_of(stream, text->first), forward->mix, mix_bytes(stream, text->count));
    return all_of(text, forward->mix);
}

static struct site_inputs reach_gate_up(struct stream *stream, const struct block *block,
                                        const struct stretch_of_text *text, struct routes *routes)
{
    struct forward *const forward = &stream->forward;
    float *const hidden = hidden_of(stream, text->first);

    if (stream->kept)
        memcpy(forward->mix, kept_of(stream, text->first), mix_bytes(stream, text->count));
    else
        reach_o(stream, block, text, routes);
    forward_attention_output(forward, block, hidden, text->count);
    forward_ffn_input(forward, block, hidden, text->count);
    return all_of(text, forward->normed);
}

static struct site_inputs reach_down(struct stream *stream, const struct block *block,
                                     const struct stretch_of_text *text, struct routes *routes)
{
    struct forward *const forward = &stream->forward;

    (void)routes;
    forward_ffn_input(forward, block, hidden_of(stream, text->first), text->count);
    forward_ffn_product(forward, block, text->count);
    if (stream->kept)
        memcpy(kept_of(stream, text->first), forward->product, product_bytes(stream, text->count));
    return all_of(text, forward->product);
}

static struct site_inputs reach_end(struct stream *stream, const struct block *block,
                                    const struct stretch_of_text *text, struct routes *routes)
{
    struct forward *const forward = &stream->forward;
    float *const hidden = hidden_of(stream, text->first);

    if (stream->kept)
        memcpy(forward->product, kept_of(stream, text->first), product_bytes(stream, text->count));
    else
        reach_down(stream, block, text, routes);
    forward_ffn_output(forward, block, hidden, text->count);
    return all_of(text, hidden);
}

/* Routes are those of one of the streams that go side by side: the other one has none here. */
static struct site_inputs reach_router(struct stream *stream, const struct block *block,
                                       const struct stretch_of_text *text, struct routes *routes)
{
    const struct site_inputs seen = reach_gate_up(stream, block, text, NULL);

    if (routes) {
        mixture_route(&stream->forward, block, text->count);
        routes_take(routes, &stream->forward.mixture.routing, text->first, text->count);
    }
    return seen;
}

/* Rows of normed, for the expert whose turn it is. */
static struct site_inputs reach_expert(struct stream *stream, const struct block *block,
                                       const struct stretch_of_text *text, struct routes *routes)
{
    struct forward *const forward = &stream->forward;
    struct mixture *const mixture = &forward->mixture;
    const struct visit visit = routes_visit(routes, text->first, text->count);
    const struct routed routed = {.tokens = visit.tokens, .count = visit.count};

    forward_ffn_input(forward, block, hidden_of(stream, text->first), text->count);
    mixture_gather(&routed, forward->normed, forward->config.hidden, mixture->gathered);
    return (struct site_inputs){.inputs = mixture->gathered,
                                .count = visit.count,
                                .tokens = visit.tokens,
                                .weights = visit.weights};
}

static struct site_inputs reach_expert_down(struct stream *stream, const struct block *block,
                                            const struct stretch_of_text *text,
                                            struct routes *routes)
{
    struct forward *const forward = &stream->forward;
    struct site_inputs seen = reach_expert(stream, block, text, routes);

    forward_expert_product(forward, block, routes->expert, seen.inputs, seen.count);
    seen.inputs = forward->product;
    return seen;
}

static struct site_inputs reach_mixture_end(struct stream *stream, const struct block *block,
                                            const struct stretch_of_text *text,
                                            struct routes *routes)
{
    struct forward *const forward = &stream->forward;
    float *const hidden = hidden_of(stream, text->first);

    (void)routes;
    forward_ffn_input(forward, block, hidden, text->count);
    mixture_run(forward, block, hidden, text->count);
    return all_of(text, hidden);
}

const struct site stream_sites[SITES] = {
    {reach_qkv, LINEAR_Q, LINEAR_V, false},
    {reach_o, LINEAR_O, LINEAR_O, true},
    {reach_gate_up, LINEAR_GATE, LINEAR_UP, false},
    {reach_down, LINEAR_DOWN, LINEAR_DOWN, true},
};

const struct site stream_expert_sites[SITES] = {
    [SITE_GATE_UP] = {reach_expert, LINEAR_GATE, LINEAR_UP, false},
    [SITE_DOWN] = {reach_expert_down, LINEAR_DOWN, LINEAR_DOWN, true},
};

const struct site stream_router = {reach_router, LINEAR_GATE, LINEAR_UP, false};

const struct site stream_end = {reach_end, LINEAR_DOWN, LINEAR_DOWN, false};
const struct site stream_mixture_end = {reach_mixture_end, LINEAR_DOWN, LINEAR_DOWN, false};

bool stream_adds(const struct site *site, const struct config *config)
{
    return site->adds && !config->family->output_norms;
}

/* The first place moves nothing, and places of experts neither. */
bool stream_moves(const struct site *site, const struct config *config, size_t block)
{
    return site->first == LINEAR_O ||
           (site->first >= LINEAR_GATE && config_experts(config, block) == 0);
}

/* The products of experts are not kept. */
static size_t kept_length(const struct config *config, bool keep)
{
    const size_t mix = mix_length(config);

    if (!keep)
        return 0;
    for (size_t i = 0; i < config->blocks; i++)
        if (!config->sparse[i] && config->intermediate > mix)
            return config->intermediate;
    return mix;
}

uint64_t stream_memory(const struct config *config, const struct stream_text *text)
{
    return (uint64_t)text->tokens->count * (config->hidden + kept_length(config, text->keep)) *
           sizeof(float);
}

bool stream_create(struct stream *stream, const struct model *model, const struct stream_text *text,
                   struct failure *failure)
{
    const struct config *const config = &model->config;
    const struct tokens *const tokens = text->tokens;

    *stream = (struct stream){.kept_length = kept_length(config, text->keep)};
    if (!forward_create(&stream->forward, config, text->window, failure))
        return false;
    stream->hidden = malloc(tokens->count * config->hidden * sizeof *stream->hidden);
    if (text->keep)
        stream->kept = malloc(tokens->count * stream->kept_length * sizeof *stream->kept);
    if (!stream->hidden || (text->keep && !stream->kept)) {
        stream_free(stream);
        return refuse(failure, "out of memory for the states of %zu tokens", tokens->count);
    }
    if (forward_embed(model, tokens->values, tokens->count, stream->hidden, failure))
        return true;
    stream_free(stream);
    return false;
}

void stream_free(struct stream *stream)
{
    forward_free(&stream->forward);
    free(stream->hidden);
    free(stream->kept);
    *stream = (struct stream){.kept_length = 0};
}
