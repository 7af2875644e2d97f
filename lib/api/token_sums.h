/* SPDX-License-Identifier: MIT */
/* Sums of products of tokens, a block of tokens after the other, in tiles that the threads share
 * out. Every tile is summed by one thread in the order of the tokens, so that sums do not depend on
 * the number of threads. */
#ifndef WSIC_API_TOKEN_SUMS_H
#define WSIC_API_TOKEN_SUMS_H

#include "api/token_block.h"

/* S += Σ w x yᵀ over the tokens of two blocks, both in single or both in double precision. S is
 * column-major, and has a row for each column of x, a column for each one of y. */
typedef struct wsic_token_sum {
    const wsic_token_block *x;
    const wsic_token_block *y;
    double *sum;
    bool lower;    /* x and y are the same, and only the lower triangle is wanted */
    bool mirrored; /* with lower, in single precision: the upper triangle gets the same */
} wsic_token_sum;

/* Sums that are done at the same time. */
enum { WSIC_TOKEN_SUMS = 5 };

/* What the threads need beside the blocks: memory that is taken before anything is added. */
typedef struct wsic_token_scratch {
    float *tiles; /* NULL in double precision */
    size_t tile;  /* rows and columns of each */
    size_t threads;
} wsic_token_scratch;

/* For sums whose larger side is columns. */
wsic_status wsic_token_scratch_create(const wsic_env *env, bool single, size_t columns,
                                      wsic_token_scratch *scratch);
void wsic_token_scratch_release(const wsic_env *env, wsic_token_scratch *scratch);

void wsic_token_sums_add(const wsic_env *env, const wsic_token_sum *sums, size_t count,
                         const wsic_token_scratch *scratch);

#endif
