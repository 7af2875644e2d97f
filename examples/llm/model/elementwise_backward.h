/* SPDX-License-Identifier: MIT */
/* What is not linear in a block, backwards. */
#ifndef EXAMPLES_LLM_MODEL_ELEMENTWISE_BACKWARD_H
#define EXAMPLES_LLM_MODEL_ELEMENTWISE_BACKWARD_H

#include <stddef.h>

#include "llm/model/family.h"

/* y = x / sqrt(mean x² + epsilon) ∘ gains, of every row. */
struct norm_pass {
    const float *x;
    const float *gains;
    const float *u; /* derivative by y */
    size_t count;   /* rows */
    size_t length;
    float epsilon;
};

/* back = addition · back + the derivative by x. back may be u where addition is 0. */
void norm_backward(const struct norm_pass *pass, size_t workers, float addition, float *back);

/* y = f(gate) ∘ up */
struct gate_pass {
    enum activation activation;
    const float *gate;
    const float *up;
    float *u;         /* derivative by y; becomes that by up */
    float *gate_back; /* derivative by gate */
    size_t count;
};

void gate_backward(const struct gate_pass *pass, size_t workers);

#endif
