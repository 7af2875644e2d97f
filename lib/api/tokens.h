/* SPDX-License-Identifier: MIT */
/* A batch of activations, read where it lies: in any number type and stride. */
#ifndef WSIC_API_TOKENS_H
#define WSIC_API_TOKENS_H

#include "api/context.h"

typedef struct wsic_tokens {
    wsic_matrix matrix;    /* a token a row */
    const double *weights; /* one for each, or NULL for 1 */
    double samples;        /* Σ w */
    /* No element of Σ w x xᵀ is larger, by Cauchy and Schwarz: the sum over tokens of the largest
     * square. The larger one of two batches' bounds is one of Σ w x yᵀ. */
    double bound;
} wsic_tokens;

/* Check a batch: shape, type, weights of 0 or more, no NaN. */
wsic_status wsic_tokens_check(const wsic_env *env, const char *name, const wsic_matrix *given,
                              wsic_shape expected, const double *weights, wsic_tokens *tokens);

/* Whether sums of products in single precision have the accuracy that is promised (stats.h): the
 * elements are no doubles, and the weights not so far apart that their roots would be lost. */
bool wsic_tokens_fit_singles(const wsic_tokens *tokens);

#endif
