/* SPDX-License-Identifier: MIT */
#include "base/half.h"

#include "base/cpu.h"

#if WSIC_X86

#include <immintrin.h>

enum { LANES = 8 };

/* The instruction is exact for all finite numbers, small ones too. */
WSIC_TARGET_AVX2
void wsic_load_f16_avx2(float *out, const uint16_t *data, size_t count)
{
    size_t i = 0;

    for (; i + LANES <= count; i += LANES) {
        const __m128i halves = _mm_loadu_si128((const __m128i *)(const void *)(data + i));
        _mm256_storeu_ps(out + i, _mm256_cvtph_ps(halves));
    }
    for (; i < count; i++)
        out[i] = wsic_f16_to_f32(data[i]);
}

#endif
