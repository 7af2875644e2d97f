/* SPDX-License-Identifier: MIT */
#include "llm/watersic/corrector.h"

#include <math.h>

/* Parts of the rate aimed at. Layers that need few bits end up far below it. */
static const double parts[CORRECTION_DRAFTS] = {1, 2.0 / 3, 1.0 / 3, 1.0 / 6};

bool corrector_create(struct corrector *corrector, wsic_context *context, double rate,
                      struct failure *failure)
{
    corrector->drafts = drafter_create(&corrector->drafter, context, rate, true, failure);
    return corrector->drafts;
}

void corrector_destroy(struct corrector *corrector)
{
    if (corrector->drafts)
        drafter_destroy(&corrector->drafter);
    corrector->drafts = false;
}

/* A draft, and what the plan expects at its rate of codes. */
struct sample {
    double rate;
    double distortion;
    double expected;
};

static bool look_up(wsic_plan *plan, double rate, wsic_plan_layer *layer)
{
    *layer = (wsic_plan_layer){.size = sizeof *layer};
    return wsic_plan_solve_rate(plan, fmax(rate, 0.001)) >= 0 &&
           wsic_plan_get_layer(plan, 0, layer) >= 0;
}

/* The step that the plan expects to give a rate gives another one. That does no harm, since the
 * plan is asked once more for what it expects there. A search for the rate would take several
 * times as long. */
static bool take_sample(struct drafter *drafter, const struct layer_task *task,
                        wsic_problem *problem, float *weights, wsic_plan *plan, double rate,
                        struct sample *sample, struct failure *failure)
{
    wsic_plan_layer layer;

    if (!look_up(plan, rate, &layer))
        return refuse(failure, "%s: %s", task->name, wsic_plan_message(plan));
    if (!draft_copy(drafter, task, problem, weights, layer.step, failure))
        return false;
    sample->rate = drafter->info.rate_codes;
    sample->distortion = drafter->distortion;
    if (!look_up(plan, sample->rate, &layer))
        return refuse(failure, "%s: %s", task->name, wsic_plan_message(plan));
    sample->expected = layer.distortion;
    return true;
}

static bool take_samples(struct drafter *drafter, const struct layer_task *task,
                         wsic_problem *problem, float *weights, struct sample *samples,
                         struct failure *failure)
{
    wsic_plan *plan;

    if (wsic_plan_create(drafter->context, &plan) < 0)
        return refuse(failure, "%s: %s", task->name, wsic_context_message(drafter->context));
    bool ok = wsic_plan_add_problem(plan, problem, NULL) >= 0 ||
              refuse(failure, "%s: %s", task->name, wsic_plan_message(plan));
    for (size_t i = 0; ok && i < CORRECTION_DRAFTS; i++)
        ok = take_sample(drafter, task, problem, weights, plan, parts[i] * drafter->rate,
                         &samples[i], failure);
    wsic_plan_destroy(plan);
    return ok;
}

/* Neighbours that tell nothing, as where there is nothing to code, are passed over. */
static void compare_slopes(const struct sample *samples, struct correction *correction)
{
    *correction = (struct correction){.count = 0};
    for (size_t i = CORRECTION_DRAFTS - 1; i > 0; i--) {
        const struct sample *const low = &samples[i];
        const struct sample *const high = &samples[i - 1];
        if (!(low->rate < high->rate && low->distortion > high->distortion &&
              low->expected > high->expected))
            continue;
        correction->rate[correction->count] = (low->rate + high->rate) / 2;
        correction->log_ratio[correction->count++] =
            log((low->distortion - high->distortion) / (low->expected - high->expected));
    }
}

/* The drafts' rates fall; two that are not told apart count once. */
static void compare_levels(const struct sample *samples, struct correction *correction)
{
    *correction = (struct correction){.count = 0};
    for (size_t i = CORRECTION_DRAFTS; i-- > 0;) {
        const size_t count = correction->count;
        if (!(samples[i].distortion > 0 && samples[i].expected > 0) ||
            (count > 0 && !(samples[i].rate > correction->rate[count - 1])))
            continue;
        correction->rate[count] = samples[i].rate;
        correction->log_ratio[count] = log(samples[i].distortion / samples[i].expected);
        correction->count++;
    }
}

bool corrector_measure(struct corrector *corrector, const struct layer_task *task,
                       wsic_problem *problem, float *weights, struct corrections corrections,
                       struct failure *failure)
{
    struct sample samples[CORRECTION_DRAFTS];

    if (!take_samples(&corrector->drafter, task, problem, weights, samples, failure))
        return false;
    compare_slopes(samples, corrections.slope);
    compare_levels(samples, corrections.level);
    return true;
}
