/* SPDX-License-Identifier: MIT */
/* The library on a whole model, with all that a recipe asks for. */
#ifndef EXAMPLES_LLM_WATERSIC_WATERSIC_RUN_H
#define EXAMPLES_LLM_WATERSIC_WATERSIC_RUN_H

#include "llm/watersic/watersic_method.h"

/* Most tokens on which drafts are judged where the recipe searches mixtures. */
enum { WATERSIC_DRAFT_TOKENS = 8192 };

/* Run the pipeline with this method. The method holds context, encoder, results and, where there is
 * one, the writer; the calibration holds no drafts. */
bool watersic_run(struct watersic_method *method, struct model *model,
                  const struct calibration *calibration, double rate, const struct stretch *stretch,
                  struct failure *failure);

#endif
