/* SPDX-License-Identifier: MIT */
#include "base/half.h"

#include <math.h>
#include <string.h>

static float float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t bits_of_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

float wsic_f16_to_f32(uint16_t bits)
{
    const uint32_t sign = (uint32_t)(bits & 0x8000U) << 16;
    const uint32_t exponent = (bits >> 10) & 0x1FU;
    const uint32_t fraction = bits & 0x3FFU;

    if (exponent == 0x1F) /* infinity, NaN */
        return float_of_bits(sign | 0x7F800000U | fraction << 13);
    if (exponent == 0) { /* zero, subnormal: fraction * 2^-24 is exact */
        const float magnitude = (float)fraction * 0x1p-24F;
        return float_of_bits(sign | bits_of_float(magnitude));
    }
    return float_of_bits(sign | (exponent + 112) << 23 | fraction << 13);
}

/* Below 2^-14 the spacing is 2^-24: the bits of a float in such units, rounded to nearest even
 * whatever the processor's mode is. */
static uint32_t subnormal_f16(uint32_t magnitude)
{
    const uint32_t exponent = magnitude >> 23;
    const uint32_t fraction = (magnitude & 0x7FFFFFU) | 0x800000U;

    if (exponent < 101) /* below half of the least */
        return 0;
    const uint32_t shift = 126 - exponent;
    const uint32_t odd = fraction >> shift & 1U;
    return (fraction + (1U << (shift - 1)) - 1 + odd) >> shift;
}

uint16_t wsic_f32_to_f16(float value)
{
    const uint32_t bits = bits_of_float(value);
    const uint16_t sign = (uint16_t)(bits >> 16 & 0x8000U);
    const uint32_t magnitude = bits & 0x7FFFFFFFU;

    if (magnitude > 0x7F800000U) /* NaN stays NaN */
        return (uint16_t)(sign | 0x7E00U);
    if (magnitude >= 0x477FF000U) /* 65520 and above round to infinity */
        return (uint16_t)(sign | 0x7C00U);
    if (magnitude < 0x38800000U)
        return (uint16_t)(sign | subnormal_f16(magnitude));
    const uint32_t odd = magnitude >> 13 & 1U;
    return (uint16_t)(sign | (magnitude - 0x38000000U + 0xFFFU + odd) >> 13);
}

float wsic_bf16_to_f32(uint16_t bits)
{
    return float_of_bits((uint32_t)bits << 16);
}

uint16_t wsic_f32_to_bf16(float value)
{
    const uint32_t bits = bits_of_float(value);

    if ((bits & 0x7FFFFFFFU) > 0x7F800000U)
        return (uint16_t)(bits >> 16 | 0x40U);
    return (uint16_t)((bits + 0x7FFFU + (bits >> 16 & 1U)) >> 16);
}

void wsic_load_f64(double *out, const void *data, uint32_t dtype, size_t count)
{
    switch (dtype) {
    case WSIC_F64:
        memcpy(out, data, count * sizeof *out);
        break;
    case WSIC_F32:
        for (size_t i = 0; i < count; i++)
            out[i] = ((const float *)data)[i];
        break;
    case WSIC_F16:
        for (size_t i = 0; i < count; i++)
            out[i] = wsic_f16_to_f32(((const uint16_t *)data)[i]);
        break;
    case WSIC_BF16:
        for (size_t i = 0; i < count; i++)
            out[i] = wsic_bf16_to_f32(((const uint16_t *)data)[i]);
        break;
    default:
        break;
    }
}

float wsic_f32_limit(uint32_t dtype)
{
    /* Halfway between the largest number and the one that would follow it. */
    if (dtype == WSIC_F16)
        return 65520.0F;
    return dtype == WSIC_BF16 ? 0x1.FFp127F : INFINITY;
}

void wsic_store_f32(void *data, uint32_t dtype, const float *values, size_t count)
{
    switch (dtype) {
    case WSIC_F64:
        for (size_t i = 0; i < count; i++)
            ((double *)data)[i] = values[i];
        break;
    case WSIC_F32:
        memcpy(data, values, count * sizeof *values);
        break;
    case WSIC_F16:
        for (size_t i = 0; i < count; i++)
            ((uint16_t *)data)[i] = wsic_f32_to_f16(values[i]);
        break;
    case WSIC_BF16:
        for (size_t i = 0; i < count; i++)
            ((uint16_t *)data)[i] = wsic_f32_to_bf16(values[i]);
        break;
    default:
        break;
    }
}
