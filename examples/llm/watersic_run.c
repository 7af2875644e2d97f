/* SPDX-License-Identifier: MIT */
#include "llm/watersic_run.h"

#include "llm/draft.h"
#include "llm/survey.h"

/* Most tokens on which drafts are judged. */
enum { draft_tokens = 8192 };

/* Part of a run's time that a survey takes, for the progress line. */
static const double survey_part = 0.1;

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
                                  .sample = draft_tokens};
    drafted.drafts = &drafts;
    const bool ok =
        pipeline_run(model, &drafted, stretch, method->context, watersic_quantize, method, failure);
    drafter_destroy(&drafter);
    return ok;
}

/* Layers that were taken over must not count as what the archive adds to layers. */
static bool solve(struct watersic_method *method, const struct calibration *calibration,
                  double rate, struct failure *failure)
{
    const wsic_archive_writer *writer = method->writer;
    wsic_archive_writer *blank = NULL;

    if (method->takeover && method->takeover->count > 0)
        writer = blank = takeover_blank(method->takeover, method->context, failure);
    const bool ok =
        (writer || !method->writer) &&
        allocation_solve(method->allocation, calibration->recipe->plan, rate, writer, failure);
    wsic_archive_writer_destroy(blank);
    return ok;
}

static bool plan_and_run(struct watersic_method *method, struct model *model,
                         const struct calibration *calibration, double rate,
                         const struct stretch *stretch, struct failure *failure)
{
    struct calibration original = *calibration;
    const double border = stretch->from + survey_part * (stretch->to - stretch->from);
    const struct stretch before = {
        .meter = stretch->meter, .label = "planning", .from = stretch->from, .to = border};
    const struct stretch after = {
        .meter = stretch->meter, .label = stretch->label, .from = border, .to = stretch->to};

    /* The plan is that of the whole model, whatever is made of it already. */
    original.taken = NULL;
    return survey(method->allocation, model, &original, rate, &before, method->context, failure) &&
           solve(method, calibration, rate, failure) &&
           run_drafted(method, model, calibration, rate, &after, failure);
}

bool watersic_run(struct watersic_method *method, struct model *model,
                  const struct calibration *calibration, double rate, const struct stretch *stretch,
                  struct failure *failure)
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
