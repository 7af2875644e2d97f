/* SPDX-License-Identifier: MIT */
/* Random numbers that are the same on every machine and in every run (splitmix64). */
#ifndef EXAMPLES_SEEDED_H
#define EXAMPLES_SEEDED_H

#include <stdint.h>

/* The next 64 bits of a sequence; the state is its seed at first. */
uint64_t seeded_bits(uint64_t *state);

/* A number of [0, 1) that belongs to a seed and an index, whatever was drawn before. */
double seeded_uniform(uint64_t seed, uint64_t index);

#endif
