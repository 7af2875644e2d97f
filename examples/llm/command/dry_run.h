/* SPDX-License-Identifier: MIT */
/* What quantize would do, without doing it. */
#ifndef EXAMPLES_LLM_COMMAND_DRY_RUN_H
#define EXAMPLES_LLM_COMMAND_DRY_RUN_H

#include "llm/run/pipeline.h"
#include "llm/command/session.h"

/* Print the work, the memory and the size of the result. */
bool dry_run(const struct options *options, const struct session *session,
             const struct calibration *calibration, wsic_encoder *encoder, struct failure *failure);

#endif
