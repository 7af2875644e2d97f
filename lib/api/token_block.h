/* SPDX-License-Identifier: MIT */
/* Some tokens of a batch made ready for sums of products.
 *
 * Tokens in double precision are copied, each times the root of its weight. All others become
 * single precision, in which products are twice as fast, and are moved and scaled so that nothing
 * of them is lost: element j of token t is stored as
 *
 *     y_tj = sqrt(w_t) (x_tj - c_j) / u_j
 *
 * where c_j is the mean of the column if that is larger than its deviation, else 0, and u_j a power
 * of two, other than 1 only for a column whose products might leave the range of single precision.
 * The sums over t of products of the x are those of the y, and what c_j and s_j = Σ w (x - c_j)
 * tell (docs/algorithm.md, "Sums of products"). */
#ifndef WSIC_API_TOKEN_BLOCK_H
#define WSIC_API_TOKEN_BLOCK_H

#include "api/tokens.h"

typedef struct wsic_token_block {
    size_t capacity; /* tokens */
    size_t count;
    size_t columns;
    float *singles; /* y, count × columns; NULL in double precision */
    double *doubles;
    /* For each column: */
    double *squares; /* Σ w x² */
    double *sums;    /* Σ w x, and once centers are chosen s */
    double *centers; /* c; in single precision only, as are the following */
    double *units;   /* u */
    float *shifts;   /* c / u */
    float *inverses; /* 1 / u */
    float *largest;  /* magnitude of x */
    double *parts;   /* sums and squares of groups of tokens, and */
    float *tops;     /* their largest magnitudes */
    bool centered;   /* some c is not 0 */
    bool scaled;     /* some u is not 1 */
    double weight;   /* Σ w */
} wsic_token_block;

/* Most tokens in a block. */
size_t wsic_token_block_capacity(bool single);

/* Room for blocks of a batch. On failure *block is empty. */
wsic_status wsic_token_block_create(const wsic_env *env, const wsic_tokens *tokens, bool single,
                                    wsic_token_block *block);
void wsic_token_block_release(const wsic_env *env, wsic_token_block *block);

/* Tokens first to first + count - 1, at most the capacity. */
void wsic_token_block_load(const wsic_env *env, const wsic_tokens *tokens, size_t first,
                           size_t count, wsic_token_block *block);

#endif
