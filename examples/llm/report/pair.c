/* SPDX-License-Identifier: MIT */
#include "llm/report/pair.h"

#include <stdlib.h>

#include "llm/report/evaluate.h"
#include "common/interrupt.h"
#include "llm/model/squares.h"

enum { ORIGINAL, RESTORED, SIDES };

/* One model at the present block. */
struct side {
    struct forward *forward;
    const struct model *model;
    const struct block *block;
    float *hidden; /* of all tokens */
};

struct passage {
    const struct tokens *tokens;
    struct side sides[SIDES];
    struct layer_error *errors; /* of the present block; NULL if layers are not looked at */
    float *output;              /* of one layer for one batch */
    struct meter *meter;
};

/* The input of the layers first to last. Each step begins where the one before it ended. */
struct step {
    const float *(*reach)(struct forward *forward, const struct block *block, float *hidden,
                          size_t count);
    enum linear_kind first;
    enum linear_kind last;
};

static const float *reach_qkv(struct forward *forward, const struct block *block, float *hidden,
                              size_t count)
{
    forward_attention_input(forward, block, hidden, count);
    return forward->normed;
}

static const float *reach_o(struct forward *forward, const struct block *block, float *hidden,
                            size_t count)
{
    (void)hidden;
    forward_attention_mix(forward, block, count);
    return forward->mix;
}

static const float *reach_gate_up(struct forward *forward, const struct block *block, float *hidden,
                                  size_t count)
{
    forward_attention_output(forward, block, hidden, count);
    forward_ffn_input(forward, block, hidden, count);
    return forward->normed;
}

static const float *reach_down(struct forward *forward, const struct block *block, float *hidden,
                               size_t count)
{
    (void)hidden;
    forward_ffn_product(forward, block, count);
    return forward->product;
}

static const struct step steps[] = {
    {reach_qkv, LINEAR_Q, LINEAR_V},
    {reach_o, LINEAR_O, LINEAR_O},
    {reach_gate_up, LINEAR_GATE, LINEAR_UP},
    {reach_down, LINEAR_DOWN, LINEAR_DOWN},
};

enum { STEPS = sizeof steps / sizeof steps[0], ATTENTION_STEPS = 2 };

static void measure_layer(const struct passage *passage, size_t slot, const float *inputs[SIDES],
                          size_t count)
{
    const struct linear *const original = &passage->sides[ORIGINAL].block->linear[slot];
    const struct linear *const restored = &passage->sides[RESTORED].block->linear[slot];
    const struct forward *const forward = passage->sides[ORIGINAL].forward;
    struct layer_error *const error = &passage->errors[slot];
    float *const output = passage->output;

    error->input_energy += squares_sum(inputs[ORIGINAL], count * original->columns);
    error->input_error +=
        squares_distance(inputs[ORIGINAL], inputs[RESTORED], count * original->columns);
    forward_linear(forward, original, inputs[ORIGINAL], output, count, 0);
    error->output_energy += squares_sum(output, count * original->rows);
    forward_linear(forward, restored, inputs[RESTORED], output, count, -1);
    error->output_error += squares_sum(output, count * original->rows);
}

static void measure_steps(const struct passage *passage, size_t first, size_t count, size_t end)
{
    const size_t offset = first * passage->sides[ORIGINAL].model->config.hidden;

    for (size_t i = 0; i < end; i++) {
        const float *inputs[SIDES];
        for (size_t j = 0; j < SIDES; j++) {
            const struct side *const side = &passage->sides[j];
            inputs[j] = steps[i].reach(side->forward, side->block, side->hidden + offset, count);
        }
        for (size_t kind = steps[i].first; kind <= (size_t)steps[i].last; kind++)
            measure_layer(passage, kind, inputs, count);
    }
}

