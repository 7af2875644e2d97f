/* SPDX-License-Identifier: MIT */
#include "llm/watersic/planning_work.h"

#include "llm/run/work.h"
#include "llm/watersic/correction.h"
#include "llm/watersic/outputs_estimate.h"
#include "llm/watersic/survey.h"

/* Every layer of a block is changed alone, and the changed states go through the block itself, the
 * rest of the model and the head. */
static double probing_work(const struct config *config, const struct calibration *calibration,
                           double tokens)
{
    const double blocks = (double)config->blocks;
    const double block = work_block(config, calibration->window);
    const double head = 2 * (double)config->vocabulary * (double)config->hidden;

    return tokens * LINEAR_KINDS * (blocks * (blocks + 1) / 2 * block + 2 * blocks * head);
}

/* A product goes back in as much work as it came; the full matrices are triangles. */
struct output_work work_outputs(const struct config *config, const struct calibration *calibration)
{
    const struct recipe *const recipe = calibration->recipe;
    const size_t tokens = outputs_pass_tokens(calibration);
    const double head = 2 * (double)config->vocabulary * (double)config->hidden;
    struct output_work work = {.forward = work_block(config, calibration->window),
                               .head = 3 * head};

    work.backward = 2 * work.forward;
    for (size_t kind = 0; kind < LINEAR_KINDS; kind++) {
        const double rows = (double)model_linear_shape(config, (enum linear_kind)kind).rows;
        if (recipe->outputs != OUTPUTS_NONE && rows <= (double)recipe->outputs_rows)
            work.backward += WORK_DOUBLE * rows * rows;
    }
    work.total =
        (double)tokens * ((double)config->blocks * (work.forward + work.backward) + work.head);
    return work;
}

static double encoding_work(const struct work *work)
{
    double sum = 0;

    for (size_t kind = 0; kind < LINEAR_KINDS; kind++)
        sum += work->layer[kind];
    return sum;
}

double work_planning(const struct config *config, const struct calibration *calibration)
{
    const struct recipe plain = {.statistics = true};
    const struct known_sensitivities *const kept = calibration->sensitivities;
    const struct tokens sample = {.count = survey_tokens(config, calibration)};
    const size_t probed = survey_divergence_tokens(calibration);
    const bool probes =
        calibration->recipe->sensitivity == SENSITIVITY_DRAFTS && (!kept || !kept->known);
    struct calibration sampled = *calibration;

    if (calibration->recipe->plan == PLAN_NONE)
        return 0;
    sampled.tokens = &sample;
    sampled.recipe = &plain;
    const struct work work = work_expected(config, &sampled);
    const double passes = work_total(&work, config) - (double)config->blocks * encoding_work(&work);
    if (calibration->recipe->plan != PLAN_WATERFILL)
        return passes;
    return passes +
           (double)config->blocks * encoding_work(&work) * (CORRECTION_DRAFTS + (probes ? 1 : 0)) +
           (probes ? probing_work(config, calibration, (double)probed) : 0);
}
