/* SPDX-License-Identifier: MIT */
#include "decode/weights.h"

#include "base/cpu.h"

#if WSIC_X86

#include <immintrin.h>

#include "base/half.h"
#include "decode/weights_loops.h"

WSIC_TARGET_AVX2
static void from_narrow(const int8_t *codes, const float *column_scales, float row_scale,
                        size_t count, float *out)
{
    wsic_loop_from_narrow(codes, column_scales, row_scale, count, out);
}

WSIC_TARGET_AVX2
static void from_wide(const int32_t *codes, const float *column_scales, float row_scale,
                      size_t count, float *out)
{
    wsic_loop_from_wide(codes, column_scales, row_scale, count, out);
}

WSIC_TARGET_AVX2
static size_t find_beyond(const float *weights, size_t count, uint32_t limit)
{
    return wsic_loop_find_beyond(weights, count, limit);
}

WSIC_TARGET_AVX2
static void to_f16(const float *weights, size_t count, uint16_t *out)
{
    size_t j = 0;

    for (; j + 8 <= count; j += 8)
        _mm_storeu_si128((__m128i *)(out + j),
                         _mm256_cvtps_ph(_mm256_loadu_ps(weights + j), _MM_FROUND_TO_NEAREST_INT));
    wsic_store_f32(out + j, WSIC_F16, weights + j, count - j);
}

/* Half a step less the last bit that stays, so that ties go to even. */
WSIC_TARGET_AVX2
static __m256i round_to_bf16(const float *weights)
{
    const __m256i bits = _mm256_castps_si256(_mm256_loadu_ps(weights));
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    const __m256i half = _mm256_add_epi32(odd, _mm256_set1_epi32(0x7FFF));

    return _mm256_srli_epi32(_mm256_add_epi32(bits, half), 16);
}

WSIC_TARGET_AVX2
static void to_bf16(const float *weights, size_t count, uint16_t *out)
{
    size_t j = 0;

    for (; j + 16 <= count; j += 16) {
        const __m256i halves =
            _mm256_packus_epi32(round_to_bf16(weights + j), round_to_bf16(weights + j + 8));
        _mm256_storeu_si256((__m256i *)(out + j), _mm256_permute4x64_epi64(halves, 0xD8));
    }
    wsic_store_f32(out + j, WSIC_BF16, weights + j, count - j);
}

const wsic_weight_kernels wsic_weights_avx2 = {from_narrow, from_wide, find_beyond, to_f16,
                                               to_bf16};

#endif
