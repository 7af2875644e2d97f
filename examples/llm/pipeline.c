/* SPDX-License-Identifier: MIT */
#include "llm/pipeline.h"

#include <stdio.h>

#include "llm/gather.h"
#include "llm/interrupt.h"
#include "llm/mixing.h"

struct run {
    struct model *model;
    const struct calibration *calibration;
    const struct recipe *recipe;
    const struct stretch *stretch;
    wsic_context *context;
    layer_function *quantize;
    void *self;
    struct failure *failure;
    struct gatherer gatherer;
    struct pair_of_blocks blocks; /* the present one */
    size_t done;                  /* layers */
};

static void show_progress(const struct run *run, const char *name)
{
    const struct stretch *const stretch = run->stretch;
    const double part = (double)run->done / (double)(run->model->config.blocks * LINEAR_KINDS);
    char what[2 * MODEL_NAME_SIZE];

    snprintf(what, sizeof what, "%s %s", stretch->label, name);
    meter_show(stretch->meter, stretch->from + part * (stretch->to - stretch->from), what);
}

/* What the layers of a site share. */
struct shared {
    struct gathered gathered;
    struct mix mix;
    const struct mixing_result *mixing;
};

static struct layer_task make_task(struct run *run, size_t block, enum linear_kind kind,
                                   const struct shared *shared, char name[MODEL_NAME_SIZE])
{
    const struct exclusions *const exclusions = run->model->exclusions;
    const size_t number = block * LINEAR_KINDS + (size_t)kind;

    model_linear_name(name, block, kind);
    return (struct layer_task){.name = name,
                               .number = number,
                               .exclusion = exclusions ? &exclusions->of[number] : NULL,
                               .linear = &run->blocks.quantized.linear[kind],
                               .stats = shared->gathered.stats,
                               .weighted = shared->gathered.weighted,
                               .mix = shared->mix,
                               .mixing = shared->mixing};
}

static bool quantize_site(struct run *run, size_t block, const struct site *site,
                          const struct shared *shared)
{
    char name[MODEL_NAME_SIZE];

    for (size_t kind = site->first; kind <= (size_t)site->last; kind++) {
        const struct layer_task task = make_task(run, block, (enum linear_kind)kind, shared, name);
        show_progress(run, name);
        if (interrupt_pending())
            return refuse(run->failure, "interrupted");
        run->done++;
        if (task.exclusion && task.exclusion->skipped)
            continue;
        if (!run->quantize(run->self, &task, run->failure))
            return false;
    }
    return true;
}

static bool search_mix(struct run *run, size_t block, const struct shared *shared,
                       struct mixing_result *result)
{
    char names[MIXED_LAYERS][MODEL_NAME_SIZE];
    struct layer_task tasks[MIXED_LAYERS];

    for (size_t kind = 0; kind < MIXED_LAYERS; kind++)
        tasks[kind] = make_task(run, block, (enum linear_kind)kind, shared, names[kind]);
    show_progress(run, "mixture");
    return mixing_search(run->calibration->drafts, &run->gatherer, &run->blocks, tasks, result,
                         run->failure);
}

/* Only the inputs of query, key and value are mixed. */
static bool mix_and_quantize(struct run *run, size_t block, const struct site *site,
                             const struct gathered *gathered)
{
    struct shared shared = {.gathered = *gathered};
    struct mixing_result result;

    if (site->first != LINEAR_Q)
        return quantize_site(run, block, site, &shared);
    shared.mix = run->recipe->mix;
    if (run->recipe->mixing) {
        if (!search_mix(run, block, &shared, &result))
            return false;
        shared.mix = result.mix;
        shared.mixing = &result;
    }
    return quantize_site(run, block, site, &shared);
}

static bool calibrate_site(struct run *run, size_t number, const struct site *site)
{
    const size_t columns = run->blocks.quantized.linear[site->first].columns;
    const bool weighted = recipe_weights(run->recipe) && site->first == LINEAR_Q;
    struct gathered gathered = {.stats = NULL};

    const bool ok =
        wsic_stats_create(run->context, columns, &gathered.stats) < 0 ||
                (weighted && wsic_stats_create(run->context, columns, &gathered.weighted) < 0)
            ? refuse(run->failure, "calibration: %s", wsic_context_message(run->context))
            : gather_pass(&run->gatherer, &run->blocks, site, &gathered, run->failure) &&
                  mix_and_quantize(run, number, site, &gathered);
    wsic_stats_destroy(gathered.weighted);
    wsic_stats_destroy(gathered.stats);
    return ok;
}

static bool quantize_block(struct run *run, size_t number)
{
    const struct shared nothing = {.mixing = NULL};

    for (size_t i = 0; i < SITES; i++) {
        const struct site *const site = &stream_sites[i];
        const bool ok = run->recipe->statistics ? calibrate_site(run, number, site)
                                                : quantize_site(run, number, site, &nothing);
        if (!ok)
            return false;
    }
    /* Nothing looks at what the last block makes of the text. */
    return !run->recipe->statistics || number + 1 == run->model->config.blocks ||
           gather_pass(&run->gatherer, &run->blocks, &stream_end, NULL, run->failure);
}

static bool load_block(struct run *run, size_t number)
{
    return model_load_block(run->model, number, &run->blocks.quantized, run->failure) &&
           (!recipe_compares(run->recipe) ||
            model_load_block(run->model, number, &run->blocks.original, run->failure));
}

/* Leave the block to a model in memory. */
static void hand_out(struct run *run, size_t number)
{
    if (!run->model->blocks)
        return;
    block_free(&run->model->blocks[number]);
    run->model->blocks[number] = run->blocks.quantized;
    run->blocks.quantized = (struct block){.attention_norm = NULL};
}

static bool run_block(struct run *run, size_t number)
{
    const bool ok = load_block(run, number) && quantize_block(run, number);

    if (ok)
        hand_out(run, number);
    block_free(&run->blocks.quantized);
    block_free(&run->blocks.original);
    return ok;
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
    const struct calibration *const calibration = run->calibration;

    if (!gather_begin(&run->gatherer, run->model, calibration->tokens, calibration->window,
                      run->recipe, run->failure))
        return false;
    const bool ok = run_blocks(run);
    gather_end(&run->gatherer);
    return ok;
}

bool pipeline_run(struct model *model, const struct calibration *calibration,
                  const struct stretch *stretch, wsic_context *context, layer_function *quantize,
                  void *self, struct failure *failure)
{
    struct run run = {.model = model,
                      .calibration = calibration,
                      .recipe = calibration->recipe,
                      .stretch = stretch,
                      .context = context,
                      .quantize = quantize,
                      .self = self,
                      .failure = failure};

    return run.recipe->statistics ? run_calibrated(&run) : run_blocks(&run);
}
