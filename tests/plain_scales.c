/* SPDX-License-Identifier: MIT */
#include "plain_decoder.h"

#include <math.h>
#include <stdlib.h>

static float scale_value(unsigned grid, int64_t sign, int64_t exponent)
{
    const int64_t octave = floor_div(exponent, grid);
    const int64_t part = (exponent - octave * (INT64_C(1) << grid)) * (INT64_C(1) << (12 - grid));
    const double a = (double)exp2l((long double)(part / 64) / 64);
    const double b = (double)exp2l((long double)(part % 64) / 4096);
    const double mantissa = a * b;

    return sign == 0 ? 0.0F : (float)((double)sign * ldexp(mantissa, (int)octave));
}

bool plain_decode_scales(const uint8_t *bytes, size_t size, size_t count, float *out, size_t *used)
{
    stream s = {.bytes = bytes, .size = size};
    const unsigned head = u8(&s);
    const unsigned grid = head % 16;
    int64_t *const signs = calloc(count, sizeof *signs);
    int64_t *const exponents = calloc(count, sizeof *exponents);
    size_t nonzero = 0;

    refuse_if(&s, grid > 12 || head > 31);
    for (size_t i = 0; i < count; i++)
        signs[i] = 1;
    if (head >= 16)
        plain_array(&s, count, signs);
    for (size_t i = 0; i < count && !s.bad; i++) {
        refuse_if(&s, signs[i] < -1 || signs[i] > 1);
        nonzero += signs[i] != 0;
    }
    plain_array(&s, nonzero, exponents);
    for (size_t i = 0, next = 0; i < count && !s.bad; i++) {
        const int64_t exponent = signs[i] == 0 ? 0 : exponents[next++];
        refuse_if(&s,
                  exponent < -126 * (INT64_C(1) << grid) || exponent > 127 * (INT64_C(1) << grid));
        out[i] = scale_value(grid, signs[i], exponent);
    }
    free(signs);
    free(exponents);
    *used = s.at;
    return !s.bad;
}
