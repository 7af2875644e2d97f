/* SPDX-License-Identifier: MIT */
/* The encoder of the lanes of a stream: steps are pushed from the last one to the first. */
#ifndef WSIC_CODING_STREAM_PUSH_H
#define WSIC_CODING_STREAM_PUSH_H

#include "base/cpu.h"
#include "coding/code_ranges.h"
#include "coding/stream.h"

enum { WSIC_PUSH_SPARE = 8 /* words below the last one that a kernel may write over */ };

/* Lanes stand at their places in the order in which they take words (wsic_lane_at()). */
typedef struct wsic_push_lanes {
    uint32_t states[WSIC_LANES_MAX];
    uint16_t *words; /* the first one written: they grow downwards */
} wsic_push_lanes;

/* Push a symbol; a word that leaves the state goes below *words. */
static inline void wsic_push(uint16_t **words, uint32_t *state, uint32_t start, uint32_t frequency)
{
    uint32_t x = *state;

    if (x >= (uint64_t)frequency << (32 - WSIC_MODEL_BITS)) {
        *--*words = (uint16_t)x;
        x >>= 16;
    }
    /* NOLINTNEXTLINE(clang-analyzer-core.DivideZero): no symbol that is coded has frequency 0 */
    *state = (x / frequency << WSIC_MODEL_BITS) + x % frequency + start;
}

static inline void wsic_push_range(uint16_t **words, uint32_t *state, uint32_t range)
{
    wsic_push(words, state, range & WSIC_RANGE_START, range >> WSIC_RANGE_SHIFT);
}

/* Push steps of WSIC_LANES_MAX lanes, whose ranges stand one step after the other, from the last
 * one down, as long as none has an escape. Returns how many are left. */
typedef size_t wsic_push_steps(wsic_push_lanes *lanes, const uint32_t *ranges, size_t steps);

/* What a choice of instructions has for it; NULL if nothing. */
wsic_push_steps *wsic_push_kernel(int32_t kernels);

#if WSIC_X86
wsic_push_steps wsic_push_steps_avx2;
#endif

#endif
