/* SPDX-License-Identifier: MIT */
/* Numbers that are the same on every machine and in every run. */
#ifndef TESTS_RANDOM_H
#define TESTS_RANDOM_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

typedef struct random_state {
    uint64_t counter;
} random_state;

/* splitmix64 */
static inline uint64_t random_bits(random_state *state)
{
    uint64_t z = state->counter += 0x9E3779B97F4A7C15U;

    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9U;
    z = (z ^ z >> 27) * 0x94D049BB133111EBU;
    return z ^ z >> 31;
}

/* Uniform in (0, 1). */
static inline double random_uniform(random_state *state)
{
    return ((double)(random_bits(state) >> 11) + 0.5) * 0x1p-53;
}

/* Uniform in (-1, 1). */
static inline double random_symmetric(random_state *state)
{
    return 2.0 * random_uniform(state) - 1.0;
}

/* Standard normal (Box and Muller). */
static inline double random_normal(random_state *state)
{
    const double radius = sqrt(-2.0 * log(random_uniform(state)));
    return radius * cos(6.283185307179586 * random_uniform(state));
}

static inline void random_fill(random_state *state, double *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        values[i] = random_normal(state);
}

#endif
