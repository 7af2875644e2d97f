/* SPDX-License-Identifier: MIT */
/* What both sides of the scales' coding know. */
#ifndef WSIC_CODING_SCALES_FORMAT_H
#define WSIC_CODING_SCALES_FORMAT_H

#include <stdint.h>

/* The first byte. */
enum {
    WSIC_SCALES_GRID = 15, /* its lowest four bits */
    WSIC_SCALES_SIGNS = 16 /* not all are positive: an array of signs follows */
};

/* Exponents of 2^-126 and 2^127, between which all rounded scales lie. */
static inline int32_t wsic_scale_lowest(uint32_t grid)
{
    return -126 * (INT32_C(1) << grid);
}

static inline int32_t wsic_scale_highest(uint32_t grid)
{
    return 127 * (INT32_C(1) << grid);
}

#endif
