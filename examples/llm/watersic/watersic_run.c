/* SPDX-License-Identifier: MIT */
#include "llm/watersic/watersic_run.h"

#include "common/peak_memory.h"
#include "llm/watersic/code_gain.h"
#include "llm/watersic/draft.h"
#include "llm/watersic/outputs_pass.h"
#include "llm/run/progress.h"
#include "llm/watersic/survey.h"
#include "llm/watersic/planning_work.h"

static bool run_drafted(struct watersic_method *method, struct model *model,
                        const struct calibration *calibration, double rate,
                        const struct stretch *stretch, struct failure *failure)
{
    struct calibration drafted = *calibration;
    struct drafter drafter;

    if (!calibration->recipe->mixing)
        return pipeline_run(model, calibration, stretch, method->context, watersic_quantize, method,
                            failure);
    if (!drafter_create(&drafter, method->context, rate, calibration->recipe->rescalers, failure))
        return false;
    drafter.allocation = method->allocation;
    const struct drafts drafts = {.make = draft_layer,
                                  .self = &drafter,
                                  .steps = calibration->recipe->mixing_steps,
                                  .sample = WATERSIC_DRAFT_TOKENS};
    drafted.drafts = &drafts;
    const bool ok =
        pipeline_run(model, &drafted, stretch, method->context, watersic_quantize, method, failure);
    drafter_destroy(&drafter);
    return ok;
}

static bool predict(const struct watersic_method *method, double rate, struct failure *failure)
{
    struct allocation *const allocation = method->allocation;

    return code_gain_measure(method->context, method->encoder, rate, &allocation->gain, failure) &&
           allocation_note_prediction(allocation, method->writer, failure);
}

static bool plan(struct watersic_method *method, struct model *model,
                 const struct calibration *calibration, double rate, const struct stretch *stretch,
                 struct failure *failure)
{
    const enum stage before = stages_enter(method->stages, STAGE_PLAN);
    const bool surveyed =
        survey(method->allocation, model, calibration, rate, stretch, method->context, failure);

    return_memory();
    const bool ok = surveyed &&
                    allocation_solve(method->allocation, calibration->recipe->plan, rate,
                                     method->writer, failure) &&
                    (!method->writer || predict(method, rate, failure));
    stages_leave(method->stages, before);
    return ok;
}

static bool plan_and_run(struct watersic_method *method, struct model *model,
                         const struct calibration *calibration, double rate,
                         const struct stretch *stretch, struct failure *failure)
{
    const double planning = work_planning(&model->config, calibration);
    const double quantizing = progress_begin(stretch, &model->config, calibration).total;
    const double border =
        stretch->from + planning / (planning + quantizing) * (stretch->to - stretch->from);
    const struct stretch before = {
        .meter = stretch->meter, .label = "planning", .from = stretch->from, .to = border};
    const struct stretch after = {
        .meter = stretch->meter, .label = stretch->label, .from = border, .to = stretch->to};

    const bool planned = plan(method, model, calibration, rate, &before, failure);
    return planned && run_drafted(method, model, calibration, rate, &after, failure);
}

static bool run_known(struct watersic_method *method, struct model *model,
                      const struct calibration *calibration, double rate,
                      const struct stretch *stretch, struct failure *failure)
{
    struct allocation allocation;

    if (calibration->recipe->plan == PLAN_NONE)
        return run_drafted(method, model, calibration, rate, stretch, failure);
    if (!allocation_create(&allocation, method->context, model, failure))
        return false;
    method->allocation = &allocation;
    const bool ok = plan_and_run(method, model, calibration, rate, stretch, failure);
    method->allocation = NULL;
    allocation_destroy(&allocation);
    return ok;
}

/* The pass over the outputs comes first. */
static bool collect_and_run(struct watersic_method *method, struct model *model,
                            const struct calibration *calibration, double rate,
                            const struct stretch *stretch, struct failure *failure)
{
    const double before =
        calibration->outputs->known ? 0 : work_outputs(&model->config, calibration).total;
    const double after = work_planning(&model->config, calibration) +
                         progress_begin(stretch, &model->config, calibration).total;
    const double border = stretch->from + before / (before + after) * (stretch->to - stretch->from);
    const struct stretch collecting = {
        .meter = stretch->meter, .label = "outputs", .from = stretch->from, .to = border};
    const struct stretch rest = {
        .meter = stretch->meter, .label = stretch->label, .from = border, .to = stretch->to};

    const enum stage stage = stages_enter(method->stages, STAGE_PLAN);
    const bool collected =
        outputs_collect(calibration->outputs, model, calibration, &collecting, failure);
    stages_leave(method->stages, stage);
    return_memory();
    method->outputs = calibration->outputs;
    const bool ok = collected && run_known(method, model, calibration, rate, &rest, failure);
    method->outputs = NULL;
    return ok;
}

bool watersic_run(struct watersic_method *method, struct model *model,
                  const struct calibration *calibration, double rate, const struct stretch *stretch,
                  struct failure *failure)
{
    struct calibration own = *calibration;
    struct outputs outputs;

    method->stages = &stretch->meter->stages;
    if (!recipe_differentiates(calibration->recipe))
        return run_known(method, model, calibration, rate, stretch, failure);
    if (calibration->outputs)
        return collect_and_run(method, model, calibration, rate, stretch, failure);
    if (!outputs_create(&outputs, method->context, model, calibration->recipe, failure))
        return false;
    own.outputs = &outputs;
    const bool ok = collect_and_run(method, model, &own, rate, stretch, failure);
    outputs_free(&outputs);
    return ok;
}
