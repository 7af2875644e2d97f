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
    const double block = work_blocks(config, calibration->window) / blocks;
    const double head = 2 * (double)config->vocabulary * (double)config->hidden;

    return tokens * LINEAR_KINDS * (blocks * (blocks + 1) / 2 * block + 2 * blocks * head);
}

/* Outputs of layers are looked at by the tokens that these compute. */
static double looking_work(const struct config *config, const struct recipe *recipe)
{
    double work = 0;

    for (size_t i = 0; i < layers_count(config); i++) {
        const struct layer_place place = layers_at(config, i);
        const size_t experts = place.kind >= LINEAR_GATE ? config_experts(config, place.block) : 0;
        const double rows = (double)place.rows;
        const double share = experts > 0 ? (double)config->mixture.chosen / (double)experts : 1;
        if (recipe->outputs != OUTPUTS_NONE && rows <= (double)recipe->outputs_rows)
            work += WORK_DOUBLE * share * rows * rows;
    }
    return work;
}

/* A product goes back in as much work as it came; the full matrices are triangles. */
struct output_work work_outputs(const struct config *config, const struct calibration *calibration)
{
    const double blocks = (double)config->blocks;
    const double forward = work_blocks(config, calibration->window);
    const double backward = 2 * forward + looking_work(config, calibration->recipe);
    const size_t tokens = outputs_pass_tokens(calibration);
    const double head = 2 * (double)config->vocabulary * (double)config->hidden;

    return (struct output_work){.forward = forward / blocks,
                                .backward = backward / blocks,
                                .head = 3 * head,
                                .total = (double)tokens * (forward + backward + 3 * head)};
}

/* A draft with a given step, as a part of an encoding that searches its rate. */
static const double draft_part = 0.25;

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
    const double passes = work_passes(config, &sampled);
    if (calibration->recipe->plan != PLAN_WATERFILL)
        return passes;
    return passes + work_encoding(config) * (draft_part * CORRECTION_DRAFTS + (probes ? 1 : 0)) +
           (probes ? probing_work(config, calibration, (double)probed) : 0);
}
