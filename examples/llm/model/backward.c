/* SPDX-License-Identifier: MIT */
#include "llm/model/backward.h"

#include <stdlib.h>
#include <string.h>

#include "common/workers.h"
#include "llm/model/attention.h"
#include "llm/model/attention_backward.h"
#include "llm/model/elementwise_backward.h"

bool backward_create(struct backward *backward, struct forward *forward, struct failure *failure)
{
    const struct config *const config = &forward->config;
    const size_t tokens = forward->capacity;
    const size_t query = config->heads * config->head_dim;
    const size_t key = config->kv_heads * config->head_dim;
    struct backward *const b = backward;

    *backward = (struct backward){.forward = forward};
    backward->raw_query = forward_numbers(tokens, query);
    backward->raw_key = forward_numbers(tokens, key);
    backward->attended = forward_numbers(tokens, config->hidden);
    backward->middle = forward_numbers(tokens, config->hidden);
    backward->gate = forward_numbers(tokens, config->intermediate);
    backward->down = forward_numbers(tokens, config->hidden);
    backward->normed = forward_numbers(tokens, config->hidden);
    backward->query = forward_numbers(tokens, query);
    backward->key = forward_numbers(tokens, key);
    backward->value = forward_numbers(tokens, key);
    backward->mix = forward_numbers(tokens, query);
    backward->product = forward_numbers(tokens, config->intermediate);
    backward->part = forward_numbers(tokens, config->hidden);
    backward->scores = forward_numbers(
        forward->workers * ATTENTION_BACKWARD_STRIPS * ATTENTION_STRIP, forward->window);
    if (b->raw_query && b->raw_key && b->attended && b->middle && b->gate && b->down && b->normed &&
        b->query && b->key && b->value && b->mix && b->product && b->part && b->scores)
        return true;
    backward_free(backward);
    return refuse(failure, "out of memory for derivatives of %zu tokens", tokens);
}

uint64_t backward_memory(const struct config *config, size_t window, size_t tokens)
{
    const size_t capacity = forward_capacity(window);
    const uint64_t count = tokens < capacity ? tokens : capacity;
    const uint64_t query = config->heads * config->head_dim;
    const uint64_t key = config->kv_heads * config->head_dim;
    const uint64_t numbers =
        5 * (uint64_t)config->hidden + 3 * query + 3 * key + 2 * (uint64_t)config->intermediate;
    const uint64_t scores =
        (uint64_t)workers_usual() * ATTENTION_BACKWARD_STRIPS * ATTENTION_STRIP * window;

    return forward_memory(config, window, tokens) + (count * numbers + scores) * sizeof(float);
}

void backward_free(struct backward *backward)
{
    free(backward->raw_query);
    free(backward->raw_key);
    free(backward->attended);
    free(backward->middle);
    free(backward->gate);
    free(backward->down);
    free(backward->normed);
    free(backward->query);
    free(backward->key);
    free(backward->value);
    free(backward->mix);
    free(backward->product);
    free(backward->part);
    free(backward->scores);
    *backward = (struct backward){.forward = NULL};
}

static void compute_attention(struct backward *backward, const struct block *block,
                              const float *input, size_t count)
{
    struct forward *const forward = backward->forward;
    const struct config *const config = &forward->config;

    forward_attention_input(forward, block, input, count);
    forward_projections(forward, block, count);
    memcpy(backward->raw_query, forward->query,
           count * config->heads * config->head_dim * sizeof *forward->query);
    memcpy(backward->raw_key, forward->key,
           count * config->kv_heads * config->head_dim * sizeof *forward->key);
    forward_attend(forward, block, count);
    forward_linear(forward, &block->linear[LINEAR_O], forward->mix, backward->attended, count, 0);
    memcpy(backward->middle, input, count * config->hidden * sizeof *input);
    forward_add_output(forward, block->attention_output_norm, backward->attended, backward->middle,
                       count);
}

static void compute_ffn(struct backward *backward, const struct block *block, size_t count)
{
    struct forward *const forward = backward->forward;

    forward_ffn_input(forward, block, backward->middle, count);
    forward_gate_and_up(forward, block, backward->gate, count);
    memcpy(forward->product, backward->gate,
           count * forward->config.intermediate * sizeof *forward->product);
    forward_gate(forward, count);
    forward_linear(forward, &block->linear[LINEAR_DOWN], forward->product, backward->down, count,
                   0);
}

/* Go back through a layer of the block, under the eyes of who watches. */
static void pass_back(struct backward *backward, enum linear_kind kind,
                      const struct linear_pass *pass, float *back,
                      const struct scale_gradient *gradients)
{
    if (backward->watch)
        backward->watch(backward->watcher, kind, pass->u, pass->count);
    linear_backward(pass, backward->forward->workers, back, &gradients[kind]);
}

/* A layer whose input is normed: y and u are of its output. */
static void add_to_normed(struct backward *backward, const struct block *block,
                          enum linear_kind kind, struct linear_pass pass,
                          const struct scale_gradient *gradients)
{
    pass.linear = &block->linear[kind];
    pass.x = backward->forward->normed;
    pass_back(backward, kind, &pass, backward->part, gradients);
    for (size_t i = 0; i < pass.count * pass.linear->columns; i++)
        backward->normed[i] += backward->part[i];
}

static void norm_to_stream(const struct backward *backward, const float *gains, const float *hidden,
                           float *stream, size_t count)
{
    const struct forward *const forward = backward->forward;
    const struct norm_pass pass = {.x = hidden,
                                   .gains = gains,
                                   .u = backward->normed,
                                   .count = count,
                                   .length = forward->config.hidden,
                                   .epsilon = (float)forward->config.norm_epsilon};

    norm_backward(&pass, forward->workers, 1, stream);
}

