/* SPDX-License-Identifier: MIT */
/* Weights from codes and scales, row_scale * (column_scale * (float)code), and the same as narrower
 * floats. */
#ifndef WSIC_DECODE_WEIGHTS_H
#define WSIC_DECODE_WEIGHTS_H

#include "base/env.h"

typedef struct wsic_weight_kernels {
    void (*from_narrow)(const int8_t *codes, const float *column_scales, float row_scale,
                        size_t count, float *out);
    void (*from_wide)(const int32_t *codes, const float *column_scales, float row_scale,
                      size_t count, float *out);
    /* Number of the first weight of which the magnitude is not below a limit, or count. NaN is
     * beyond every limit. The limit is given by its bits: those of magnitudes are in their order.
     */
    size_t (*find_beyond)(const float *weights, size_t count, uint32_t limit);
    /* Store finite floats as F16 or BF16, rounded to nearest even. */
    void (*to_f16)(const float *weights, size_t count, uint16_t *out);
    void (*to_bf16)(const float *weights, size_t count, uint16_t *out);
} wsic_weight_kernels;

extern const wsic_weight_kernels wsic_weights_c;
extern const wsic_weight_kernels wsic_weights_avx2;   /* x86/weights_avx2.c */
extern const wsic_weight_kernels wsic_weights_avx512; /* x86/weights_avx512.c */
extern const wsic_weight_kernels wsic_weights_neon;   /* arm/weights_neon.c */

const wsic_weight_kernels *wsic_weights_for(int32_t kernels);

/* The bits of the least magnitude that a floating type cannot hold. */
uint32_t wsic_weights_limit(uint32_t dtype);

#endif
