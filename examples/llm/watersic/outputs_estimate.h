/* SPDX-License-Identifier: MIT */
/* What the pass over the outputs (outputs_pass.h) will need, from the shapes of the model alone. */
#ifndef EXAMPLES_LLM_WATERSIC_OUTPUTS_ESTIMATE_H
#define EXAMPLES_LLM_WATERSIC_OUTPUTS_ESTIMATE_H

#include <stdint.h>

#include "llm/run/pipeline.h"

/* Tokens that it looks at. */
size_t outputs_pass_tokens(const struct calibration *calibration);

/* Bytes that it takes beside the program, with what it has collected by its end. */
uint64_t outputs_pass_memory(const struct config *config, const struct calibration *calibration);

/* Bytes that it has in files of the calibration's directory at most, if there is one. */
uint64_t outputs_pass_files(const struct config *config, const struct calibration *calibration);

/* Bytes that what was collected takes afterwards: all of it, or with a directory that of a layer.
 */
uint64_t outputs_memory(const struct config *config, const struct calibration *calibration);

#endif
