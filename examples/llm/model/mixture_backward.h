/* SPDX-License-Identifier: MIT */
/* A mixture of experts backwards. */
#ifndef EXAMPLES_LLM_MODEL_MIXTURE_BACKWARD_H
#define EXAMPLES_LLM_MODEL_MIXTURE_BACKWARD_H

#include "llm/model/backward.h"

/* stream: the derivatives by the residual stream behind the mixture, whose input is normed of
 * forward. Those by normed come into backward's normed: through the experts, and through the router
 * by the weights that it has given them. Which experts were chosen counts as fixed. */
void mixture_backward(struct backward *backward, const struct block *block, const float *stream,
                      size_t count, const struct scale_gradient *gradients);

#endif
