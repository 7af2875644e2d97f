/* SPDX-License-Identifier: MIT */
/* Bisection for a water level. */
#ifndef WSIC_WATERFILL_LEVEL_H
#define WSIC_WATERFILL_LEVEL_H

#include <stdint.h>
#include <string.h>

/* Non-negative doubles are ordered as their bits are, so that halving the distance in
 * bits crosses 600 decades and any spectrum in at most 63 steps. `low` itself where nothing is
 * between. */
static inline double wsic_level_between(double low, double high)
{
    uint64_t low_bits, high_bits;
    double value;

    memcpy(&low_bits, &low, sizeof low_bits);
    memcpy(&high_bits, &high, sizeof high_bits);
    const uint64_t bits = low_bits + (high_bits - low_bits) / 2;
    memcpy(&value, &bits, sizeof value);
    return value;
}

#endif
