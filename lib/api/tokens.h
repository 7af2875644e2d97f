/* SPDX-License-Identifier: MIT */
/* A batch of activations, read where it lies: in any number type and stride, a chunk of tokens at
 * a time, into row-major doubles. */
#ifndef WSIC_API_TOKENS_H
#define WSIC_API_TOKENS_H

#include "api/context.h"

/* Tokens that are converted and multiplied at a time: enough for BLAS to be at full
 * speed, and little beside the n x n sums. */
enum { WSIC_TOKENS_CHUNK = 256 };

typedef struct wsic_tokens {
    wsic_matrix matrix;    /* a token a row */
    const double *weights; /* one for each, or NULL for 1 */
} wsic_tokens;

/* Check a batch: shape, type, no NaN. Weights are NULL then. */
wsic_status wsic_tokens_check(const wsic_env *env, const char *name, const wsic_matrix *given,
                              wsic_shape expected, wsic_tokens *tokens);
wsic_status wsic_tokens_set_weights(const wsic_env *env, const double *weights,
                                    wsic_tokens *tokens);

/* Room for one chunk. */
double *wsic_tokens_alloc_chunk(const wsic_env *env, const wsic_tokens *tokens,
                                wsic_status *status);

/* Tokens first ... first + count - 1, each times the root of its weight: the sum of x xᵀ over
 * what is loaded is that of w x xᵀ. */
void wsic_tokens_load(const wsic_tokens *tokens, size_t first, size_t count, double *chunk);

/* A bound of what the batch adds to any element of Σ w x xᵀ, by Cauchy and Schwarz the sum over
 * tokens of the largest square. The larger one of two batches' bounds is one of Σ w x yᵀ. */
double wsic_tokens_bound(const wsic_tokens *tokens, double *chunk);

double wsic_tokens_samples(const wsic_tokens *tokens);

#endif
