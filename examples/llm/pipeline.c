/* SPDX-License-Identifier: MIT */
#include "llm/pipeline.h"

#include <stdio.h>
#include <stdlib.h>

#include "llm/interrupt.h"
#include "llm/work.h"

struct run {
    struct model *model;
    const struct tokens *tokens;
    const struct recipe *recipe;
    struct stream_text text;
    const struct stretch *stretch;
    wsic_context *context;
    layer_function *quantize;
    void *self;
    struct failure *failure;
    struct stream live;    /* through the model as quantized so far */
    struct stream clean;   /* through the original, if the recipe compares the two */
    struct block block;    /* the present one; its layers are quantized one after the other */
    struct block original; /* the same with its original weights, for clean */
    float *residual;       /* of a batch: what hidden has lost */
    double *importance;    /* of a batch's tokens; NULL if the recipe does not ask for it */
    size_t done;           /* layers */
    struct work work;      /* of one block */
    double worked;
};

/* What is gathered at a place. */
struct gathered {
    wsic_stats *stats;
    wsic_stats *weighted; /* NULL for none */
};

static double fraction_done(const struct run *run)
{
    const struct stretch *const stretch = run->stretch;
    const double part = run->worked / work_total(&run->work, &run->model->config);

    return stretch->from + part * (stretch->to - stretch->from);
}

static void subtract_hidden(const struct run *run, const struct stretch_of_text *text)
{
    const float *const clean = stream_hidden(&run->clean, text->first);
    const float *const live = stream_hidden(&run->live, text->first);

    for (size_t i = 0; i < text->count * run->model->config.hidden; i++)
        run->residual[i] = clean[i] - live[i];
}

/* What statistics are to hold of a place, over weighted tokens if weights is not NULL. Without
 * drift but with residuals the layer is fitted to what it does in the quantized model: that is a
 * pair of twice the same input. */
static wsic_status add_inputs(const struct run *run, const struct site *site, wsic_stats *stats,
                              const double *weights, const struct stretch_of_text *text,
                              const float *live, const float *clean)
{
    const size_t columns = wsic_stats_columns(stats);
    const bool residual = run->recipe->residual && site->adds;
    wsic_matrix input, quantized, lost;

    wsic_matrix_init(&quantized, sizeof quantized, (void *)live, WSIC_F32, text->count, columns, 0);
    if (!run->recipe->drift && !residual)
        return wsic_stats_add_activations(stats, &quantized, weights);
    wsic_matrix_init(&input, sizeof input, (void *)(run->recipe->drift ? clean : live), WSIC_F32,
                     text->count, columns, 0);
    if (!residual)
        return wsic_stats_add_pair(stats, &input, &quantized, NULL, weights);
    subtract_hidden(run, text);
    wsic_matrix_init(&lost, sizeof lost, run->residual, WSIC_F32, text->count,
                     run->model->config.hidden, 0);
    return wsic_stats_add_pair(stats, &input, &quantized, &lost, weights);
}

static bool gather(struct run *run, const struct site *site, const struct gathered *gathered,
                   const struct stretch_of_text *text, const float *live, const float *clean)
{
    if (add_inputs(run, site, gathered->stats, NULL, text, live, clean) < 0)
        return refuse(run->failure, "calibration: %s", wsic_stats_message(gathered->stats));
    if (!gathered->weighted)
        return true;
    forward_attention_mix(&run->clean.forward, &run->original, text->count);
    forward_importance(&run->clean.forward, text->count, run->importance);
    if (add_inputs(run, site, gathered->weighted, run->importance, text, live, clean) < 0)
        return refuse(run->failure, "calibration: %s", wsic_stats_message(gathered->weighted));
    return true;
}

static bool pass_batch(struct run *run, const struct block *block, const struct site *site,
                       const struct gathered *gathered, const struct stretch_of_text *text)
{
    const float *const live = site->reach(&run->live, block, text);
    const float *const clean =
        recipe_compares(run->recipe) ? site->reach(&run->clean, &run->original, text) : NULL;

    if (interrupt_pending())
        return refuse(run->failure, "interrupted");
    return !gathered || gather(run, site, gathered, text, live, clean);
}

/* A part of a pass is done. */
static void show_pass(struct run *run, size_t number, double part)
{
    char what[2 * MODEL_NAME_SIZE];

    run->worked += part * run->work.pass[number];
    /* All layers of the block are done when its end is gone to. */
    const size_t block = (run->done - (number == SITES)) / LINEAR_KINDS;
    snprintf(what, sizeof what, "%s block %zu, pass %zu of %d", run->stretch->label, block,
             number + 1, SITES + 1);
    meter_update(run->stretch->meter, fraction_done(run), what);
}

/* Go over the calibration text up to a site, in both models at once; gather what is seen
 * there unless gathered is NULL. */
static bool pass(struct run *run, const struct block *block, const struct site *site,
                 const struct gathered *gathered)
{
    const size_t capacity = run->live.forward.capacity;
    const size_t number = site == &stream_end ? SITES : (size_t)(site - stream_sites);

    for (size_t first = 0; first < run->tokens->count; first += capacity) {
        const size_t left = run->tokens->count - first;
        const struct stretch_of_text text = {.first = first,
                                             .count = left < capacity ? left : capacity};
        if (!pass_batch(run, block, site, gathered, &text))
            return false;
        show_pass(run, number, (double)text.count / (double)run->tokens->count);
    }
    return true;
}

