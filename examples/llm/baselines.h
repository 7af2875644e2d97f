/* SPDX-License-Identifier: MIT */
/* The methods that WaterSIC is compared with: rounding to nearest, and GPTQ. */
#ifndef EXAMPLES_LLM_BASELINES_H
#define EXAMPLES_LLM_BASELINES_H

#include <stdint.h>

#include "llm/pipeline.h"

/* A layer_function and what it needs. */
struct baseline {
    bool feedback;           /* false: round to nearest; true: GPTQ */
    const uint64_t *budgets; /* bytes for every layer of the model */
    uint64_t bytes;          /* used so far */
};

bool baseline_quantize(void *self, const struct layer_task *task, struct failure *failure);

#endif
