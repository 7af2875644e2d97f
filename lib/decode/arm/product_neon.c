/* SPDX-License-Identifier: MIT */
#include "base/cpu.h"

#if WSIC_NEON

#include <arm_neon.h>
#include <string.h>

#include "base/env.h"

#define KERNELS wsic_product_neon
#define TARGET
#define INLINE static inline __attribute__((__always_inline__))

typedef float32x4_t lanes;

enum {
    LANES = 4,
    VECTORS_1 = 8,
    VECTORS_2 = 8,
    VECTORS_3 = 4,
    VECTORS_4 = 4,
    VECTORS_5 = 4,
    VECTORS_6 = 4
};

INLINE lanes lanes_load(const float *from)
{
    return vld1q_f32(from);
}

INLINE void lanes_store(float *to, lanes values)
{
    vst1q_f32(to, values);
}

INLINE lanes lanes_repeat(const float *value)
{
    return vld1q_dup_f32(value);
}

INLINE lanes lanes_fused(lanes a, lanes b, lanes c)
{
    return vfmaq_f32(c, a, b);
}

INLINE lanes lanes_of_bytes(const int8_t *from)
{
    uint32_t bytes;

    memcpy(&bytes, from, sizeof bytes);
    const int16x8_t halves = vmovl_s8(vcreate_s8(bytes));
    return vcvtq_f32_s32(vmovl_s16(vget_low_s16(halves)));
}

#include "decode/product_lanes.h"

#endif
