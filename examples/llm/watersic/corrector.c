/* SPDX-License-Identifier: MIT */
#include "llm/watersic/corrector.h"

#include <math.h>

/* Parts of the rate aimed at. Layers that need few bits end up far below it. */
static const double parts[CORRECTION_DRAFTS] = {1, 2.0 / 3, 1.0 / 3, 1.0 / 6};

bool corrector_create(struct corrector *corrector, wsic_context *context, double rate,
                      struct failure *failure)
{
    *corrector = (struct corrector){.context = context};
    while (corrector->count < CORRECTION_DRAFTS) {
        if (!drafter_create(&corrector->drafters[corrector->count], context,
                            rate * parts[corrector->count], true, failure)) {
            corrector_destroy(corrector);
            return false;
        }
        corrector->count++;
    }
    return true;
}

void corrector_destroy(struct corrector *corrector)
{
    for (size_t i = 0; i < corrector->count; i++)
        drafter_destroy(&corrector->drafters[i]);
    corrector->count = 0;
}

/* A draft, and what the plan expects at its rate of codes. */
struct sample {
    double rate;
    double distortion;
    double expected;
};

static bool expect(wsic_plan *plan, struct sample *sample)
{
    wsic_plan_layer layer = {.size = sizeof layer};

    if (wsic_plan_solve_rate(plan, fmax(sample->rate, 0.001)) < 0 ||
        wsic_plan_get_layer(plan, 0, &layer) < 0)
        return false;
    sample->expected = layer.distortion;
    return true;
}

static bool expect_all(const struct corrector *corrector, const char *name, wsic_problem *problem,
                       struct sample *samples, struct failure *failure)
{
    wsic_plan *plan;

    if (wsic_plan_create(corrector->context, &plan) < 0)
        return refuse(failure, "%s: %s", name, wsic_context_message(corrector->context));
    bool ok = wsic_plan_add_problem(plan, problem, NULL) >= 0;
    for (size_t i = 0; ok && i < CORRECTION_DRAFTS; i++)
        ok = expect(plan, &samples[i]);
    if (!ok)
        refuse(failure, "%s: %s", name, wsic_plan_message(plan));
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

    for (size_t i = 0; i < CORRECTION_DRAFTS; i++) {
        struct drafter *const drafter = &corrector->drafters[i];
        if (!draft_copy(drafter, task, problem, weights, failure))
            return false;
        samples[i].rate = drafter->info.rate_codes;
        samples[i].distortion = drafter->distortion;
    }
    if (!expect_all(corrector, task->name, problem, samples, failure))
        return false;
    compare_slopes(samples, corrections.slope);
    compare_levels(samples, corrections.level);
    return true;
}
