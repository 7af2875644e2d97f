/* SPDX-License-Identifier: MIT */
#include "llm/run/stream.h"

#include <stdlib.h>
#include <string.h>

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

static const float *reach_qkv(struct stream *stream, const struct block *block,
                              const struct stretch_of_text *text)
{
    forward_attention_input(&stream->forward, block, hidden_of(stream, text->first), text->count);
    return stream->forward.normed;
}

static const float *reach_o(struct stream *stream, const struct block *block,
                            const struct stretch_of_text *text)
{
    struct forward *const forward = &stream->forward;

    forward_attention_input(forward, block, hidden_of(stream, text->first), text->count);
    forward_attention_mix(forward, block, text->count);
    if (stream->kept)
        memcpy(kept_of(stream, text->first), forward->mix, mix_bytes(stream, text->count));
    return forward->mix;
}

static const float *reach_gate_up(struct stream *stream, const struct block *block,
                                  const struct stretch_of_text *text)
{
    struct forward *const forward = &stream->forward;
    float *const hidden = hidden_of(stream, text->first);

    if (stream->kept)
        memcpy(forward->mix, kept_of(stream, text->first), mix_bytes(stream, text->count));
    else
        reach_o(stream, block, text);
    forward_attention_output(forward, block, hidden, text->count);
    forward_ffn_input(forward, block, hidden, text->count);
    return forward->normed;
}

static const float *reach_down(struct stream *stream, const struct block *block,
                               const struct stretch_of_text *text)
{
    struct forward *const forward = &stream->forward;

    forward_ffn_input(forward, block, hidden_of(stream, text->first), text->count);
    forward_ffn_product(forward, block, text->count);
    if (stream->kept)
        memcpy(kept_of(stream, text->first), forward->product, product_bytes(stream, text->count));
    return forward->product;
}

static const float *reach_end(struct stream *stream, const struct block *block,
                              const struct stretch_of_text *text)
{
    struct forward *const forward = &stream->forward;
    float *const hidden = hidden_of(stream, text->first);

    if (stream->kept)
        memcpy(forward->product, kept_of(stream, text->first), product_bytes(stream, text->count));
    else
        reach_down(stream, block, text);
    forward_ffn_output(forward, block, hidden, text->count);
    return hidden;
}

const struct site stream_sites[SITES] = {
    {reach_qkv, LINEAR_Q, LINEAR_V, false},
    {reach_o, LINEAR_O, LINEAR_O, true},
    {reach_gate_up, LINEAR_GATE, LINEAR_UP, false},
    {reach_down, LINEAR_DOWN, LINEAR_DOWN, true},
};

const struct site stream_end = {reach_end, LINEAR_DOWN, LINEAR_DOWN, false};

bool stream_adds(const struct site *site, const struct config *config)
{
    return site->adds && !config->family->output_norms;
}

static size_t kept_length(const struct config *config, bool keep)
{
    const size_t mix = mix_length(config);

    if (!keep)
        return 0;
    return config->intermediate > mix ? config->intermediate : mix;
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
