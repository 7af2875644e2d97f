/* SPDX-License-Identifier: MIT */
#include "base/cpu.h"

#if WSIC_X86

#if defined(WSIC_EMULATED_AVX512) /* for tests on machines without it */
#include "emulated_avx512.h"
#else
#include <immintrin.h>
#endif

#include "base/env.h"

#define KERNELS wsic_product_avx512
#define TARGET  WSIC_TARGET_AVX512
#define INLINE  static inline __attribute__((__always_inline__)) TARGET

typedef __m512 lanes;

enum {
    LANES = 16,
    VECTORS_1 = 4,
    VECTORS_2 = 4,
    VECTORS_3 = 4,
    VECTORS_4 = 4,
    VECTORS_5 = 4,
    VECTORS_6 = 4
};

INLINE lanes lanes_load(const float *from)
{
    return _mm512_loadu_ps(from);
}

INLINE void lanes_store(float *to, lanes values)
{
    _mm512_storeu_ps(to, values);
}

INLINE lanes lanes_repeat(const float *value)
{
    return _mm512_set1_ps(*value);
}

INLINE lanes lanes_fused(lanes a, lanes b, lanes c)
{
    return _mm512_fmadd_ps(a, b, c);
}

INLINE lanes lanes_of_bytes(const int8_t *from)
{
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)from)));
}

#include "decode/product_lanes.h"

#endif
