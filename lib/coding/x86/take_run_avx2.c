/* SPDX-License-Identifier: MIT */
#include "coding/take_run.h"

#if WSIC_X86

#include <immintrin.h>

#include "coding/take_loops.h"

#define INLINE static inline WSIC_TARGET_AVX2 __attribute__((__always_inline__))

/* Of 32 bytes. */
INLINE uint32_t collect_half(const uint8_t *bytes, unsigned number)
{
    const __m256i all = _mm256_loadu_si256((const void *)bytes);
    return (uint32_t)_mm256_movemask_epi8(
        _mm256_sll_epi16(all, _mm_cvtsi32_si128(7 - (int)number)));
}

INLINE uint64_t collect(const uint8_t *bytes, unsigned number)
{
    return collect_half(bytes, number) | (uint64_t)collect_half(bytes + 32, number) << 32;
}

/* 32 bits, each a byte of zeros or of ones. */
INLINE __m256i spread_half(uint32_t bits)
{
    const __m256i bytes_of_bits =
        _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
    const __m256i bit = _mm256_set1_epi64x((long long)0x8040201008040201);
    const __m256i all = _mm256_shuffle_epi8(_mm256_set1_epi32((int)bits), bytes_of_bits);
    return _mm256_cmpeq_epi8(_mm256_and_si256(all, bit), bit);
}

INLINE void spread(uint64_t twice, uint64_t once, uint8_t *bytes)
{
    for (unsigned half = 0; half < 2; half++) {
        const __m256i two =
            _mm256_and_si256(spread_half((uint32_t)(twice >> 32 * half)), _mm256_set1_epi8(2));
        const __m256i one =
            _mm256_and_si256(spread_half((uint32_t)(once >> 32 * half)), _mm256_set1_epi8(1));
        _mm256_storeu_si256((void *)(bytes + 32 * half), _mm256_or_si256(two, one));
    }
}

WSIC_TARGET_AVX2 bool wsic_take_run_avx2(const int32_t *codes, const wsic_token_taps *taps,
                                         uint64_t *before, int16_t *data, uint8_t *buckets,
                                         uint64_t *energy)
{
    return taps ? wsic_loop_take_levels(codes, taps, before, collect, spread, data, buckets, energy)
                : wsic_loop_take_codes(codes, data, buckets, energy);
}

#else

/* A unit must hold something. */
typedef int wsic_take_run_avx2_is_for_x86;

#endif
