/* SPDX-License-Identifier: MIT */
/* A linear layer backwards. */
#ifndef EXAMPLES_LLM_MODEL_LINEAR_BACKWARD_H
#define EXAMPLES_LLM_MODEL_LINEAR_BACKWARD_H

#include "llm/model/model.h"

/* Derivatives of the loss by the logarithms of a layer's scales, summed up over tokens. NULL: the
 * layer has none. */
struct scale_gradient {
    double *rows;
    double *columns;
};

/* What a layer y = W x + b has met on its way forward, tokens × columns and tokens × rows, and what
 * comes back: u, the derivative by y. */
struct linear_pass {
    const struct linear *linear;
    const float *x;
    const float *y;
    const float *u;
    size_t count; /* tokens */
};

/* back = Wᵀ u, the derivative by x, and the derivatives by the scales. With W_rj = t_r g_j z_rj,
 *
 *     ∂loss/∂log t_r = Σ u_r (y_r - b_r)        ∂loss/∂log g_j = Σ x_j (Wᵀ u)_j
 *
 * (sums over the tokens), so that neither the derivative by W nor the codes are needed, and the
 * only product is the one that goes further back anyway. A scale of 0 has the derivative 0. */
void linear_backward(const struct linear_pass *pass, size_t workers, float *back,
                     const struct scale_gradient *gradient);

#endif