/* Tokens that the restored model sends to an expert, in both. */
static void measure_expert(const struct passage *passage, size_t expert, size_t count)
{
    struct mixture *const chooser = &passage->sides[RESTORED].forward->mixture;
    const struct routed *const routed = &chooser->routed;
    const float *inputs[SIDES];

    mixture_select(&chooser->routed, &chooser->routing, expert, count);
    for (size_t j = 0; j < SIDES; j++) {
        struct forward *const forward = passage->sides[j].forward;
        mixture_gather(routed, forward->normed, forward->config.hidden, forward->mixture.gathered);
        inputs[j] = forward->mixture.gathered;
    }
    measure_layer(passage, layers_slot(LINEAR_GATE, expert), inputs, routed->count);
    measure_layer(passage, layers_slot(LINEAR_UP, expert), inputs, routed->count);
    for (size_t j = 0; j < SIDES; j++) {
        struct forward *const forward = passage->sides[j].forward;
        forward_expert_product(forward, passage->sides[j].block, expert, inputs[j], routed->count);
        inputs[j] = forward->product;
    }
    measure_layer(passage, layers_slot(LINEAR_DOWN, expert), inputs, routed->count);
}

static void measure_experts(const struct passage *passage, size_t first, size_t count)
{
    const struct config *const config = &passage->sides[ORIGINAL].model->config;
    const struct side *const restored = &passage->sides[RESTORED];

    for (size_t j = 0; j < SIDES; j++) {
        const struct side *const side = &passage->sides[j];
        reach_gate_up(side->forward, side->block, side->hidden + first * config->hidden, count);
    }
    mixture_route(restored->forward, restored->block, count);
    for (size_t e = 0; e < config->mixture.experts; e++)
        measure_expert(passage, e, count);
    for (size_t j = 0; j < SIDES; j++) {
        const struct side *const side = &passage->sides[j];
        mixture_run(side->forward, side->block, side->hidden + first * config->hidden, count);
    }
}

static void measure_batch(const struct passage *passage, size_t first, size_t count)
{
    const size_t offset = first * passage->sides[ORIGINAL].model->config.hidden;

    if (passage->sides[ORIGINAL].block->router) {
        measure_steps(passage, first, count, ATTENTION_STEPS);
        measure_experts(passage, first, count);
        return;
    }
    measure_steps(passage, first, count, STEPS);
    for (size_t j = 0; j < SIDES; j++) {
        const struct side *const side = &passage->sides[j];
        forward_ffn_output(side->forward, side->block, side->hidden + offset, count);
    }
}

static bool measure_block(const struct passage *passage, struct failure *failure)
{
    const size_t capacity = passage->sides[ORIGINAL].forward->capacity;

    for (size_t first = 0; first < passage->tokens->count; first += capacity) {
        const size_t left = passage->tokens->count - first;
        if (!interrupt_none(failure))
            return false;
        measure_batch(passage, first, left < capacity ? left : capacity);
    }
    return true;
}

static bool pass_block(const struct passage *passage, struct failure *failure)
{
    if (passage->errors)
        return measure_block(passage, failure);
    for (size_t j = 0; j < SIDES; j++) {
        const struct side *const side = &passage->sides[j];
        if (!evaluate_block(side->forward, side->block, side->hidden, passage->tokens->count,
                            failure))
            return false;
    }
    return true;
}

static bool run_blocks(struct passage *passage, struct restored *restored, struct block *loaded,
                       struct layer_error *errors, struct failure *failure)
{
    struct side *const sides = passage->sides;

    for (size_t i = 0; i < restored->original->config.blocks; i++) {
        evaluate_show(passage->meter, i, restored->original->config.blocks);
        sides[ORIGINAL].block = model_block(restored->original, i, loaded, failure);
        if (!sides[ORIGINAL].block)
            return false;
        sides[RESTORED].block = restored_block(restored, i, sides[ORIGINAL].block, failure);
        if (!sides[RESTORED].block)
            return false;
        passage->errors = errors ? errors + layers_before(&restored->model.config, i) : NULL;
        for (size_t slot = 0; errors && slot < sides[RESTORED].block->layers; slot++)
            passage->errors[slot].info = restored->info[slot];
        if (!pass_block(passage, failure))
            return false;
        for (size_t j = 0; j < SIDES; j++)
            if (!forward_check(&sides[j].model->config, i, sides[j].hidden, passage->tokens->count,
                               failure))
                return false;
    }
    return true;
}

