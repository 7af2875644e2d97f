/* SPDX-License-Identifier: MIT */
/* Codes reduced to one byte each: how large they are, which is all that the choice of
 * their classes needs. Exact below 16, above it eight steps to the octave. Of a trellis
 * the indices count, and below 16 their codebook, which elsewhere makes no difference. */
#ifndef WSIC_CODING_MAGNITUDES_H
#define WSIC_CODING_MAGNITUDES_H

#include "base/env.h"
#include "coding/bits.h"
#include "coding/trellis.h"

enum {
    WSIC_BUCKETS_EXACT = 16,
    WSIC_BUCKETS = 240 /* up to a magnitude of 2^31 */
};

static inline uint8_t wsic_bucket(int32_t code)
{
    const uint32_t magnitude = code < 0 ? -(uint32_t)code : (uint32_t)code;

    if (magnitude < WSIC_BUCKETS_EXACT)
        return (uint8_t)magnitude;
    const unsigned octave = wsic_highest_bit(magnitude);
    return (uint8_t)(8 * (octave - 2) + (magnitude >> (octave - 3) & 7));
}

/* A magnitude in the middle of a bucket. */
static inline uint32_t wsic_bucket_middle(uint32_t bucket)
{
    if (bucket < WSIC_BUCKETS_EXACT)
        return bucket;
    const unsigned drop = bucket / 8 - 1;
    return ((8 + bucket % 8) << drop) + ((1U << drop) >> 1);
}

/* Of a token: first the small indices of codebook 1, then the rest. */
static inline uint8_t wsic_token_bucket(int32_t token)
{
    const uint8_t bucket = wsic_bucket(wsic_token_index(token));

    if (wsic_token_codebook(token) == 1 && bucket < WSIC_BUCKETS_EXACT)
        return bucket;
    return (uint8_t)(WSIC_BUCKETS_EXACT + bucket);
}

typedef struct wsic_magnitudes {
    size_t rows;
    size_t columns;
    bool tokens;
    uint32_t used;     /* all buckets are below */
    uint8_t *buckets;  /* element (i, j) at j * rows + i */
    double *deviation; /* root mean square of each column */
} wsic_magnitudes;

/* Room for those of codes or tokens (codes_take.c). */
wsic_status wsic_magnitudes_create(const wsic_env *env, size_t rows, size_t columns, bool tokens,
                                   wsic_magnitudes *magnitudes);
void wsic_magnitudes_release(const wsic_env *env, wsic_magnitudes *magnitudes);

#endif
