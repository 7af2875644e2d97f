/* SPDX-License-Identifier: MIT */
#include "quant/viterbi.h"

#include <math.h>

#include "quant/choose.h"

enum { LEVEL_STEPS = 32 }; /* metrics are brought back to 0 after so many */

void wsic_viterbi_make(wsic_viterbi *viterbi, unsigned kind)
{
    wsic_trellis_make(&viterbi->trellis, kind);
    for (uint32_t r = 0; r < viterbi->trellis.states / 2; r++) {
        viterbi->codebook[r] = -(int32_t)viterbi->trellis.codebook[r];
        viterbi->parity[r] = -(int32_t)wsic_trellis_parity(r & viterbi->trellis.feedback);
    }
}

/* Costs from r to 2 r, which are those from r + states / 2 to 2 r + 1, and the others. */
static inline float straight(const wsic_viterbi *v, const float *cost, size_t r)
{
    const float even = v->parity[r] ? cost[1] : cost[0];
    const float odd = v->parity[r] ? cost[3] : cost[2];
    return v->codebook[r] ? odd : even;
}

static inline float crossed(const wsic_viterbi *v, const float *cost, size_t r)
{
    const float even = v->parity[r] ? cost[0] : cost[1];
    const float odd = v->parity[r] ? cost[2] : cost[3];
    return v->codebook[r] ? odd : even;
}

/* straight() and crossed() for all states at once. To choose by a mask of 0 or -1 takes two
 * operations on bits. It is inlined with a constant `half`, so that the loop becomes vector
 * code. */
static inline void step(const wsic_viterbi *v, const float *restrict cost,
                        const float *restrict before, float *restrict after, size_t half)
{
    const uint32_t first = wsic_bits_of(cost[0]), codebooks = first ^ wsic_bits_of(cost[2]);
    const uint32_t parities = first ^ wsic_bits_of(cost[1]);
    const uint32_t other = parities ^ wsic_bits_of(cost[2]) ^ wsic_bits_of(cost[3]);

    for (size_t r = 0; r < half; r++) {
        const uint32_t codebook = (uint32_t)v->codebook[r], parity = (uint32_t)v->parity[r];
        const uint32_t swap = parities ^ (codebook & other);
        const uint32_t even = first ^ (codebook & codebooks) ^ (parity & swap);
        const float low = before[r], high = before[r + half];
        const float to_even = wsic_number_of(even), to_odd = wsic_number_of(even ^ swap);
        const float low_even = low + to_even, high_even = high + to_odd;
        const float low_odd = low + to_odd, high_odd = high + to_even;
        after[2 * r] = high_even < low_even ? high_even : low_even;
        after[2 * r + 1] = high_odd < low_odd ? high_odd : low_odd;
    }
}

/* Metrics grow with every step, and a float has 24 bits. */
static void level(float *metrics, size_t states)
{
    float least = metrics[0];

    for (size_t s = 1; s < states; s++)
        least = metrics[s] < least ? metrics[s] : least;
    for (size_t s = 0; s < states; s++)
        metrics[s] -= least;
}

static inline void forward(const wsic_viterbi *v, const wsic_branches *branches, size_t count,
                           float *metrics, size_t half)
{
    for (size_t i = 0; i < count; i++) {
        float *const before = metrics + i * 2 * half;
        if (i % LEVEL_STEPS == 0)
            level(before, 2 * half);
        step(v, branches[i].cost, before, before + 2 * half, half);
    }
}

void wsic_viterbi_forward(const wsic_viterbi *viterbi, unsigned start,
                          const wsic_branches *branches, size_t count, float *metrics)
{
    for (unsigned s = 0; s < viterbi->trellis.states; s++)
        metrics[s] = s == start ? 0.0F : HUGE_VALF;
    switch (viterbi->trellis.states) {
    case 4:
        forward(viterbi, branches, count, metrics, 2);
        break;
    case 8:
        forward(viterbi, branches, count, metrics, 4);
        break;
    case 16:
        forward(viterbi, branches, count, metrics, 8);
        break;
    case 32:
        forward(viterbi, branches, count, metrics, 16);
        break;
    case 64:
        forward(viterbi, branches, count, metrics, 32);
        break;
    case 128:
        forward(viterbi, branches, count, metrics, 64);
        break;
    default:
        forward(viterbi, branches, count, metrics, 128);
        break;
    }
}

unsigned wsic_viterbi_best(const wsic_viterbi *viterbi, const float *metrics)
{
    unsigned best = 0;

    for (unsigned s = 1; s < viterbi->trellis.states; s++)
        best = metrics[s] < metrics[best] ? s : best;
    return best;
}

unsigned wsic_viterbi_back(const wsic_viterbi *viterbi, const wsic_branches *branches,
                           const float *metrics, unsigned state, unsigned *branch)
{
    const wsic_trellis *const trellis = &viterbi->trellis;
    const unsigned low = state / 2, high = low + trellis->states / 2;
    const float to_even = straight(viterbi, branches->cost, low);
    const float to_odd = crossed(viterbi, branches->cost, low);
    const bool odd = state % 2 != 0;
    const float from_low = metrics[low] + (odd ? to_odd : to_even);
    const float from_high = metrics[high] + (odd ? to_even : to_odd);
    const unsigned before = from_high < from_low ? high : low;

    *branch = 2U * trellis->codebook[before] + (trellis->next[before][1] == state);
    return before;
}