static void clear_normed(struct backward *backward, size_t count)
{
    memset(backward->normed, 0, count * backward->forward->config.hidden * sizeof(float));
}

/* The derivatives by an output y that was added to the stream, normalised with these gains: those
 * by the stream where nothing was normalised. */
static const float *output_backward(struct backward *backward, const float *gains, const float *y,
                                    const float *stream, size_t count)
{
    const struct forward *const forward = backward->forward;
    const struct norm_pass pass = {.x = y,
                                   .gains = gains,
                                   .u = stream,
                                   .count = count,
                                   .length = forward->config.hidden,
                                   .epsilon = (float)forward->config.norm_epsilon};

    if (!gains)
        return stream;
    norm_backward(&pass, forward->workers, 0, backward->part);
    return backward->part;
}

static void ffn_backward(struct backward *backward, const struct block *block, float *stream,
                         size_t count, const struct scale_gradient *gradients)
{
    const struct forward *const forward = backward->forward;
    const struct linear_pass down = {
        .linear = &block->linear[LINEAR_DOWN],
        .x = forward->product,
        .y = backward->down,
        .u = output_backward(backward, block->ffn_output_norm, backward->down, stream, count),
        .count = count};

    pass_back(backward, LINEAR_DOWN, &down, backward->product, gradients);
    /* The product itself is not needed any more: its place takes the derivative by gate. */
    const struct gate_pass gate = {.activation = forward->config.activation,
                                   .gate = backward->gate,
                                   .up = forward->up,
                                   .u = backward->product,
                                   .gate_back = forward->product,
                                   .count = count * forward->config.intermediate};
    gate_backward(&gate, forward->workers);
    clear_normed(backward, count);
    add_to_normed(backward, block, LINEAR_UP,
                  (struct linear_pass){.y = forward->up, .u = backward->product, .count = count},
                  gradients);
    add_to_normed(backward, block, LINEAR_GATE,
                  (struct linear_pass){.y = backward->gate, .u = forward->product, .count = count},
                  gradients);
    norm_to_stream(backward, block->ffn_norm, backward->middle, stream, count);
}

static void heads_backward(const struct forward *forward, const float *gains, const float *raw,
                           float *u, size_t heads)
{
    const struct norm_pass pass = {.x = raw,
                                   .gains = gains,
                                   .u = u,
                                   .count = heads,
                                   .length = forward->config.head_dim,
                                   .epsilon = (float)forward->config.norm_epsilon};

    norm_backward(&pass, forward->workers, 0, u);
}

/* From mix to what query, key and value were before they were normalised and rotated. */
static void mix_backward(struct backward *backward, const struct block *block, size_t count)
{
    const struct forward *const forward = backward->forward;
    const struct config *const config = &forward->config;
    const struct attention_gradient gradient = {.mix = backward->mix,
                                                .query = backward->query,
                                                .key = backward->key,
                                                .value = backward->value,
                                                .scores = backward->scores};

    attention_backward(forward, &block->attention, &gradient, count);
    /* A rotation's transpose turns back. */
    attention_rotate(forward, block->attention.sight, backward->query, backward->key, count, -1);
    if (!config->head_norms)
        return;
    heads_backward(forward, block->query_norm, backward->raw_query, backward->query,
                   count * config->heads);
    heads_backward(forward, block->key_norm, backward->raw_key, backward->key,
                   count * config->kv_heads);
}

static void attention_part_backward(struct backward *backward, const struct block *block,
                                    const float *input, float *stream, size_t count,
                                    const struct scale_gradient *gradients)
{
    struct forward *const forward = backward->forward;
    const struct linear_pass output = {.linear = &block->linear[LINEAR_O],
                                       .x = forward->mix,
                                       .y = backward->attended,
                                       .u = output_backward(backward, block->attention_output_norm,
                                                            backward->attended, stream, count),
                                       .count = count};

    pass_back(backward, LINEAR_O, &output, backward->mix, gradients);
    mix_backward(backward, block, count);
    /* The feed-forward part has put its own input there. */
    forward_attention_input(forward, block, input, count);
    clear_normed(backward, count);
    add_to_normed(
        backward, block, LINEAR_Q,
        (struct linear_pass){.y = backward->raw_query, .u = backward->query, .count = count},
        gradients);
    add_to_normed(backward, block, LINEAR_K,
                  (struct linear_pass){.y = backward->raw_key, .u = backward->key, .count = count},
                  gradients);
    add_to_normed(backward, block, LINEAR_V,
                  (struct linear_pass){.y = forward->value, .u = backward->value, .count = count},
                  gradients);
    norm_to_stream(backward, block->attention_norm, input, stream, count);
}

void backward_block(struct backward *backward, const struct block *block, const float *input,
                    float *stream, size_t count, const struct scale_gradient *gradients)
{
    compute_attention(backward, block, input, count);
    compute_ffn(backward, block, count);
    ffn_backward(backward, block, stream, count, gradients);
    attention_part_backward(backward, block, input, stream, count, gradients);
}

void backward_head_input(const struct forward *forward, const struct model *model,
                         const float *hidden, float *stream, size_t count)
{
    const struct norm_pass pass = {.x = hidden,
                                   .gains = model->norm,
                                   .u = stream,
                                   .count = count,
                                   .length = forward->config.hidden,
                                   .epsilon = (float)forward->config.norm_epsilon};

    norm_backward(&pass, forward->workers, 0, stream);
}
