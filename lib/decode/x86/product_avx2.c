/* SPDX-License-Identifier: MIT */
#include "base/cpu.h"

#if WSIC_X86

#include <immintrin.h>

#include "base/env.h"

#define KERNELS wsic_product_avx2
#define TARGET  WSIC_TARGET_AVX2
#define INLINE  static inline __attribute__((__always_inline__)) TARGET

typedef __m256 lanes;

enum {
    LANES = 8,
    VECTORS_1 = 8,
    VECTORS_2 = 4,
    VECTORS_3 = 4,
    VECTORS_4 = 2,
    VECTORS_5 = 2,
    VECTORS_6 = 2
};

INLINE lanes lanes_load(const float *from)
{
    return _mm256_loadu_ps(from);
}

INLINE void lanes_store(float *to, lanes values)
{
    _mm256_storeu_ps(to, values);
}

INLINE lanes lanes_repeat(const float *value)
{
    return _mm256_broadcast_ss(value);
}

INLINE lanes lanes_fused(lanes a, lanes b, lanes c)
{
    return _mm256_fmadd_ps(a, b, c);
}

INLINE lanes lanes_of_bytes(const int8_t *from)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)from)));
}

#include "decode/product_lanes.h"

#endif
