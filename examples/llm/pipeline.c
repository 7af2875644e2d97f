/* SPDX-License-Identifier: MIT */
#include "llm/pipeline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "llm/forward.h"
#include "llm/interrupt.h"

struct run {
    struct model *model;
    const struct tokens *tokens;
    const struct recipe *recipe;
    const struct stretch *stretch;
    wsic_context *context;
    layer_function *quantize;
    void *self;
    struct failure *failure;
    struct forward forward;
    float *hidden; /* of all calibration tokens, at the present block */
    float *kept;   /* of all of them, what one site leaves for the next */
    size_t kept_length;
    size_t done; /* layers */
};

/* Some tokens, whole windows of them. */
struct batch {
    size_t count;
    float *hidden;
    float *kept;
};

/* A place in a block where the input of linear layers can be seen. A pass over the calibration text
 * goes from one place to the next: with the mix of attention and the product of the feed-forward
 * layers kept, no layer is applied twice. */
struct site {
    /* Compute the input of the layers. May move hidden on: the layers that it applies are quantized
     * already. */
    const float *(*reach)(struct forward *forward, const struct block *block,
                          const struct batch *batch);
    enum linear_kind first; /* layers that have this input */
    enum linear_kind last;
};

static const float *reach_qkv(struct forward *forward, const struct block *block,
                              const struct batch *batch)
{
    forward_attention_input(forward, block, batch->hidden, batch->count);
    return forward->normed;
}

static size_t mix_bytes(const struct forward *forward, size_t count)
{
    return count * forward->config.heads * forward->config.head_dim * sizeof(float);
}

static const float *reach_o(struct forward *forward, const struct block *block,
                            const struct batch *batch)
{
    forward_attention_input(forward, block, batch->hidden, batch->count);
    forward_attention_mix(forward, block, batch->count);
    memcpy(batch->kept, forward->mix, mix_bytes(forward, batch->count));
    return forward->mix;
}

static const float *reach_gate_up(struct forward *forward, const struct block *block,
                                  const struct batch *batch)
{
    memcpy(forward->mix, batch->kept, mix_bytes(forward, batch->count));
    forward_attention_output(forward, block, batch->hidden, batch->count);
    forward_ffn_input(forward, block, batch->hidden, batch->count);
    return forward->normed;
}

static size_t product_bytes(const struct forward *forward, size_t count)
{
    return count * forward->config.intermediate * sizeof(float);
}

static const float *reach_down(struct forward *forward, const struct block *block,
                               const struct batch *batch)
{
    forward_ffn_input(forward, block, batch->hidden, batch->count);
    forward_ffn_product(forward, block, batch->count);
    memcpy(batch->kept, forward->product, product_bytes(forward, batch->count));
    return forward->product;
}

static const float *reach_end(struct forward *forward, const struct block *block,
                              const struct batch *batch)
{
    memcpy(forward->product, batch->kept, product_bytes(forward, batch->count));
    forward_ffn_output(forward, block, batch->hidden, batch->count);
    return batch->hidden;
}

static const struct site sites[] = {
    {reach_qkv, LINEAR_Q, LINEAR_V},
    {reach_o, LINEAR_O, LINEAR_O},
    {reach_gate_up, LINEAR_GATE, LINEAR_UP},
    {reach_down, LINEAR_DOWN, LINEAR_DOWN},
};

static const struct site block_end = {reach_end, LINEAR_DOWN, LINEAR_DOWN};

static bool add_batch(struct run *run, wsic_stats *stats, const float *input, size_t count)
{
    wsic_matrix batch;

    wsic_matrix_init(&batch, sizeof batch, input, WSIC_F32, count, wsic_stats_columns(stats), 0);
    if (wsic_stats_add_activations(stats, &batch, NULL) < 0)
        return refuse(run->failure, "calibration: %s", wsic_stats_message(stats));
    return true;
}

