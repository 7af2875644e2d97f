/* SPDX-License-Identifier: MIT */
#include "decode/weights.h"

#include "base/cpu.h"
#include "base/half.h"
#include "decode/weights_loops.h"

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
    wsic_store_f32(out, WSIC_F16, weights, count);
}

static void to_bf16(const float *weights, size_t count, uint16_t *out)
{
    wsic_store_f32(out, WSIC_BF16, weights, count);
}

const wsic_weight_kernels wsic_weights_c = {from_narrow, from_wide, find_beyond, to_f16, to_bf16};

const wsic_weight_kernels *wsic_weights_for(int32_t kernels)
{
#if WSIC_X86
    if (kernels == WSIC_KERNELS_AVX512)
        return &wsic_weights_avx512;
    if (kernels == WSIC_KERNELS_AVX2)
        return &wsic_weights_avx2;
#elif WSIC_NEON
    if (kernels == WSIC_KERNELS_NEON)
        return &wsic_weights_neon;
#endif
    (void)kernels;
    return &wsic_weights_c;
}

uint32_t wsic_weights_limit(uint32_t dtype)
{
    switch (dtype) {
    case WSIC_F16:
        return 0x477FF000; /* 65520 rounds to infinity */
    case WSIC_BF16:
        return 0x7F7F8000; /* so does half a step above the greatest */
    default:
        return 0x7F800000; /* infinity itself */
    }
}
