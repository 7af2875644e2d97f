/* SPDX-License-Identifier: MIT */
#include "llm/run/pipeline.h"

#include "llm/run/gather.h"
#include "common/interrupt.h"
#include "llm/run/mixing.h"
#include "llm/run/progress.h"

struct run {
    struct model *model;
    const struct calibration *calibration;
    const struct recipe *recipe;
    wsic_context *context;
    layer_function *quantize;
    void *self;
    struct failure *failure;
    bool gathers; /* there are layers that need statistics */
    struct gatherer gatherer;
    struct pair_of_blocks blocks; /* the present one */
    struct progress progress;
};

static bool is_skipped(const struct run *run, size_t number)
{
    return run->model->exclusions && run->model->exclusions->of[number].skipped;
}

/* Nothing has to be gathered for it. */
static bool is_made(const struct run *run, size_t number)
{
    return (run->calibration->taken && run->calibration->taken[number]) || is_skipped(run, number);
}

static bool is_anything_left(const struct run *run)
{
    for (size_t i = 0; i < run->model->config.blocks * LINEAR_KINDS; i++)
        if (!is_made(run, i))
            return true;
    return false;
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

static struct stages *stages_of(const struct run *run)
{
    return &run->progress.stretch->meter->stages;
}

static bool quantize_layer(struct run *run, const struct layer_task *task)
{
    const enum stage before = stages_enter(stages_of(run), STAGE_ENCODING);
    const bool ok = run->quantize(run->self, task, run->failure);

    stages_leave(stages_of(run), before);
    return ok;
}

static bool quantize_site(struct run *run, size_t block, const struct site *site,
                          const struct shared *shared)
{
    char name[MODEL_NAME_SIZE];

    for (size_t kind = site->first; kind <= (size_t)site->last; kind++) {
        const struct layer_task task = make_task(run, block, (enum linear_kind)kind, shared, name);
        progress_show(&run->progress, name);
        if (!interrupt_none(run->failure))
            return false;
        if (is_skipped(run, task.number))
            continue;
        if (!quantize_layer(run, &task))
            return false;
        if (!is_made(run, task.number))
            progress_layer_done(&run->progress, (enum linear_kind)kind);
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
    progress_show(&run->progress, "mixture");
    const enum stage before = stages_enter(stages_of(run), STAGE_PLAN);
    const bool ok = mixing_search(run->calibration->drafts, &run->gatherer, &run->blocks, tasks,
                                  result, run->failure);
    stages_leave(stages_of(run), before);
    return ok;
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

static bool is_site_taken(const struct run *run, size_t block, const struct site *site)
{
    bool taken = true;

    for (size_t kind = site->first; kind <= (size_t)site->last; kind++)
        taken = taken && is_made(run, block * LINEAR_KINDS + kind);
    return taken;
}

/* The states must pass as they do where statistics are gathered; but the first place moves
 * nothing. */
static bool pass_site(struct run *run, size_t number, const struct site *site)
{
    const struct shared nothing = {.mixing = NULL};

    return (site->first == LINEAR_Q ||
            gather_pass(&run->gatherer, &run->blocks, site, NULL, run->failure)) &&
           quantize_site(run, number, site, &nothing);
}

/* The reason why statistics could not be gathered, with the layer whose input it is about. */
static bool name_input(const struct run *run, size_t block, const struct site *site)
{
    const struct failure reason = *run->failure;
    char name[MODEL_NAME_SIZE];

    if (interrupt_pending())
        return false;
    model_linear_name(name, block, site->first);
    return refuse(run->failure, "%s: input: %s", name, reason.text);
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
            : (gather_pass(&run->gatherer, &run->blocks, site, &gathered, run->failure) ||
               name_input(run, number, site)) &&
                  mix_and_quantize(run, number, site, &gathered);
    wsic_stats_destroy(gathered.weighted);
    wsic_stats_destroy(gathered.stats);
    return ok;
}

static bool check_states(const struct run *run, size_t number, const struct stream *stream)
{
    return forward_check(&run->model->config, number, stream_hidden(stream, 0),
                         run->calibration->tokens->count, run->failure);
}

static bool leave_block(struct run *run, size_t number)
{
    const struct gatherer *const gatherer = &run->gatherer;

    return gather_pass(&run->gatherer, &run->blocks, &stream_end, NULL, run->failure) &&
           check_states(run, number, &gatherer->live) &&
           (!recipe_compares(run->recipe) || check_states(run, number, &gatherer->clean));
}

static bool quantize_block(struct run *run, size_t number)
{
    const struct shared nothing = {.mixing = NULL};

    for (size_t i = 0; i < SITES; i++) {
        const struct site *const site = &stream_sites[i];
        bool ok;
        if (!run->gathers)
            ok = quantize_site(run, number, site, &nothing);
        else if (is_site_taken(run, number, site))
            ok = pass_site(run, number, site);
        else
            ok = calibrate_site(run, number, site);
        if (!ok)
            return false;
    }
    const bool last = number + 1 == run->model->config.blocks;
    return !run->gathers || (last && !run->calibration->end) || leave_block(run, number);
}

static bool load_block(struct run *run, size_t number)
{
    const enum stage before = stages_enter(stages_of(run), STAGE_READING);
    const bool ok = model_load_block(run->model, number, &run->blocks.quantized, run->failure) &&
                    (!recipe_compares(run->recipe) ||
                     model_load_block(run->model, number, &run->blocks.original, run->failure));

    stages_leave(stages_of(run), before);
    return ok;
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
    run->progress.block = number;
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
    const struct stream_text text = pipeline_text(run->calibration);

    if (!gather_begin(&run->gatherer, run->model, &text, run->recipe, run->failure))
        return false;
    const struct pipeline_end *const end = run->calibration->end;
    run->gatherer.progress = &run->progress;
    /* What is done beside encoding and reading is passing the text on. */
    const enum stage before = stages_enter(stages_of(run), STAGE_FORWARD);
    const bool ok = run_blocks(run) && (!end || end->use(end->self, &run->gatherer, run->failure));
    stages_leave(stages_of(run), before);
    gather_end(&run->gatherer);
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
                      .calibration = calibration,
                      .recipe = calibration->recipe,
                      .progress = progress_begin(stretch, &model->config, calibration),
                      .context = context,
                      .quantize = quantize,
                      .self = self,
                      .failure = failure};

    run.gathers = run.recipe->statistics && (is_anything_left(&run) || calibration->end);
    return run.gathers ? run_calibrated(&run) : run_blocks(&run);
}
