/* SPDX-License-Identifier: MIT */
/* What kernels of wsic_take_run have in common: loops that compilers turn into vectors, inlined for
 * each set of instructions. What compilers do not see, each set does in its own way: bits of bytes
 * that become a word, and the other way round. */
#ifndef WSIC_CODING_TAKE_LOOPS_H
#define WSIC_CODING_TAKE_LOOPS_H

#include <string.h>

#include "coding/magnitudes.h"
#include "coding/take_run.h"

/* Bit `number` of each of WSIC_TAKE_RUN bytes. */
typedef uint64_t wsic_collect_run(const uint8_t *bytes, unsigned number);
/* Twice the bits of one word and those of the other, a byte for each. */
typedef void wsic_spread_run(uint64_t twice, uint64_t once, uint8_t *bytes);

/* The bits of all magnitudes together, or of what is one less for negative codes. */
WSIC_INTO_CALLER uint32_t wsic_loop_reach(const int32_t *codes)
{
    uint32_t reach = 0;

    for (size_t i = 0; i < WSIC_TAKE_RUN; i++)
        reach |= (uint32_t)(codes[i] < 0 ? ~codes[i] : codes[i]);
    return reach;
}

/* wsic_bucket() of the magnitudes of a run. A float has what a bucket is made of: its
 * exponent and the bits that follow. */
WSIC_INTO_CALLER void wsic_loop_buckets(const int16_t *magnitudes, uint8_t *buckets)
{
    enum { DROP = 20, BIAS = 8 * (127 + 2) };
    uint32_t bits[WSIC_TAKE_RUN];

    for (size_t i = 0; i < WSIC_TAKE_RUN; i++) {
        const float magnitude = magnitudes[i];
        memcpy(&bits[i], &magnitude, sizeof magnitude);
    }
    for (size_t i = 0; i < WSIC_TAKE_RUN; i++)
        buckets[i] = (uint8_t)(magnitudes[i] < WSIC_BUCKETS_EXACT ? (uint32_t)magnitudes[i]
                                                                  : (bits[i] >> DROP) - BIAS);
}

/* The squares of a run, and its buckets. */
WSIC_INTO_CALLER uint64_t wsic_loop_measure(const int16_t *magnitudes, uint8_t *buckets)
{
    uint32_t energy = 0;
    uint32_t any = 0;

    for (size_t i = 0; i < WSIC_TAKE_RUN; i++)
        any |= (uint32_t)magnitudes[i];
    if (any < WSIC_BUCKETS_EXACT) {
        for (size_t i = 0; i < WSIC_TAKE_RUN; i++)
            buckets[i] = (uint8_t)magnitudes[i];
    } else {
        wsic_loop_buckets(magnitudes, buckets);
    }
    for (size_t i = 0; i < WSIC_TAKE_RUN; i++)
        energy += (uint32_t)(magnitudes[i] * magnitudes[i]);
    return energy;
}

WSIC_INTO_CALLER bool wsic_loop_take_codes(const int32_t *codes, int16_t *restrict data,
                                           uint8_t *restrict buckets, uint64_t *energy)
{
    int16_t magnitudes[WSIC_TAKE_RUN];

    if (wsic_loop_reach(codes) >> WSIC_TAKE_BITS != 0)
        return false;
    for (size_t i = 0; i < WSIC_TAKE_RUN; i++)
        data[i] = (int16_t)codes[i];
    for (size_t i = 0; i < WSIC_TAKE_RUN; i++)
        magnitudes[i] = (int16_t)(data[i] < 0 ? -data[i] : data[i]);
    *energy += wsic_loop_measure(magnitudes, buckets);
    return true;
}

/* Rows of levels, taken apart. */
typedef struct wsic_run_levels {
    int16_t index[WSIC_TAKE_RUN];
    int16_t magnitude[WSIC_TAKE_RUN]; /* of the index */
    uint8_t what[WSIC_TAKE_RUN];      /* bits by these numbers */
} wsic_run_levels;

enum { WSIC_ODD_INDEX = 0, WSIC_ODD_LEVEL = 1, WSIC_ZERO_LEVEL = 2 };

/* The index of a level is that in the codebook that has it; zero has the same index in both. */
WSIC_INTO_CALLER void wsic_loop_take_apart(const int32_t *restrict levels,
                                           wsic_run_levels *restrict run)
{
    int16_t level[WSIC_TAKE_RUN];

    for (size_t i = 0; i < WSIC_TAKE_RUN; i++)
        level[i] = (int16_t)levels[i];
    for (size_t i = 0; i < WSIC_TAKE_RUN; i++) {
        const int16_t size = (int16_t)(level[i] < 0 ? -level[i] : level[i]);
        const int16_t half = (int16_t)((size + 1) >> 1);
        run->magnitude[i] = half;
        run->index[i] = (int16_t)(level[i] < 0 ? -half : half);
        run->what[i] = (uint8_t)((half & 1) << WSIC_ODD_INDEX | (size & 1) << WSIC_ODD_LEVEL |
                                 (size == 0) << WSIC_ZERO_LEVEL);
    }
}

/* Tokens of codebook 1 have the first buckets, where they are small (wsic_token_bucket()). */
WSIC_INTO_CALLER void wsic_loop_put_tokens(const wsic_run_levels *restrict run,
                                           const uint8_t *restrict context, int16_t *restrict data,
                                           uint8_t *restrict buckets)
{
    for (size_t i = 0; i < WSIC_TAKE_RUN; i++)
        data[i] = (int16_t)(WSIC_TRELLIS_CONTEXTS * run->index[i] + context[i]);
    for (size_t i = 0; i < WSIC_TAKE_RUN; i++) {
        const uint8_t shift = context[i] < 2 || buckets[i] >= WSIC_BUCKETS_EXACT ? 16 : 0;
        buckets[i] = (uint8_t)(buckets[i] + shift);
    }
}

WSIC_INTO_CALLER bool wsic_loop_take_levels(const int32_t *levels, const wsic_token_taps *taps,
                                            uint64_t *before, wsic_collect_run *collect,
                                            wsic_spread_run *spread, int16_t *restrict data,
                                            uint8_t *restrict buckets, uint64_t *energy)
{
    uint8_t context[WSIC_TAKE_RUN];
    uint64_t entered = *before;
    wsic_run_levels run;

    if (wsic_loop_reach(levels) >> WSIC_TAKE_BITS != 0)
        return false;
    wsic_loop_take_apart(levels, &run);
    const wsic_row_contexts found =
        wsic_find_contexts(taps, collect(run.what, WSIC_ODD_INDEX), &entered);
    if (((collect(run.what, WSIC_ODD_LEVEL) ^ found.codebooks) &
         ~collect(run.what, WSIC_ZERO_LEVEL)) != 0)
        return false;
    *before = entered;
    *energy += wsic_loop_measure(run.magnitude, buckets);
    spread(found.codebooks, found.ahead, context);
    wsic_loop_put_tokens(&run, context, data, buckets);
    return true;
}

#endif
