/* SPDX-License-Identifier: MIT */
#include "decode/weights.h"

#include "base/cpu.h"

#if WSIC_NEON

#include <arm_neon.h>

#include "base/half.h"
#include "decode/weights_loops.h"

enum { LANES = 4 };

static void from_narrow(const int8_t *codes, const float *column_scales, float row_scale,
                        size_t count, float *out)
{
    wsic_loop_from_narrow(codes, column_scales, row_scale, count, out);
}

static void from_wide(const int32_t *codes, const float *column_scales, float row_scale,
                      size_t count, float *out)
{
    wsic_loop_from_wide(codes, column_scales, row_scale, count, out);
}

static size_t find_beyond(const float *weights, size_t count, uint32_t limit)
{
    return wsic_loop_find_beyond(weights, count, limit);
}

static void to_f16(const float *weights, size_t count, uint16_t *out)
{
    size_t j = 0;

    for (; j + LANES <= count; j += LANES)
        vst1_u16(out + j, vreinterpret_u16_f16(vcvt_f16_f32(vld1q_f32(weights + j))));
    wsic_store_f32(out + j, WSIC_F16, weights + j, count - j);
}

/* Half a step less the last bit that stays, so that ties go to even. */
static void to_bf16(const float *weights, size_t count, uint16_t *out)
{
    size_t j = 0;

    for (; j + LANES <= count; j += LANES) {
        const uint32x4_t bits = vreinterpretq_u32_f32(vld1q_f32(weights + j));
        const uint32x4_t odd = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
        const uint32x4_t half = vaddq_u32(odd, vdupq_n_u32(0x7FFF));
        vst1_u16(out + j, vshrn_n_u32(vaddq_u32(bits, half), 16));
    }
    wsic_store_f32(out + j, WSIC_BF16, weights + j, count - j);
}

const wsic_weight_kernels wsic_weights_neon = {from_narrow, from_wide, find_beyond, to_f16,
                                               to_bf16};

#endif
