/* SPDX-License-Identifier: MIT */
#include "llm/watersic/draft.h"

#include "llm/watersic/watersic_method.h"

bool drafter_create(struct drafter *drafter, wsic_context *context, double rate, bool rescalers,
                    struct failure *failure)
{
    const struct method_settings settings = {
        .rate = rate, .preset = "fast", .rescalers = rescalers};

    *drafter = (struct drafter){.context = context, .rate = rate};
    drafter->encoder = watersic_encoder_create(context, &settings, false, failure);
    return drafter->encoder != NULL;
}

void drafter_destroy(struct drafter *drafter)
{
    wsic_encoder_destroy(drafter->encoder);
    *drafter = (struct drafter){.encoder = NULL};
}

struct target {
    double rate;
    double planned; /* step */
};

/* The step that a plan expects to give the rate; 0 for a matrix without energy. */
static wsic_status planned_step(wsic_plan *plan, wsic_problem *problem, double rate, double *step)
{
    wsic_plan_layer layer = {.size = sizeof layer};
    wsic_status status;

    if ((status = wsic_plan_add_problem(plan, problem, NULL)) < 0 ||
        (status = wsic_plan_solve_rate(plan, rate)) < 0 ||
        (status = wsic_plan_get_layer(plan, 0, &layer)) < 0)
        return status;
    *step = layer.step;
    return WSIC_OK;
}

static bool plan_step(const struct drafter *drafter, const char *name, wsic_problem *problem,
                      struct target *target, struct failure *failure)
{
    wsic_plan *plan;

    if (wsic_plan_create(drafter->context, &plan) < 0)
        return refuse(failure, "%s: %s", name, wsic_context_message(drafter->context));
    const bool ok = planned_step(plan, problem, target->rate, &target->planned) >= 0 ||
                    refuse(failure, "%s: %s", name, wsic_plan_message(plan));
    wsic_plan_destroy(plan);
    return ok;
}

/* Aim at the rate, or quantize with a step. */
static wsic_status aim(const struct drafter *drafter, double rate, double step)
{
    const wsic_status status =
        wsic_encoder_set_number(drafter->encoder, WSIC_RATE, step > 0 ? 0 : rate);

    return status < 0 ? status : wsic_encoder_set_number(drafter->encoder, WSIC_STEP, step);
}

/* In the metric in which it was made small, and in which a plan counts. */
static bool read_distortion(struct drafter *drafter, const struct layer_task *task,
                            struct failure *failure)
{
    wsic_encoder_report report = {.size = sizeof report};

    if (wsic_encoder_get_report(drafter->encoder, &report) < 0)
        return refuse(failure, "%s: %s", task->name, wsic_encoder_message(drafter->encoder));
    drafter->distortion =
        report.divergence > 0 ? report.output_distortion : drafter->info.distortion;
    return true;
}

static bool run_draft(struct drafter *drafter, const struct layer_task *task, wsic_problem *problem,
                      const struct target *target, double step, struct failure *failure)
{
    wsic_layer *layer;

    if (aim(drafter, target->rate, step) < 0 ||
        wsic_encoder_run_problem(drafter->encoder, problem, &layer) < 0)
        return refuse(failure, "%s: %s", task->name, wsic_encoder_message(drafter->encoder));
    const bool ok = watersic_restore(task, layer, &drafter->info, failure);
    wsic_layer_destroy(layer);
    return ok && read_distortion(drafter, task, failure);
}

static bool draft_problem(struct drafter *drafter, const struct layer_task *task,
                          wsic_problem *problem, double *scale, struct failure *failure)
{
    struct target target = {.rate = drafter->rate};

    if (drafter->allocation &&
        !allocation_rate(drafter->allocation, task->number, &target.rate, failure))
        return false;
    if (!plan_step(drafter, task->name, problem, &target, failure) ||
        !run_draft(drafter, task, problem, &target, *scale * target.planned, failure))
        return false;
    if (*scale == 0 && target.planned > 0)
        *scale = drafter->info.step / target.planned;
    return true;
}

bool draft_layer(void *self, const struct layer_task *task, double *scale, struct failure *failure)
{
    struct drafter *const drafter = self;
    wsic_problem *problem;

    if (!watersic_problem_create(drafter->context, NULL, task, &problem, failure))
        return false;
    const bool ok = draft_problem(drafter, task, problem, scale, failure);
    wsic_problem_destroy(problem);
    return ok;
}

bool draft_copy(struct drafter *drafter, const struct layer_task *task, wsic_problem *problem,
                float *weights, double step, struct failure *failure)
{
    const struct target target = {.rate = drafter->rate};
    struct linear linear = *task->linear;
    struct layer_task draft = *task;

    linear.weights = weights;
    draft.linear = &linear;
    return run_draft(drafter, &draft, problem, &target, step, failure);
}