/* Go over the calibration text up to a site; add what is seen there to stats unless it is NULL. */
static bool pass(struct run *run, const struct block *block, const struct site *site,
                 wsic_stats *stats)
{
    for (size_t first = 0; first < run->tokens->count; first += run->forward.capacity) {
        const size_t left = run->tokens->count - first;
        const struct batch batch = {
            .count = left < run->forward.capacity ? left : run->forward.capacity,
            .hidden = run->hidden + first * run->model->config.hidden,
            .kept = run->kept + first * run->kept_length,
        };
        const float *const input = site->reach(&run->forward, block, &batch);
        if (interrupt_pending())
            return refuse(run->failure, "interrupted");
        if (stats && !add_batch(run, stats, input, batch.count))
            return false;
    }
    return true;
}

static bool quantize_layer(struct run *run, size_t block, enum linear_kind kind,
                           const wsic_stats *stats)
{
    const struct stretch *const stretch = run->stretch;
    const double part = (double)run->done / (double)(run->model->config.blocks * LINEAR_KINDS);
    char name[MODEL_NAME_SIZE];
    char what[2 * MODEL_NAME_SIZE];

    model_linear_name(name, block, kind);
    snprintf(what, sizeof what, "%s %s", stretch->label, name);
    meter_show(stretch->meter, stretch->from + part * (stretch->to - stretch->from), what);
    if (interrupt_pending())
        return refuse(run->failure, "interrupted");

    const struct layer_task task = {.name = name,
                                    .number = run->done,
                                    .linear = &run->model->blocks[block].linear[kind],
                                    .stats = stats};
    run->done++;
    return run->quantize(run->self, &task, run->failure);
}

static bool quantize_site(struct run *run, size_t block, const struct site *site,
                          const wsic_stats *stats)
{
    for (size_t kind = site->first; kind <= (size_t)site->last; kind++)
        if (!quantize_layer(run, block, (enum linear_kind)kind, stats))
            return false;
    return true;
}

static bool calibrate_site(struct run *run, size_t number, const struct site *site)
{
    const struct block *const block = &run->model->blocks[number];
    wsic_stats *stats;

    if (wsic_stats_create(run->context, block->linear[site->first].columns, &stats) < 0)
        return refuse(run->failure, "calibration: %s", wsic_context_message(run->context));
    const bool ok = pass(run, block, site, stats) && quantize_site(run, number, site, stats);
    wsic_stats_destroy(stats);
    return ok;
}

static bool run_block(struct run *run, size_t number)
{
    for (size_t i = 0; i < sizeof sites / sizeof sites[0]; i++) {
        const bool ok = run->recipe->statistics ? calibrate_site(run, number, &sites[i])
                                                : quantize_site(run, number, &sites[i], NULL);
        if (!ok)
            return false;
    }
    /* Nothing looks at what the last block makes of the text. */
    if (!run->recipe->statistics || number + 1 == run->model->config.blocks)
        return true;
    return pass(run, &run->model->blocks[number], &block_end, NULL);
}

static bool run_blocks(struct run *run)
{
    for (size_t i = 0; i < run->model->config.blocks; i++)
        if (!run_block(run, i))
            return false;
    return true;
}

static bool run_calibrated(struct run *run)
{
    const struct config *const config = &run->model->config;

    const size_t mix = config->heads * config->head_dim;

    run->kept_length = config->intermediate > mix ? config->intermediate : mix;
    run->hidden = malloc(run->tokens->count * config->hidden * sizeof *run->hidden);
    run->kept = malloc(run->tokens->count * run->kept_length * sizeof *run->kept);
    bool ok = run->hidden && run->kept;
    if (!ok)
        refuse(run->failure, "out of memory for the states of %zu tokens", run->tokens->count);
    ok = ok && forward_create(&run->forward, config, run->recipe->window, run->failure);
    if (ok) {
        forward_embed(run->model, run->tokens->values, run->tokens->count, run->hidden);
        ok = run_blocks(run);
        forward_free(&run->forward);
    }
    free(run->kept);
    free(run->hidden);
    return ok;
}

bool pipeline_run(struct model *model, const struct tokens *tokens, const struct recipe *recipe,
                  const struct stretch *stretch, wsic_context *context, layer_function *quantize,
                  void *self, struct failure *failure)
{
    struct run run = {.model = model,
                      .tokens = tokens,
                      .recipe = recipe,
                      .stretch = stretch,
                      .context = context,
                      .quantize = quantize,
                      .self = self,
                      .failure = failure};

    return recipe->statistics ? run_calibrated(&run) : run_blocks(&run);
}
