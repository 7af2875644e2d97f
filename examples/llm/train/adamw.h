/* SPDX-License-Identifier: MIT */
/* AdamW (Loshchilov and Hutter, "Decoupled Weight Decay Regularization"), and what goes with it. */
#ifndef EXAMPLES_LLM_TRAIN_ADAMW_H
#define EXAMPLES_LLM_TRAIN_ADAMW_H

#include <stdbool.h>
#include <stddef.h>

#include "common/failure.h"

struct adamw {
    size_t count;        /* parameters */
    size_t steps;        /* done */
    double weight_decay; /* part of a parameter that a step at rate 1 takes away */
    double *mean;        /* of the gradient, fading */
    double *square;      /* of its square */
};

/* Weight decay is 0 unless it is set afterwards. */
bool adamw_create(struct adamw *adamw, size_t count, struct failure *failure);
void adamw_free(struct adamw *adamw);

/* A parameter moves by about the rate, whatever the scale of its gradient. */
void adamw_step(struct adamw *adamw, double *parameters, const double *gradient, double rate);

/* Scale a gradient to this length if it is longer. Returns the length that it had. */
double clip_gradient(double *gradient, size_t count, double longest);

/* Rate of a step (0 to steps - 1): half a cosine wave from first to last. */
double cosine_rate(double first, double last, size_t step, size_t steps);

#endif
