/* SPDX-License-Identifier: MIT */
/* Loops that compilers turn into vectors. They are inlined into functions for several instruction
 * sets, which is what makes their vectors long. */
#ifndef WSIC_DECODE_WEIGHTS_LOOPS_H
#define WSIC_DECODE_WEIGHTS_LOOPS_H

#include <string.h>

#include "base/cpu.h"

WSIC_INTO_CALLER void wsic_loop_from_narrow(const int8_t *restrict codes,
                                            const float *restrict column_scales, float row_scale,
                                            size_t count, float *restrict out)
{
    for (size_t j = 0; j < count; j++)
        out[j] = row_scale * (column_scales[j] * (float)codes[j]);
}

WSIC_INTO_CALLER void wsic_loop_from_wide(const int32_t *restrict codes,
                                          const float *restrict column_scales, float row_scale,
                                          size_t count, float *restrict out)
{
    for (size_t j = 0; j < count; j++)
        out[j] = row_scale * (column_scales[j] * (float)codes[j]);
}

WSIC_INTO_CALLER size_t wsic_loop_find_beyond(const float *weights, size_t count, uint32_t limit)
{
    int32_t greatest = 0;
    int32_t bits;

    for (size_t j = 0; j < count; j++) {
        memcpy(&bits, weights + j, sizeof bits);
        bits &= INT32_MAX;
        greatest = bits > greatest ? bits : greatest;
    }
    if (greatest < (int32_t)limit)
        return count;
    for (size_t j = 0;; j++) {
        memcpy(&bits, weights + j, sizeof bits);
        if ((bits & INT32_MAX) >= (int32_t)limit)
            return j;
    }
}

#endif
