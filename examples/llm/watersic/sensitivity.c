/* SPDX-License-Identifier: MIT */
#include "llm/watersic/sensitivity.h"

#include <stdlib.h>
#include <string.h>

#include "llm/report/evaluate.h"

/* States of the whole sample, as in the reference if that is not NULL. NULL on failure. */
static float *create_states(const struct sensitivity_probe *probe, const float *like,
                            struct failure *failure)
{
    const size_t bytes = probe->tokens->count * probe->model->config.hidden * sizeof(float);
    float *const states = malloc(bytes);

    if (states && like)
        memcpy(states, like, bytes);
    if (!states)
        refuse(failure, "out of memory for the states of %zu tokens", probe->tokens->count);
    return states;
}

/* Take states through a block, or through the last norm if it is NULL. */
static bool run_step(struct sensitivity_probe *probe, const struct block *block, float *states,
                     struct failure *failure)
{
    const size_t count = probe->tokens->count;

    return block ? evaluate_block(&probe->forward, block, states, count, failure)
                 : evaluate_norm(&probe->forward, probe->model, states, count, failure);
}

/* The same for several states (NULL: none). */
static bool run_steps(struct sensitivity_probe *probe, const struct block *block,
                      float *const states[], size_t count, struct failure *failure)
{
    for (size_t i = 0; i < count; i++)
        if (states[i] && !run_step(probe, block, states[i], failure))
            return false;
    return true;
}

/* Bring several states from the beginning of a block to the head. Every block is
 * loaded once for all of them. */
static bool run_rest(struct sensitivity_probe *probe, size_t number, float *const states[],
                     size_t count, struct failure *failure)
{
    struct block block;

    for (; number < probe->model->config.blocks; number++) {
        if (!model_load_block(probe->model, number, &block, failure))
            return false;
        const bool ok = run_steps(probe, &block, states, count, failure);
        block_free(&block);
        if (!ok)
            return false;
    }
    return run_steps(probe, NULL, states, count, failure);
}

/* The states where a block begins, those at the end of the model, and those that each layer
 * changes. */
uint64_t sensitivity_held(const struct config *config, size_t window, size_t tokens)
{
    return block_memory(config) +
           (uint64_t)tokens * config->hidden * (2 + LINEAR_KINDS) * sizeof(float) +
           forward_memory(config, window, tokens);
}

/* A block on the way to the head, and then logits. */
uint64_t sensitivity_passing(const struct config *config, size_t tokens)
{
    const uint64_t block = block_memory(config);
    const uint64_t logits = evaluate_memory(config, tokens, true);

    return block > logits ? block : logits;
}

bool sensitivity_begin(struct sensitivity_probe *probe, const struct model *model,
                       const struct tokens *tokens, size_t window, struct failure *failure)
{
    *probe = (struct sensitivity_probe){.model = model, .tokens = tokens};
    return forward_create(&probe->forward, &model->config, window, failure) &&
           (probe->entry = create_states(probe, NULL, failure)) &&
           forward_embed(model, tokens->values, tokens->count, probe->entry, failure) &&
           (probe->reference = create_states(probe, probe->entry, failure)) &&
           run_rest(probe, 0, &probe->reference, 1, failure) &&
           model_load_block(model, 0, &probe->block, failure);
}

static void forget_changes(struct sensitivity_probe *probe)
{
    for (size_t kind = 0; kind < LINEAR_KINDS; kind++) {
        free(probe->changed[kind]);
        probe->changed[kind] = NULL;
    }
}

void sensitivity_end(struct sensitivity_probe *probe)
{
    forget_changes(probe);
    block_free(&probe->block);
    free(probe->reference);
    free(probe->entry);
    forward_free(&probe->forward);
}

bool sensitivity_change(struct sensitivity_probe *probe, enum linear_kind kind, float *weights,
                        struct failure *failure)
{
    struct linear *const linear = &probe->block.linear[kind];
    float *const original = linear->weights;

    free(probe->changed[kind]);
    probe->changed[kind] = create_states(probe, probe->entry, failure);
    linear->weights = weights;
    const bool ok =
        probe->changed[kind] && run_step(probe, &probe->block, probe->changed[kind], failure);
    linear->weights = original;
    return ok;
}

static bool enter_next(struct sensitivity_probe *probe, struct failure *failure)
{
    forget_changes(probe);
    if (!run_step(probe, &probe->block, probe->entry, failure))
        return false;
    block_free(&probe->block);
    probe->number++;
    return probe->number == probe->model->config.blocks ||
           model_load_block(probe->model, probe->number, &probe->block, failure);
}

bool sensitivity_measure(struct sensitivity_probe *probe, double divergences[LINEAR_KINDS],
                         struct failure *failure)
{
    if (!run_rest(probe, probe->number + 1, probe->changed, LINEAR_KINDS, failure))
        return false;
    for (size_t kind = 0; kind < LINEAR_KINDS; kind++) {
        struct evaluation evaluation = {.kl_bits = 0};
        if (probe->changed[kind] &&
            !evaluate_states(&evaluation, probe->model, probe->tokens, probe->forward.window,
                             probe->changed[kind], probe->reference, failure))
            return false;
        divergences[kind] = evaluation.kl_bits;
    }
    return enter_next(probe, failure);
}
