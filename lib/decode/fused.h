/* SPDX-License-Identifier: MIT */
/* The fused multiply-add of floats, a * b + c rounded once, without the mathematical library.
 *
 * Where the compiler's target has the instruction it is taken. Elsewhere double precision does: the
 * product of two floats has 48 bits and is exact there. Let s be the sum with c, rounded to double.
 * Rounding s to float once more goes wrong only where s lies exactly between two floats, or in the
 * range of subnormal floats, and the sum was not exact: then s hides on which side the true sum
 * lies. So s is rounded to odd: if the sum was inexact, of the two doubles around it the one with
 * an odd last bit is taken. A double has 29 bits more than a float; with at least 2 more, rounding
 * to odd and then to nearest is rounding to nearest once (Boldo and Melquiond, "Emulation of FMA
 * and correctly rounded sums: proved algorithms using rounding to odd", IEEE Transactions on
 * Computers 57, 2008). The error of the sum is exact by Knuth's algorithm, as no intermediate value
 * leaves the range of double: magnitudes are 0, or from 2^-298 to 2^257. */
#ifndef WSIC_DECODE_FUSED_H
#define WSIC_DECODE_FUSED_H

#include <stddef.h>
#include <string.h>

#include "base/env.h"

/* By round-to-odd, on every machine: what the tests compare. */
float wsic_fused_emulated(float a, float b, float c);

static inline float wsic_fused(float a, float b, float c)
{
#ifdef __FP_FAST_FMAF
    return __builtin_fmaf(a, b, c);
#else
    return wsic_fused_emulated(a, b, c);
#endif
}

/* sums[i] = fused(values[i], factor, sums[i]) for i below count, at most WSIC_FUSED_MOST. */
enum { WSIC_FUSED_MOST = 64 };
void wsic_fused_add(float *sums, const float *values, float factor, size_t count);

#endif
