/* SPDX-License-Identifier: MIT */
/* What a kernel leaves of groups whose form has low bits: high parts, planes and the codebooks of a
 * trellis become columns of 32 bits. */
#ifndef WSIC_CODING_STREAM_WIDEN_H
#define WSIC_CODING_STREAM_WIDEN_H

#include "base/transpose.h"
#include "coding/stream_kernels.h"

typedef struct wsic_narrow_steps {
    const int8_t
        *high; /* WSIC_VECTOR_LANES to a step; readable up to a multiple of WSIC_SQUARE steps */
    const uint8_t *planes;     /* of all steps */
    const uint32_t *codebooks; /* a bit for each lane, for each step; NULL without a trellis */
    size_t count;              /* of steps */
    size_t lanes;
    unsigned shift; /* 1 to WSIC_VECTOR_SHIFT_MOST */
} wsic_narrow_steps;

/* Lane j of step i goes to tile[j * stride + i]: a code, or a level. Up to a multiple of
 * WSIC_SQUARE steps is written, and WSIC_VECTOR_LANES columns. */
void wsic_widen_steps(const wsic_narrow_steps *steps, wsic_transpose_function *transpose,
                      int32_t *tile, size_t stride);

#endif
