/* SPDX-License-Identifier: MIT */
/* Scales on a logarithmic grid: sign * 2^(exponent / 2^grid). A scale costs the
 * entropy of its exponent instead of 16 bits, and the grid is made as coarse as the
 * distortion allows. */
#ifndef WSIC_CODING_SCALES_H
#define WSIC_CODING_SCALES_H

#include "base/env.h"
#include "format/bytes.h"

enum { WSIC_SCALE_GRID_MAX = 12 }; /* 4096 steps to the octave */

typedef struct wsic_scales {
    size_t count;
    uint32_t grid;     /* 0 ... WSIC_SCALE_GRID_MAX */
    int32_t *exponent; /* 0 where sign is 0 */
    int8_t *sign;      /* -1, 0 or 1; a scale of 0 has sign 0 */
} wsic_scales;

/* The float that sign and exponent stand for: the same bits on every machine (tables
 * and one multiplication; no libm). exponent must be within the range that
 * wsic_scale_round() produces. */
float wsic_scale_value(uint32_t grid, int sign, int32_t exponent);

/* Nearest grid point, in the log domain, of a finite value (encoder only; uses libm).
 * False if its magnitude leaves the normal range of float, [2^-126, 2^127). */
bool wsic_scale_round(double value, uint32_t grid, int8_t *sign, int32_t *exponent);

/* Allocate room for count scales; all zero. */
wsic_status wsic_scales_create(const wsic_env *env, size_t count, uint32_t grid,
                               wsic_scales *scales);
void wsic_scales_release(const wsic_env *env, wsic_scales *scales);

/* Append the coded scales (grid included) / read them back; count is known to both.
 * Equal scales cost next to nothing. */
wsic_status wsic_scales_encode(const wsic_env *env, const wsic_scales *scales, wsic_bytes *out);
wsic_status wsic_scales_decode(const wsic_env *env, wsic_cursor *cursor, size_t count,
                               wsic_scales *scales);

/* The hints of wsic_code_matrix that follow from scales: codes shrink as scales grow,
 * hint[i] = -exponent * WSIC_HINTS_PER_OCTAVE / 2^grid, rounded. Integers only. 0 for
 * a scale of 0. */
void wsic_scales_hint(const wsic_scales *scales, int32_t *hint);

#endif
