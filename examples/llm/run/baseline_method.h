/* SPDX-License-Identifier: MIT */
/* Rounding to nearest, and GPTQ with codes of fixed length, as methods of the pipeline. */
#ifndef EXAMPLES_LLM_RUN_BASELINE_METHOD_H
#define EXAMPLES_LLM_RUN_BASELINE_METHOD_H

#include <stdint.h>

#include "llm/run/pipeline.h"

struct baseline {
    bool feedback;           /* false: round to nearest; true: GPTQ */
    const uint64_t *budgets; /* bytes for every layer of the model */
    uint64_t bytes;          /* used so far */
};

/* A layer_function; self is a struct baseline. */
bool baseline_quantize(void *self, const struct layer_task *task, struct failure *failure);

#endif
