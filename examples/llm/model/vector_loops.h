/* SPDX-License-Identifier: MIT */
/* The loops of vector.h, which compilers turn into vector instructions. They are inlined into
 * functions for several instruction sets, which is what makes the vectors long. */
#ifndef EXAMPLES_LLM_MODEL_VECTOR_LOOPS_H
#define EXAMPLES_LLM_MODEL_VECTOR_LOOPS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__GNUC__)
#define INTO_CALLER static inline __attribute__((__always_inline__))
#else
#define INTO_CALLER static inline
#endif

/* Partial results side by side, so that no loop waits for its last sum. */
enum { loop_lanes = 16 };

INTO_CALLER int32_t loop_bits(float x)
{
    int32_t bits;

    memcpy(&bits, &x, sizeof bits);
    return bits;
}

INTO_CALLER float loop_float(int32_t bits)
{
    float x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

/* x within -87 ... 87; NaN stays. Comparisons are of whole numbers: those of floats might trap, for
 * which reason compilers make no vectors of them. */
INTO_CALLER float loop_limited(float x)
{
    const int32_t bound = 0x42AE0000; /* 87 */
    const int32_t infinity = 0x7F800000;
    const int32_t bits = loop_bits(x);
    const int32_t magnitude = bits & INT32_MAX;
    const int32_t limited = magnitude > bound ? bound : magnitude;

    return loop_float((magnitude > infinity ? magnitude : limited) | (bits & INT32_MIN));
}

/* exp(x) = 2^n exp(r) with n = round(x / ln 2) and |r| <= ln 2 / 2; exp(r) by its series up to
 * r^7 / 7! (the next term is below 6e-9). Adding 1.5 · 2^23 rounds to a whole number, and leaves it
 * in the last bits of the sum, from where it moves into the exponent of the result. */
INTO_CALLER float loop_exponential(float x)
{
    const float rounder = 0x1.8p23F;
    const float within = loop_limited(x);
    const float sum = within * 0x1.715476p0F + rounder;
    const float n = sum - rounder;
    /* ln 2 in two parts, the first one with few bits, so that n times it is exact. */
    const float r = (within - n * 0x1.63p-1F) - n * -0x1.bd0106p-13F;
    const uint32_t exponent = ((uint32_t)loop_bits(sum) + 127) << 23;
    float series = 1.0F / 5040;

    series = series * r + 1.0F / 720;
    series = series * r + 1.0F / 120;
    series = series * r + 1.0F / 24;
    series = series * r + 1.0F / 6;
    series = series * r + 0.5F;
    return loop_float((int32_t)exponent) * (1 + (r + r * r * series));
}

/* Floats in the order of whole numbers, NaN of positive sign above all; its own inverse. */
INTO_CALLER int32_t loop_order(int32_t bits)
{
    return bits ^ (bits >> 31 & INT32_MAX);
}

INTO_CALLER float loop_largest(const float *v, size_t count)
{
    int32_t largest = loop_order(loop_bits(v[0]));

    for (size_t i = 1; i < count; i++) {
        const int32_t order = loop_order(loop_bits(v[i]));
        largest = order > largest ? order : largest;
    }
    return loop_float(loop_order(largest));
}

INTO_CALLER float loop_sum(const float *v, size_t count)
{
    float lanes[loop_lanes] = {0};
    float sum = 0;
    size_t i = 0;

    for (; i + loop_lanes <= count; i += loop_lanes)
        for (size_t lane = 0; lane < loop_lanes; lane++)
            lanes[lane] += v[i + lane];
    for (; i < count; i++)
        sum += v[i];
    for (size_t lane = 0; lane < loop_lanes; lane++)
        sum += lanes[lane];
    return sum;
}

/* Of numbers of one type with floats. */
#define LOOP_DOT(name, number)                                                                     \
    INTO_CALLER float name(const number *a, const float *b, size_t count)                          \
    {                                                                                              \
        float lanes[loop_lanes] = {0};                                                             \
        size_t i = 0;                                                                              \
        float sum = 0;                                                                             \
                                                                                                   \
        for (; i + loop_lanes <= count; i += loop_lanes)                                           \
            for (size_t lane = 0; lane < loop_lanes; lane++)                                       \
                lanes[lane] += (float)a[i + lane] * b[i + lane];                                   \
        for (; i < count; i++)                                                                     \
            sum += (float)a[i] * b[i];                                                             \
        for (size_t lane = 0; lane < loop_lanes; lane++)                                           \
            sum += lanes[lane];                                                                    \
        return sum;                                                                                \
    }

LOOP_DOT(loop_dot, float)
LOOP_DOT(loop_dot_codes, int8_t)
LOOP_DOT(loop_dot_wide, int16_t)

INTO_CALLER void loop_exponentials(float *v, float shift, size_t count)
{
    for (size_t i = 0; i < count; i++)
        v[i] = loop_exponential(v[i] - shift);
}

/* tanh(x) = 1 - 2 / (exp(2 x) + 1) */
INTO_CALLER void loop_cap(float *v, float cap, size_t count)
{
    for (size_t i = 0; i < count; i++)
        v[i] = cap * (1 - 2 / (loop_exponential(2 * (v[i] / cap)) + 1));
}

INTO_CALLER void loop_gate(float *restrict gate, const float *restrict up, size_t count)
{
    for (size_t i = 0; i < count; i++)
        gate[i] *= up[i] / (1 + loop_exponential(-gate[i]));
}

/* (1 + tanh(z)) / 2 = 1 / (1 + exp(-2 z)); 2 √(2/π) = 1.595769 */
INTO_CALLER void loop_gelu_gate(float *restrict gate, const float *restrict up, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const float x = gate[i];
        const float twice = 1.5957691216F * (x + 0.044715F * x * x * x);
        gate[i] = x * up[i] / (1 + loop_exponential(-twice));
    }
}

#endif
