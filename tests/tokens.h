/* SPDX-License-Identifier: MIT */
/* Activations with known contents. */
#ifndef TESTS_TOKENS_H
#define TESTS_TOKENS_H

#include <math.h>

#include "base/half.h"
#include "random.h"
#include "watersic/stats.h"

enum { N = 7, TOKENS = 600, STRIDE = 11 };

typedef struct tokens {
    float values[TOKENS * STRIDE]; /* before rounding to dtype */
    double storage[TOKENS * STRIDE];
    double weights[TOKENS];
    wsic_matrix matrix;
} tokens;

/* Values with structure, so that off-diagonals matter, stored in any type. */
static inline void make_tokens(tokens *batch, uint32_t dtype, size_t count, uint64_t seed)
{
    random_state random = {seed};

    for (size_t t = 0; t < count; t++) {
        float common = (float)random_symmetric(&random);
        for (size_t j = 0; j < STRIDE; j++)
            batch->values[t * STRIDE + j] =
                (float)(j + 1) * (common + 0.3F * (float)random_symmetric(&random));
        batch->weights[t] = fabs(random_symmetric(&random)) + 0.1;
    }
    wsic_store_f32(batch->storage, dtype, batch->values, count * STRIDE);
    wsic_matrix_init(&batch->matrix, sizeof batch->matrix, batch->storage, dtype, count, N, STRIDE);
}

/* How far a sum over tokens may be off, in units of the product of the two columns' roots of sums
 * of squares (docs/algorithm.md, "Sums of products"). */
static inline double tokens_error(uint32_t dtype)
{
    return dtype == WSIC_F64 ? 1e-13 : 518 * 0x1p-24 / (1 - 518 * 0x1p-24);
}

#endif
