/* SPDX-License-Identifier: MIT */
#include "llm/watersic_run.h"

#include "llm/draft.h"

static bool run_with_drafts(struct watersic_method *method, struct model *model,
                            const struct calibration *calibration, double rate,
                            const struct stretch *stretch, struct failure *failure)
{
    struct calibration drafted = *calibration;
    struct drafter drafter;

    if (!drafter_create(&drafter, method->context, rate, calibration->recipe->rescalers, failure))
        return false;
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

bool watersic_run(struct watersic_method *method, struct model *model,
                  const struct calibration *calibration, double rate, const struct stretch *stretch,
                  struct failure *failure)
{
    if (calibration->recipe->mixing)
        return run_with_drafts(method, model, calibration, rate, stretch, failure);
    return pipeline_run(model, calibration, stretch, method->context, watersic_quantize, method,
                        failure);
}
