/* SPDX-License-Identifier: MIT */
/* One pass through the original model, forward and back, that tells what the outputs of its linear
 * layers are worth (outputs.h).
 *
 * On the way forward the states of the text are kept where every block begins. Then the blocks come
 * again from the last to the first, one in memory at a time, and what a block computes between its
 * ends is computed again. With a directory, states and derivatives are in files there, and a run
 * that was stopped goes on at the block that it had come to; the result is the same. */
#ifndef EXAMPLES_LLM_WATERSIC_OUTPUTS_PASS_H
#define EXAMPLES_LLM_WATERSIC_OUTPUTS_PASS_H

#include "llm/watersic/outputs.h"
#include "llm/run/pipeline.h"

/* Collect what is not known yet, on a sample of the calibration's text; its directory is used, and
 * may be NULL. Does nothing where all is known. */
bool outputs_collect(struct outputs *outputs, const struct model *model,
                     const struct calibration *calibration, const struct stretch *stretch,
                     struct failure *failure);

#endif
