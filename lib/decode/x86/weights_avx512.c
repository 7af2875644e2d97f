/* SPDX-License-Identifier: MIT */
#include "decode/weights.h"

#include "base/cpu.h"

#if WSIC_X86

#if defined(WSIC_EMULATED_AVX512) /* for tests on machines without it */
#include "emulated_avx512.h"
#else
#include <immintrin.h>
#endif

#include "base/half.h"
#include "decode/weights_loops.h"

enum { LANES = 16 };

WSIC_TARGET_AVX512
static void from_narrow(const int8_t *codes, const float *column_scales, float row_scale,
                        size_t count, float *out)
{
    wsic_loop_from_narrow(codes, column_scales, row_scale, count, out);
}

WSIC_TARGET_AVX512
static void from_wide(const int32_t *codes, const float *column_scales, float row_scale,
                      size_t count, float *out)
{
    wsic_loop_from_wide(codes, column_scales, row_scale, count, out);
}

WSIC_TARGET_AVX512
static size_t find_beyond(const float *weights, size_t count, uint32_t limit)
{
    return wsic_loop_find_beyond(weights, count, limit);
}

WSIC_TARGET_AVX512
static void to_f16(const float *weights, size_t count, uint16_t *out)
{
    size_t j = 0;

    for (; j + LANES <= count; j += LANES)
        _mm256_storeu_si256((__m256i *)(out + j),
                            _mm512_cvtps_ph(_mm512_loadu_ps(weights + j), _MM_FROUND_NO_EXC));
    wsic_store_f32(out + j, WSIC_F16, weights + j, count - j);
}

/* Half a step less the last bit that stays, so that ties go to even. */
WSIC_TARGET_AVX512
static void to_bf16(const float *weights, size_t count, uint16_t *out)
{
    size_t j = 0;

    for (; j + LANES <= count; j += LANES) {
        const __m512i bits = _mm512_loadu_si512(weights + j);
        const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
        const __m512i half = _mm512_add_epi32(odd, _mm512_set1_epi32(0x7FFF));
        const __m512i halves = _mm512_srli_epi32(_mm512_add_epi32(bits, half), 16);
        _mm256_storeu_si256((__m256i *)(out + j), _mm512_cvtepi32_epi16(halves));
    }
    wsic_store_f32(out + j, WSIC_BF16, weights + j, count - j);
}

const wsic_weight_kernels wsic_weights_avx512 = {from_narrow, from_wide, find_beyond, to_f16,
                                                 to_bf16};

#endif