/* All tokens go through a block before the next one is looked at: of each model only one block is
 * in memory. */
static bool pass_tokens(struct passage *passage, struct restored *restored,
                        struct layer_error *errors, struct failure *failure)
{
    const size_t count = passage->tokens->count;
    struct block loaded = {.attention_norm = NULL};

    for (size_t j = 0; j < SIDES; j++) {
        const struct side *const side = &passage->sides[j];
        if (!forward_embed(side->model, passage->tokens->values, count, side->hidden, failure))
            return false;
    }
    bool ok = run_blocks(passage, restored, &loaded, errors, failure);
    block_free(&loaded);
    for (size_t j = 0; ok && j < SIDES; j++) {
        const struct side *const side = &passage->sides[j];
        ok = evaluate_norm(side->forward, side->model, side->hidden, count, failure);
    }
    return ok;
}

/* Room for a batch of the widest output. */
static bool create_output(struct passage *passage, const struct config *config,
                          struct failure *failure)
{
    const size_t query = config->heads * config->head_dim;
    const size_t length = config_largest_intermediate(config);
    const size_t inner = length > query ? length : query;
    const size_t widest = inner > config->hidden ? inner : config->hidden;

    passage->output =
        malloc(passage->sides[ORIGINAL].forward->capacity * widest * sizeof *passage->output);
    return passage->output || refuse(failure, "out of memory for the outputs of layers");
}

static bool run_passage(struct passage *passage, struct pair *pair, struct restored *restored,
                        struct failure *failure)
{
    if (pair->errors && !create_output(passage, &restored->model.config, failure))
        return false;
    const bool ok = pass_tokens(passage, restored, pair->errors, failure);
    free(passage->output);
    return ok;
}

static bool run_sides(struct pair *pair, struct restored *restored, const struct tokens *tokens,
                      size_t window, struct meter *meter, struct failure *failure)
{
    const struct config *const config = &restored->model.config;
    struct forward forward[SIDES];
    struct passage passage = {
        .tokens = tokens,
        .meter = meter,
        .sides = {
            [ORIGINAL] = {&forward[ORIGINAL], restored->original, NULL, pair->original},
            [RESTORED] = {&forward[RESTORED], &restored->model, NULL, pair->restored},
        }};

    if (!forward_create(&forward[ORIGINAL], config, window, failure))
        return false;
    const bool created = forward_create(&forward[RESTORED], config, window, failure);
    const bool ok = created && run_passage(&passage, pair, restored, failure);
    forward_free(&forward[ORIGINAL]);
    if (created)
        forward_free(&forward[RESTORED]);
    return ok;
}

bool pair_run(struct pair *pair, struct restored *restored, const struct tokens *tokens,
              size_t window, bool layers, struct meter *meter, struct failure *failure)
{
    const struct config *const config = &restored->model.config;
    const size_t bytes = tokens->count * config->hidden * sizeof(float);

    *pair = (struct pair){.original = malloc(bytes), .restored = malloc(bytes)};
    if (layers)
        pair->errors = calloc(layers_count(config), sizeof *pair->errors);
    if (!pair->original || !pair->restored || (layers && !pair->errors))
        return refuse(failure, "out of memory for the states of %zu tokens", tokens->count);
    return run_sides(pair, restored, tokens, window, meter, failure);
}

void pair_free(struct pair *pair)
{
    free(pair->original);
    free(pair->restored);
    free(pair->errors);
    *pair = (struct pair){.errors = NULL};
}

double pair_input_error(const struct layer_error *error)
{
    return error->input_energy > 0 ? error->input_error / error->input_energy : 0;
}

double pair_output_error(const struct layer_error *error)
{
    return error->output_energy > 0 ? error->output_error / error->output_energy : 0;
}
