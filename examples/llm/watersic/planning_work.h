/* SPDX-License-Identifier: MIT */
/* How much work comes before a run, for its plan: in the unit of work.h. */
#ifndef EXAMPLES_LLM_WATERSIC_PLANNING_WORK_H
#define EXAMPLES_LLM_WATERSIC_PLANNING_WORK_H

#include "llm/run/pipeline.h"

/* Of everything that the plan needs but the pass over the outputs. */
double work_planning(const struct config *config, const struct calibration *calibration);

/* Of the pass that tells what outputs are worth: for a token, and of all of it. */
struct output_work {
    double forward;  /* through a block */
    double head;     /* labels, and back from them */
    double backward; /* through a block, which is computed again on the way */
    double total;
};

struct output_work work_outputs(const struct config *config, const struct calibration *calibration);

#endif
