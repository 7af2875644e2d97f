/* SPDX-License-Identifier: MIT */
#include "decode/fused.h"

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double double_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The sum rounded to double, made odd where it is not exact. */
static double sum_to_odd(double a, double b)
{
    const double sum = a + b;
    const double b_part = sum - a;
    const double error = (a - (sum - b_part)) + (b - b_part);
    const uint64_t bits = bits_of(sum);

    if (error == 0 || (bits & 1) != 0)
        return sum;
    /* The neighbour on the side of the true sum: away from zero if both signs agree. */
    return double_of((error > 0) == (sum > 0) ? bits + 1 : bits - 1);
}

float wsic_fused_emulated(float a, float b, float c)
{
    const double product = (double)a * (double)b;
    const double sum = product + (double)c;

    /* Infinities and NaN have no error to look at. */
    if ((bits_of(sum) >> 52 & 0x7FF) == 0x7FF)
        return (float)sum;
    return (float)sum_to_odd(product, (double)c);
}

#ifdef __FP_FAST_FMAF

void wsic_fused_add(float *sums, const float *values, float factor, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sums[i] = wsic_fused(values[i], factor, sums[i]);
}

#else

/* The top bit is set if rounding this double to float may go wrong where it is inexact: halfway
 * between two floats, or subnormal as a float. 0 is what it seems: no sum of products of floats is
 * below 2^-298. */
static uint64_t is_doubtful(uint64_t bits)
{
    const uint64_t below = bits & 0x1FFFFFFF;
    const uint64_t magnitude = bits >> 32 & 0x7FFFFFFF;

    return ((below ^ 0x10000000) - 1) |
           ((magnitude - 0x38100000) & ~(magnitude - 1)); /* 2^-126; not 0 */
}

/* Simple enough for vectors. If any of the sums may be rounded twice, all are computed again,
 * exactly. */
void wsic_fused_add(float *sums, const float *values, float factor, size_t count)
{
    const double wide_factor = (double)factor;
    double wide[WSIC_FUSED_MOST];
    uint64_t bits[WSIC_FUSED_MOST];
    uint64_t doubtful = 0;

    for (size_t i = 0; i < count; i++)
        wide[i] = (double)values[i] * wide_factor + (double)sums[i];
    /* cppcheck-suppress uninitvar ; the loop has set the first `count` */
    memcpy(bits, wide, count * sizeof *bits);
    for (size_t i = 0; i < count; i++)
        doubtful |= is_doubtful(bits[i]);
    if (doubtful >> 63 == 0) {
        for (size_t i = 0; i < count; i++)
            sums[i] = (float)wide[i];
        return;
    }
    for (size_t i = 0; i < count; i++)
        sums[i] = wsic_fused_emulated(values[i], factor, sums[i]);
}

#endif
