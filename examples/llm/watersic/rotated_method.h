/* SPDX-License-Identifier: MIT */
/* GPTQ with entropy-coded integers behind a random Hadamard rotation of the inputs, as a method of
 * the pipeline: the baseline of arXiv 2605.13768. */
#ifndef EXAMPLES_LLM_WATERSIC_ROTATED_METHOD_H
#define EXAMPLES_LLM_WATERSIC_ROTATED_METHOD_H

#include "llm/run/pipeline.h"

struct rotated {
    wsic_context *context;
    wsic_encoder *encoder; /* with the settings of coded GPTQ, and its rate */
    uint64_t bytes;        /* of all layers so far */
};

/* A layer_function; self is a struct rotated. The task has plain statistics. */
bool rotated_quantize(void *self, const struct layer_task *task, struct failure *failure);

#endif
