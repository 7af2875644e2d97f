/* SPDX-License-Identifier: MIT */
/* Writing the low bits of a stream. */
#ifndef WSIC_CODING_STREAM_PLANES_H
#define WSIC_CODING_STREAM_PLANES_H

#include "coding/codes_plan.h"

/* The planes of stream number `stream` of a block whose live rows are `rows`, from `first` on. */
void wsic_stream_put_planes(const wsic_code_plan *plan, size_t first, size_t rows, size_t stream,
                            wsic_bytes *out);

#endif
