/* SPDX-License-Identifier: MIT */
/* Reproducible noise: a linear congruential generator (Knuth's MMIX constants). */
#ifndef TESTS_NOISE_H
#define TESTS_NOISE_H

#include <stdint.h>

static inline uint32_t noise_bits(uint64_t *state)
{
    *state = *state * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(*state >> 32);
}

/* Uniform in [-1, 1). */
static inline double noise_unit(uint64_t *state)
{
    return (double)(int32_t)noise_bits(state) * 0x1p-31;
}

#endif
