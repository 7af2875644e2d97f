/* SPDX-License-Identifier: MIT */
#include "llm/model/backward.h"

#include <stdlib.h>
#include <string.h>

#include "common/workers.h"
#include "llm/model/attention.h"
#include "llm/model/attention_backward.h"
#include "llm/model/elementwise_backward.h"
#include "llm/model/mixture_backward.h"

static bool create_experts(struct backward *backward)
{
    const struct config *const config = &backward->forward->config;
    const size_t tokens = backward->forward->capacity;

    if (config->mixture.experts == 0)
        return true;
    backward->expert_normed = forward_numbers(tokens, config->hidden);
    backward->expert_u = forward_numbers(tokens, config->hidden);
    backward->by_weights = forward_numbers(tokens, config->mixture.chosen);
    return backward->expert_normed && backward->expert_u && backward->by_weights;
}

bool backward_create(struct backward *backward, struct forward *forward, struct failure *failure)
{
    const struct config *const config = &forward->config;
    const size_t tokens = forward->capacity;
    const size_t query = config->heads * config->head_dim;
    const size_t key = config->kv_heads * config->head_dim;
    const size_t inner = config_largest_intermediate(config);
    struct backward *const b = backward;

    *backward = (struct backward){.forward = forward};
    backward->raw_query = forward_numbers(tokens, query);
    backward->raw_key = forward_numbers(tokens, key);
    backward->attended = forward_numbers(tokens, config->hidden);
    backward->middle = forward_numbers(tokens, config->hidden);
    backward->gate = forward_numbers(tokens, inner);
    backward->down = forward_numbers(tokens, config->hidden);
    backward->normed = forward_numbers(tokens, config->hidden);
    backward->query = forward_numbers(tokens, query);
    backward->key = forward_numbers(tokens, key);
    backward->value = forward_numbers(tokens, key);
    backward->mix = forward_numbers(tokens, query);
    backward->product = forward_numbers(tokens, inner);
    backward->part = forward_numbers(tokens, config->hidden);
    backward->scores = forward_numbers(
        forward->workers * ATTENTION_BACKWARD_STRIPS * ATTENTION_STRIP, forward->window);
    if (b->raw_query && b->raw_key && b->attended && b->middle && b->gate && b->down && b->normed &&
        b->query && b->key && b->value && b->mix && b->product && b->part && b->scores &&
        create_experts(backward))
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
    const uint64_t numbers = 5 * (uint64_t)config->hidden + 3 * query + 3 * key +
                             2 * (uint64_t)config_largest_intermediate(config);
    const uint64_t experts =
        config->mixture.experts > 0 ? 2 * (uint64_t)config->hidden + config->mixture.chosen : 0;
    const uint64_t scores =
        (uint64_t)workers_usual() * ATTENTION_BACKWARD_STRIPS * ATTENTION_STRIP * window;

    return forward_memory(config, window, tokens) +
           (count * (numbers + experts) + scores) * sizeof(float);
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
    free(backward->expert_normed);
    free(backward->expert_u);
    free(backward->by_weights);
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

void backward_compute_expert(struct backward *backward, const struct block *block, size_t expert,
                             const float *x, size_t count)
{
    struct forward *const forward = backward->forward;
    const struct linear *const down = &block->linear[layers_slot(LINEAR_DOWN, expert)];

    forward_gate_and_up(forward, block, expert, x, backward->gate, count);
    memcpy(forward->product, backward->gate, count * down->columns * sizeof *forward->product);
    forward_gate(forward, down->columns, count);
    forward_linear(forward, down, forward->product, backward->down, count, 0);
}

/* Go back through a layer of the block, under the eyes of who watches. */
static void pass_back(struct backward *backward, size_t slot, const struct linear_pass *pass,
                      size_t own, float *back, const struct scale_gradient *gradients)
{
    static const struct scale_gradient none = {.rows = NULL};

    if (backward->watch)
        backward->watch(backward->watcher, slot, pass->u, pass->count, own);
    linear_backward(pass, backward->forward->workers, back, gradients ? &gradients[slot] : &none);
}

/* back += the derivatives by the input of one of the layers that have it */
static void add_part(struct backward *backward, size_t slot, const struct linear_pass *pass,
                     size_t own, float *back, const struct scale_gradient *gradients)
{
    pass_back(backward, slot, pass, own, backward->part, gradients);
    for (size_t i = 0; i < pass->count * pass->linear->columns; i++)
        back[i] += backward->part[i];
}

/* A layer whose input is normed: y and u are of its output. */
static void add_to_normed(struct backward *backward, const struct block *block,
                          enum linear_kind kind, struct linear_pass pass,
                          const struct scale_gradient *gradients)
{
    pass.linear = &block->linear[kind];
    pass.x = backward->forward->normed;
    add_part(backward, kind, &pass, pass.count, backward->normed, gradients);
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

void backward_expert(struct backward *backward, const struct block *block,
                     const struct expert_pass *pass, const struct scale_gradient *gradients,
                     float *x_back)
{
    const struct forward *const forward = backward->forward;
    const size_t slot = layers_slot(LINEAR_GATE, pass->expert);
    const struct linear *const linear = &block->linear[slot];
    const size_t inner = linear[0].rows;
    const struct linear_pass down = {.linear = &linear[LINEAR_DOWN - LINEAR_GATE],
                                     .x = forward->product,
                                     .y = backward->down,
                                     .u = pass->u,
                                     .count = pass->count};
    const struct linear_pass up = {.linear = &linear[LINEAR_UP - LINEAR_GATE],
                                   .x = pass->x,
                                   .y = forward->up,
                                   .u = backward->product,
                                   .count = pass->count};
    const struct linear_pass gate = {.linear = &linear[0],
                                     .x = pass->x,
                                     .y = backward->gate,
                                     .u = forward->product,
                                     .count = pass->count};
    /* The product itself is not needed any more behind down: its place takes the derivative by
     * gate. */
    const struct gate_pass both = {.activation = forward->config.activation,
                                   .gate = backward->gate,
                                   .up = forward->up,
                                   .u = backward->product,
                                   .gate_back = forward->product,
                                   .count = pass->count * inner};

    pass_back(backward, slot + LINEAR_DOWN - LINEAR_GATE, &down, pass->own, backward->product,
              gradients);
    gate_backward(&both, forward->workers);
    memset(x_back, 0, pass->count * forward->config.hidden * sizeof *x_back);
    add_part(backward, slot + LINEAR_UP - LINEAR_GATE, &up, pass->own, x_back, gradients);
    add_part(backward, slot, &gate, pass->own, x_back, gradients);
}

static void ffn_backward(struct backward *backward, const struct block *block, float *stream,
                         size_t count, const struct scale_gradient *gradients)
{
    struct forward *const forward = backward->forward;

    forward_ffn_input(forward, block, backward->middle, count);
    if (block->router) {
        mixture_backward(backward, block, stream, count, gradients);
    } else {
        backward_compute_expert(backward, block, 0, forward->normed, count);
        const float *const u =
            output_backward(backward, block->ffn_output_norm, backward->down, stream, count);
        const struct expert_pass pass = {
            .x = forward->normed, .u = u, .count = count, .own = count};
        backward_expert(backward, block, &pass, gradients, backward->normed);
    }
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

    pass_back(backward, LINEAR_O, &output, count, backward->mix, gradients);
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
