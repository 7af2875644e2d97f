/* SPDX-License-Identifier: MIT */
/* Number types: conversions between double or float and the four types of the
 * interface, exact or rounded to nearest even, without the hardware's help so that
 * every machine gives the same bits. */
#ifndef WSIC_BASE_HALF_H
#define WSIC_BASE_HALF_H

#include <stddef.h>
#include <stdint.h>

#include "watersic/base.h"

float wsic_f16_to_f32(uint16_t bits);
uint16_t wsic_f32_to_f16(float value);
float wsic_bf16_to_f32(uint16_t bits);
uint16_t wsic_f32_to_bf16(float value);

/* out[i] = the i-th of count consecutive numbers of a floating type at data. */
void wsic_load_f64(double *out, const void *data, uint32_t dtype, size_t count);

/* The same in single precision, for the types that fit into it: all but F64. */
void wsic_load_f32(float *out, const void *data, uint32_t dtype, size_t count);

/* The same of F16, on processors with AVX2. The numbers have to be finite: of a NaN other bits may
 * come. */
void wsic_load_f16_avx2(float *out, const uint16_t *data, size_t count);

/* The largest magnitude of count consecutive numbers of a floating type; infinity if one of them
 * is no finite number. */
double wsic_largest_magnitude(const void *data, uint32_t dtype, size_t count);

/* Magnitudes of floats from here on become infinite in a floating type. */
float wsic_f32_limit(uint32_t dtype);

/* Write count floats as numbers of a floating type; what is beyond wsic_f32_limit() as infinities.
 */
void wsic_store_f32(void *data, uint32_t dtype, const float *values, size_t count);

#endif
