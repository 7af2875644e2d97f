/* SPDX-License-Identifier: MIT */
#include "llm/pipeline.h"

#include <stdio.h>

#include "llm/gather.h"
#include "llm/interrupt.h"

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
    size_t done; /* layers */
};

static void show_progress(const struct run *run, const char *name)
{
    const struct stretch *const stretch = run->stretch;
    const double part = (double)run->done / (double)(run->model->config.blocks * LINEAR_KINDS);
    char what[2 * MODEL_NAME_SIZE];

    snprintf(what, sizeof what, "%s %s", stretch->label, name);
    meter_show(stretch->meter, stretch->from + part * (stretch->to - stretch->from), what);
}

static bool quantize_layer(struct run *run, size_t block, enum linear_kind kind,
                           const struct gathered *gathered, struct mix mix)
{
    char name[MODEL_NAME_SIZE];

    model_linear_name(name, block, kind);
    show_progress(run, name);
    if (interrupt_pending())
        return refuse(run->failure, "interrupted");

    const struct layer_task task = {.name = name,
                                    .number = run->done,
                                    .linear = &run->model->blocks[block].linear[kind],
                                    .stats = gathered->stats,
                                    .weighted = gathered->weighted,
                                    .mix = mix};
    run->done++;
    return run->quantize(run->self, &task, run->failure);
}

static bool quantize_site(struct run *run, size_t block, const struct site *site,
                          const struct gathered *gathered)
{
    const struct mix none = {.clean = 0};
    const struct mix mix = site->first == LINEAR_Q ? run->recipe->mix : none;

    for (size_t kind = site->first; kind <= (size_t)site->last; kind++)
        if (!quantize_layer(run, block, (enum linear_kind)kind, gathered, mix))
            return false;
    return true;
}

static bool calibrate_site(struct run *run, size_t number, const struct site *site)
{
    const struct block *const block = &run->model->blocks[number];
    const size_t columns = block->linear[site->first].columns;
    const bool weighted = recipe_weights(run->recipe) && site->first == LINEAR_Q;
    struct gathered gathered = {.stats = NULL};

    const bool ok =
        wsic_stats_create(run->context, columns, &gathered.stats) < 0 ||
                (weighted && wsic_stats_create(run->context, columns, &gathered.weighted) < 0)
            ? refuse(run->failure, "calibration: %s", wsic_context_message(run->context))
            : gather_pass(&run->gatherer, block, site, &gathered, run->failure) &&
                  quantize_site(run, number, site, &gathered);
    wsic_stats_destroy(gathered.weighted);
    wsic_stats_destroy(gathered.stats);
    return ok;
}

static bool calibrate_block(struct run *run, size_t number)
{
    const struct block *const block = &run->model->blocks[number];

    gather_enter(&run->gatherer, block);
    for (size_t i = 0; i < SITES; i++)
        if (!calibrate_site(run, number, &stream_sites[i]))
            return false;
    /* Nothing looks at what the last block makes of the text. */
    return number + 1 == run->model->config.blocks ||
           gather_pass(&run->gatherer, block, &stream_end, NULL, run->failure);
}

static bool run_calibrated(struct run *run)
{
    const struct calibration *const calibration = run->calibration;
    bool ok = true;

    if (!gather_begin(&run->gatherer, run->model, calibration->tokens, calibration->window,
                      run->recipe, run->failure))
        return false;
    for (size_t i = 0; ok && i < run->model->config.blocks; i++)
        ok = calibrate_block(run, i);
    gather_end(&run->gatherer);
    return ok;
}

static bool run_uncalibrated(struct run *run)
{
    const struct gathered nothing = {.stats = NULL};

    for (size_t block = 0; block < run->model->config.blocks; block++)
        for (size_t i = 0; i < SITES; i++)
            if (!quantize_site(run, block, &stream_sites[i], &nothing))
                return false;
    return true;
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

    return run.recipe->statistics ? run_calibrated(&run) : run_uncalibrated(&run);
}
