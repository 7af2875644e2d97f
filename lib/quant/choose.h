/* SPDX-License-Identifier: MIT */
/* A choice between two numbers without a branch. A processor guesses wrong where a branch is taken
 * at random, which costs more time than the branch saves; and vector code has no branches. */
#ifndef WSIC_QUANT_CHOOSE_H
#define WSIC_QUANT_CHOOSE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* A number's bits, and back. */
static inline uint32_t wsic_bits_of(float number)
{
    uint32_t bits;

    memcpy(&bits, &number, sizeof bits);
    return bits;
}

static inline float wsic_number_of(uint32_t bits)
{
    float number;

    memcpy(&number, &bits, sizeof number);
    return number;
}

static inline float wsic_choose(bool first, float a, float b)
{
    const uint32_t mask = -(uint32_t)first;

    return wsic_number_of((wsic_bits_of(a) & mask) | (wsic_bits_of(b) & ~mask));
}

#endif