static bool quantize_layer(struct run *run, size_t block, enum linear_kind kind,
                           const struct gathered *gathered)
{
    char name[MODEL_NAME_SIZE];
    char what[2 * MODEL_NAME_SIZE];

    model_linear_name(name, block, kind);
    snprintf(what, sizeof what, "%s %s", run->stretch->label, name);
    meter_show(run->stretch->meter, fraction_done(run), what);
    if (interrupt_pending())
        return refuse(run->failure, "interrupted");

    const struct layer_task task = {.name = name,
                                    .number = run->done,
                                    .linear = &run->block.linear[kind],
                                    .stats = gathered->stats,
                                    .weighted = gathered->weighted,
                                    .attention = run->recipe->attention};
    run->done++;
    run->worked += run->work.layer[kind];
    return run->quantize(run->self, &task, run->failure);
}

static bool quantize_site(struct run *run, size_t block, const struct site *site,
                          const struct gathered *gathered)
{
    for (size_t kind = site->first; kind <= (size_t)site->last; kind++)
        if (!quantize_layer(run, block, (enum linear_kind)kind, gathered))
            return false;
    return true;
}

static bool calibrate_site(struct run *run, size_t number, const struct site *site)
{
    const struct block *const block = &run->block;
    const size_t columns = block->linear[site->first].columns;
    const bool weighted = run->recipe->attention > 0 && site->first == LINEAR_Q;
    struct gathered gathered = {.stats = NULL};

    const bool ok =
        wsic_stats_create(run->context, columns, &gathered.stats) < 0 ||
                (weighted && wsic_stats_create(run->context, columns, &gathered.weighted) < 0)
            ? refuse(run->failure, "calibration: %s", wsic_context_message(run->context))
            : pass(run, block, site, &gathered) && quantize_site(run, number, site, &gathered);
    wsic_stats_destroy(gathered.weighted);
    wsic_stats_destroy(gathered.stats);
    return ok;
}

static bool quantize_block(struct run *run, size_t number)
{
    const struct gathered nothing = {.stats = NULL};

    for (size_t i = 0; i < SITES; i++) {
        const struct site *const site = &stream_sites[i];
        const bool ok = run->recipe->statistics ? calibrate_site(run, number, site)
                                                : quantize_site(run, number, site, &nothing);
        if (!ok)
            return false;
    }
    /* Nothing looks at what the last block makes of the text. */
    if (!run->recipe->statistics || number + 1 == run->model->config.blocks)
        return true;
    return pass(run, &run->block, &stream_end, NULL);
}

static bool load_block(struct run *run, size_t number)
{
    return model_load_block(run->model, number, &run->block, run->failure) &&
           (!recipe_compares(run->recipe) ||
            model_load_block(run->model, number, &run->original, run->failure));
}

/* Leave the block to a model in memory. */
static void hand_out(struct run *run, size_t number)
{
    if (!run->model->blocks)
        return;
    block_free(&run->model->blocks[number]);
    run->model->blocks[number] = run->block;
    run->block = (struct block){.attention_norm = NULL};
}

static bool run_block(struct run *run, size_t number)
{
    const bool ok = load_block(run, number) && quantize_block(run, number);

    if (ok)
        hand_out(run, number);
    block_free(&run->block);
    block_free(&run->original);
    return ok;
}

static bool run_blocks(struct run *run)
{
    for (size_t i = 0; i < run->model->config.blocks; i++)
        if (!run_block(run, i))
            return false;
    return true;
}

static bool create_residual(struct run *run)
{
    run->residual =
        malloc(run->live.forward.capacity * run->model->config.hidden * sizeof *run->residual);
    return run->residual || refuse(run->failure, "out of memory for the losses of the states");
}

static bool create_importance(struct run *run)
{
    run->importance = malloc(run->clean.forward.capacity * sizeof *run->importance);
    return run->importance ? forward_watch_importance(&run->clean.forward, run->failure)
                           : refuse(run->failure, "out of memory for the importance of tokens");
}

static bool run_compared(struct run *run)
{
    if (!stream_create(&run->clean, run->model, &run->text, run->failure))
        return false;
    const bool ok = create_residual(run) &&
                    (run->recipe->attention == 0 || create_importance(run)) && run_blocks(run);
    free(run->residual);
    free(run->importance);
    stream_free(&run->clean);
    return ok;
}

static bool run_calibrated(struct run *run)
{
    if (!stream_create(&run->live, run->model, &run->text, run->failure))
        return false;
    const bool ok = recipe_compares(run->recipe) ? run_compared(run) : run_blocks(run);
    stream_free(&run->live);
    return ok;
}

struct stream_text pipeline_text(const struct calibration *calibration)
{
    return (struct stream_text){.tokens = calibration->tokens,
                                .window = calibration->window,
                                .keep = !calibration->low_memory};
}

bool pipeline_run(struct model *model, const struct calibration *calibration,
                  const struct stretch *stretch, wsic_context *context, layer_function *quantize,
                  void *self, struct failure *failure)
{
    struct run run = {.model = model,
                      .tokens = calibration->tokens,
                      .recipe = calibration->recipe,
                      .text = pipeline_text(calibration),
                      .work = work_expected(&model->config, calibration),
                      .stretch = stretch,
                      .context = context,
                      .quantize = quantize,
                      .self = self,
                      .failure = failure};

    return calibration->recipe->statistics ? run_calibrated(&run) : run_blocks(&run);
}
