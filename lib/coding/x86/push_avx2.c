/* SPDX-License-Identifier: MIT */
/* Steps of 32 lanes: four vectors of eight states. A state is divided by a frequency in floating
 * point. The quotient is below 2^20, so that it is the true one or one too low, and the remainder
 * tells which. */
#include "coding/stream_push.h"

#if WSIC_X86

#include <immintrin.h>

#include "coding/compact.h"

#define INLINE static inline WSIC_TARGET_AVX2 __attribute__((__always_inline__))

enum { VECTORS = WSIC_LANES_MAX / 8 };

/* The states without the words that have to leave them; these go below *words. */
INLINE __m256i shrink(__m256i states, __m256i frequency, uint16_t **words)
{
    const __m256i high = _mm256_srli_epi32(states, 32 - WSIC_MODEL_BITS);
    const __m256i stays = _mm256_cmpgt_epi32(frequency, high);
    const uint32_t mask = ~(uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(stays)) & 0xFF;
    const __m256i low = _mm256_and_si256(states, _mm256_set1_epi32(0xFFFF));
    const __m128i packed =
        _mm_packus_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1));
    /* From the number of a word to those of its two bytes. */
    const __m128i lanes = _mm_cvtepu8_epi16(_mm_loadl_epi64((const void *)&wsic_compact[mask]));
    const __m128i bytes =
        _mm_add_epi16(_mm_mullo_epi16(lanes, _mm_set1_epi16(0x0202)), _mm_set1_epi16(0x0100));

    _mm_storeu_si128((void *)(*words - 8), _mm_shuffle_epi8(packed, bytes));
    *words -= _mm_popcnt_u32(mask);
    return _mm256_blendv_epi8(_mm256_srli_epi32(states, 16), states, stays);
}

/* Unsigned numbers, rounded to the nearest of single precision. */
INLINE __m256 to_float(__m256i x)
{
    const __m256i upper = _mm256_srli_epi32(x, 16);
    const __m256i lower = _mm256_blend_epi16(x, _mm256_setzero_si256(), 0xAA);
    return _mm256_fmadd_ps(_mm256_cvtepi32_ps(upper), _mm256_set1_ps(65536),
                           _mm256_cvtepi32_ps(lower));
}

/* The state is below 2^20 times the frequency. */
INLINE __m256i push(__m256i states, __m256i frequency, __m256i start)
{
    /* A little less than 1: more than what three roundings to 24 bits may add. */
    const __m256 less = _mm256_set1_ps(1 - 0x1p-21F);
    const __m256 divisor = _mm256_cvtepi32_ps(frequency);
    const __m256 quotient = _mm256_div_ps(_mm256_mul_ps(to_float(states), less), divisor);
    const __m256i low = _mm256_cvttps_epi32(quotient);
    const __m256i rest = _mm256_sub_epi32(states, _mm256_mullo_epi32(low, frequency));
    /* 0, or -1 where the quotient is one too low. */
    const __m256i missing =
        _mm256_cmpgt_epi32(rest, _mm256_sub_epi32(frequency, _mm256_set1_epi32(1)));
    const __m256i exact = _mm256_sub_epi32(low, missing);
    const __m256i remainder = _mm256_sub_epi32(rest, _mm256_and_si256(missing, frequency));

    return _mm256_add_epi32(_mm256_slli_epi32(exact, WSIC_MODEL_BITS),
                            _mm256_add_epi32(remainder, start));
}

INLINE bool has_escape(const __m256i *ranges)
{
    const __m256i any = _mm256_or_si256(_mm256_or_si256(ranges[0], ranges[1]),
                                        _mm256_or_si256(ranges[2], ranges[3]));
    return !_mm256_testz_si256(any, _mm256_set1_epi32(WSIC_RANGE_ESCAPE));
}

WSIC_TARGET_AVX2 size_t wsic_push_steps_avx2(wsic_push_lanes *lanes, const uint32_t *ranges,
                                             size_t steps)
{
    const __m256i start = _mm256_set1_epi32(WSIC_RANGE_START);
    uint16_t *words = lanes->words;
    __m256i states[VECTORS], range[VECTORS];

    for (size_t k = 0; k < VECTORS; k++)
        states[k] = _mm256_loadu_si256((const void *)(lanes->states + 8 * k));
    for (; steps > 0; steps--) {
        const uint32_t *const step = ranges + (steps - 1) * WSIC_LANES_MAX;
#pragma GCC unroll 4
        for (size_t k = 0; k < VECTORS; k++)
            range[k] = _mm256_loadu_si256((const void *)(step + 8 * k));
        if (has_escape(range))
            break;
#pragma GCC unroll 4
        for (size_t k = VECTORS; k-- > 0;) {
            const __m256i frequency = _mm256_srli_epi32(range[k], WSIC_RANGE_SHIFT);
            states[k] = push(shrink(states[k], frequency, &words), frequency,
                             _mm256_and_si256(range[k], start));
        }
    }
    for (size_t k = 0; k < VECTORS; k++)
        _mm256_storeu_si256((void *)(lanes->states + 8 * k), states[k]);
    lanes->words = words;
    return steps;
}

#else

/* A unit must hold something. */
typedef int wsic_push_avx2_is_for_x86;

#endif
