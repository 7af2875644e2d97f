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

/* Both cases are computed and one is taken, so that loops of it become vectors. */
float wsic_f16_to_f32(uint16_t bits)
{
    const uint32_t sign = (uint32_t)(bits & 0x8000U) << 16;
    const uint32_t fraction = bits & 0x3FFU;
    const uint32_t magnitude = (uint32_t)(bits & 0x7FFFU) << 13;
    /* Infinity and NaN keep the largest exponent; all others move from the bias 15 to 127. */
    const uint32_t shift = magnitude >= 0x0F800000U ? 0x70000000U : 0x38000000U;
    /* Zero and subnormal numbers: fraction * 2^-24 is exact. */
    const uint32_t small = bits_of_float((float)(int32_t)fraction * 0x1p-24F);

    return float_of_bits(sign | (magnitude < 0x00800000U ? small : magnitude + shift));
}

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

void wsic_load_f32(float *out, const void *data, uint32_t dtype, size_t count)
{
    switch (dtype) {
    case WSIC_F32:
        memcpy(out, data, count * sizeof *out);
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

/* Without their signs, the bits of numbers are in the order of their magnitudes, those of
 * infinities and NaN above all others: whole numbers are compared, which is done on whole vectors.
 */

static uint64_t largest_of_64(const double *data, size_t count)
{
    int64_t largest = 0;

    for (size_t i = 0; i < count; i++) {
        int64_t bits;
        memcpy(&bits, data + i, sizeof bits);
        bits &= INT64_MAX;
        largest = bits > largest ? bits : largest;
    }
    return (uint64_t)largest;
}

static uint32_t largest_of_32(const float *data, size_t count)
{
    int32_t largest = 0;

    for (size_t i = 0; i < count; i++) {
        int32_t bits;
        memcpy(&bits, data + i, sizeof bits);
        bits &= INT32_MAX;
        largest = bits > largest ? bits : largest;
    }
    return (uint32_t)largest;
}

static uint16_t largest_of_16(const uint16_t *data, size_t count)
{
    int16_t largest = 0;

    for (size_t i = 0; i < count; i++) {
        const int16_t bits = (int16_t)(data[i] & INT16_MAX);
        largest = (int16_t)(bits > largest ? bits : largest);
    }
    return (uint16_t)largest;
}

static double finite_or_infinity(double magnitude)
{
    return isfinite(magnitude) ? magnitude : HUGE_VAL;
}

double wsic_largest_magnitude(const void *data, uint32_t dtype, size_t count)
{
    if (dtype == WSIC_F64) {
        const uint64_t bits = largest_of_64(data, count);
        double magnitude;
        memcpy(&magnitude, &bits, sizeof magnitude);
        return finite_or_infinity(magnitude);
    }
    if (dtype == WSIC_F32)
        return finite_or_infinity((double)float_of_bits(largest_of_32(data, count)));
    const uint16_t bits = largest_of_16(data, count);
    return finite_or_infinity(
        (double)(dtype == WSIC_F16 ? wsic_f16_to_f32(bits) : wsic_bf16_to_f32(bits)));
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
