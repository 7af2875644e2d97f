/* SPDX-License-Identifier: MIT */
#include "llm/model/vector.h"

#include <stdbool.h>

#include "llm/model/vector_loops.h"

#if (defined(__x86_64__) || defined(__i386__)) && defined(__GNUC__)

#define AVX2 __attribute__((__target__("avx2")))

static bool have_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}

#else

#define AVX2

static bool have_avx2(void)
{
    return false;
}

#endif

AVX2 static float largest_avx2(const float *v, size_t count)
{
    return loop_largest(v, count);
}

AVX2 static float sum_avx2(const float *v, size_t count)
{
    return loop_sum(v, count);
}

AVX2 static void exponentials_avx2(float *v, float shift, size_t count)
{
    loop_exponentials(v, shift, count);
}

AVX2 static void cap_avx2(float *v, float cap, size_t count)
{
    loop_cap(v, cap, count);
}

AVX2 static void gate_avx2(float *gate, const float *up, size_t count)
{
    loop_gate(gate, up, count);
}

AVX2 static void gelu_gate_avx2(float *gate, const float *up, size_t count)
{
    loop_gelu_gate(gate, up, count);
}

float vector_largest(const float *v, size_t count)
{
    return have_avx2() ? largest_avx2(v, count) : loop_largest(v, count);
}

float vector_sum(const float *v, size_t count)
{
    return have_avx2() ? sum_avx2(v, count) : loop_sum(v, count);
}

void vector_exponentials(float *v, float shift, size_t count)
{
    if (have_avx2())
        exponentials_avx2(v, shift, count);
    else
        loop_exponentials(v, shift, count);
}

void vector_cap(float *v, float cap, size_t count)
{
    if (have_avx2())
        cap_avx2(v, cap, count);
    else
        loop_cap(v, cap, count);
}

void vector_gate(float *gate, const float *up, size_t count)
{
    if (have_avx2())
        gate_avx2(gate, up, count);
    else
        loop_gate(gate, up, count);
}

void vector_gelu_gate(float *gate, const float *up, size_t count)
{
    if (have_avx2())
        gelu_gate_avx2(gate, up, count);
    else
        loop_gelu_gate(gate, up, count);
}

/* What memory holds back is no faster on wider registers. */

void vector_gain(float *out, const float *v, const float *restrict gains, float factor,
                 size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i] = v[i] * factor * gains[i];
}

void vector_scale(float *v, float factor, size_t count)
{
    for (size_t i = 0; i < count; i++)
        v[i] *= factor;
}

void vector_turn(float *restrict x, float *restrict y, const float *restrict cosine,
                 const float *restrict sine, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const float turned = x[i] * cosine[i] - y[i] * sine[i];
        y[i] = y[i] * cosine[i] + x[i] * sine[i];
        x[i] = turned;
    }
}
