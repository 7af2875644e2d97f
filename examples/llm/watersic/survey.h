/* SPDX-License-Identifier: MIT */
/* A look at all layers of the original model before the first is quantized, on samples of the
 * calibration text: second moments for the plan, and sensitivities. */
#ifndef EXAMPLES_LLM_WATERSIC_SURVEY_H
#define EXAMPLES_LLM_WATERSIC_SURVEY_H

#include "llm/watersic/allocation.h"
#include "llm/watersic/draft.h"
#include "llm/run/pipeline.h"

/* Tokens that second moments are taken over, of the calibration text's: enough to tell the
 * directions of the widest layer's inputs from each other. */
size_t survey_tokens(const struct config *config, const struct calibration *calibration);

/* Those that divergences are taken over. */
size_t survey_divergence_tokens(const struct calibration *calibration);

/* What sensitivities are measured with: drafts at a rate among those that models are quantized at.
 * The smaller the errors, the better divergences add up; but they must stand out from rounding. */
bool survey_create_drafter(struct drafter *drafter, wsic_context *context, struct failure *failure);

/* Add all layers of the model to the allocation, and, if the recipe's plan asks for it, their
 * sensitivities and corrections for a rate. Sensitivities come from the outputs of the calibration,
 * which are known; or they are measured with drafts, looked up in, or written to, a file in the
 * calibration's directory (NULL: they are measured each time). */
bool survey(struct allocation *allocation, struct model *model,
            const struct calibration *calibration, double rate, const struct stretch *stretch,
            wsic_context *context, struct failure *failure);

#endif
