/* SPDX-License-Identifier: MIT */
#include "llm/run/pipeline.h"

#include "llm/run/gather.h"
#include "common/interrupt.h"
#include "llm/run/mixing.h"
#include "llm/run/progress.h"
#include "llm/run/reached.h"

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
    for (size_t i = 0; i < layers_count(&run->model->config); i++)
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

/* Layers of one input: those of a site, of one expert where there are experts. */
struct turn {
    size_t block;
    const struct site *site;
    size_t expert;
};

static size_t number_of(const struct run *run, const struct turn *turn, size_t kind)
{
    return layers_before(&run->model->config, turn->block) +
           layers_slot((enum linear_kind)kind, turn->expert);
}

static struct layer_task make_task(struct run *run, const struct turn *turn, size_t kind,
                                   const struct shared *shared, char name[MODEL_NAME_SIZE])
{
    const struct exclusions *const exclusions = run->model->exclusions;
    const size_t number = number_of(run, turn, kind);
    const size_t slot = layers_slot((enum linear_kind)kind, turn->expert);

    layers_name(&run->model->config, number, name);
    return (struct layer_task){.name = name,
                               .number = number,
                               .exclusion = exclusions ? &exclusions->of[number] : NULL,
                               .linear = &run->blocks.quantized.linear[slot],
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

static bool quantize_site(struct run *run, const struct turn *turn, const struct shared *shared)
{
    char name[MODEL_NAME_SIZE];

    for (size_t kind = turn->site->first; kind <= (size_t)turn->site->last; kind++) {
        const struct layer_task task = make_task(run, turn, kind, shared, name);
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

static bool search_mix(struct run *run, const struct turn *turn, const struct shared *shared,
                       struct mixing_result *result)
{
    char names[MIXED_LAYERS][MODEL_NAME_SIZE];
    struct layer_task tasks[MIXED_LAYERS];

    for (size_t kind = 0; kind < MIXED_LAYERS; kind++)
        tasks[kind] = make_task(run, turn, kind, shared, names[kind]);
    progress_show(&run->progress, "mixture");
    const enum stage before = stages_enter(stages_of(run), STAGE_PLAN);
    const bool ok = mixing_search(run->calibration->drafts, &run->gatherer, &run->blocks, tasks,
                                  result, run->failure);
    stages_leave(stages_of(run), before);
    return ok;
}

/* Only the inputs of query, key and value are mixed. */
static bool mix_and_quantize(struct run *run, const struct turn *turn,
                             const struct gathered *gathered)
{
    struct shared shared = {.gathered = *gathered};
    struct mixing_result result;

    if (turn->site->first != LINEAR_Q)
        return quantize_site(run, turn, &shared);
    shared.mix = run->recipe->mix;
    if (run->recipe->mixing) {
        if (!search_mix(run, turn, &shared, &result))
            return false;
        shared.mix = result.mix;
        shared.mixing = &result;
    }
    return quantize_site(run, turn, &shared);
}

static bool is_taken(const struct run *run, const struct turn *turn)
{
    bool taken = true;

    for (size_t kind = turn->site->first; kind <= (size_t)turn->site->last; kind++)
        taken = taken && is_made(run, number_of(run, turn, kind));
    return taken;
}

static bool has_experts(const struct run *run, size_t block)
{
    return config_experts(&run->model->config, block) > 0;
}

static bool pass_site(struct run *run, const struct turn *turn)
{
    const struct shared nothing = {.mixing = NULL};

    return (!stream_moves(turn->site, &run->model->config, turn->block) ||
            gather_pass(&run->gatherer, &run->blocks, turn->site, NULL, run->failure)) &&
           quantize_site(run, turn, &nothing);
}

/* The reason why statistics could not be gathered, with the layer whose input it is about. */
static bool name_input(const struct run *run, const struct turn *turn)
{
    const struct failure reason = *run->failure;
    char name[MODEL_NAME_SIZE];

    if (interrupt_pending())
        return false;
    layers_name(&run->model->config, number_of(run, turn, turn->site->first), name);
    return refuse(run->failure, "%s: input: %s", name, reason.text);
}

static bool calibrate_site(struct run *run, const struct turn *turn)
{
    const struct site *const site = turn->site;
    const size_t slot = layers_slot(site->first, turn->expert);
    const size_t columns = run->blocks.quantized.linear[slot].columns;
    const bool weighted = recipe_weights(run->recipe) && site->first == LINEAR_Q;
    struct gathered gathered = {.stats = NULL};

    if (has_experts(run, turn->block) && site->first >= LINEAR_GATE)
        routes_turn(&run->gatherer.routes, turn->expert, columns);
    const bool ok =
        wsic_stats_create(run->context, columns, &gathered.stats) < 0 ||
                (weighted && wsic_stats_create(run->context, columns, &gathered.weighted) < 0)
            ? refuse(run->failure, "calibration: %s", wsic_context_message(run->context))
            : (gather_pass(&run->gatherer, &run->blocks, site, &gathered, run->failure) ||
               name_input(run, turn)) &&
                  mix_and_quantize(run, turn, &gathered);
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
    const struct site *const end = has_experts(run, number) ? &stream_mixture_end : &stream_end;

    return gather_pass(&run->gatherer, &run->blocks, end, NULL, run->failure) &&
           check_states(run, number, &gatherer->live) &&
           (!recipe_compares(run->recipe) || check_states(run, number, &gatherer->clean));
}

static bool take_turn(struct run *run, const struct turn *turn)
{
    const struct shared nothing = {.mixing = NULL};

    if (!run->gathers)
        return quantize_site(run, turn, &nothing);
    return is_taken(run, turn) ? pass_site(run, turn) : calibrate_site(run, turn);
}

static bool quantize_sites(struct run *run, struct turn turn, const struct site *sites,
                           size_t first, size_t end)
{
    for (size_t i = first; i < end; i++) {
        turn.site = &sites[i];
        if (!take_turn(run, &turn))
            return false;
    }
    return true;
}

/* An expert at a time, so that only its statistics are in memory. */
static bool quantize_experts(struct run *run, size_t number)
{
    struct turn turn = {.block = number};

    if (run->gathers) {
        if (!gather_pass(&run->gatherer, &run->blocks, &stream_router, NULL, run->failure))
            return false;
        if (!run->calibration->silent)
            reached_tell(&run->gatherer.routes, &run->model->config, number);
    }
    for (; turn.expert < config_experts(&run->model->config, number); turn.expert++)
        if (!quantize_sites(run, turn, stream_expert_sites, SITE_GATE_UP, SITES))
            return false;
    return true;
}

static bool quantize_block(struct run *run, size_t number)
{
    const struct turn turn = {.block = number};
    const bool last = number + 1 == run->model->config.blocks;

    if (!quantize_sites(run, turn, stream_sites, 0, SITE_GATE_UP) ||
        !(has_experts(run, number) ? quantize_experts(run, number)
                                   : quantize_sites(run, turn, stream_sites, SITE_GATE_UP, SITES)))
        return false;
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
    progress_block(&run->progress, number);
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
