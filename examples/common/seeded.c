/* SPDX-License-Identifier: MIT */
#include "common/seeded.h"

static const uint64_t increment = 0x9E3779B97F4A7C15U;

uint64_t seeded_bits(uint64_t *state)
{
    uint64_t z = *state += increment;

    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9U;
    z = (z ^ z >> 27) * 0x94D049BB133111EBU;
    return z ^ z >> 31;
}

double seeded_uniform(uint64_t seed, uint64_t index)
{
    uint64_t state = seed + index * increment;

    return (double)(seeded_bits(&state) >> 11) * 0x1p-53;
}
