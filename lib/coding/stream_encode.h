/* SPDX-License-Identifier: MIT */
/* Writing one stream of a plan. */
#ifndef WSIC_CODING_STREAM_ENCODE_H
#define WSIC_CODING_STREAM_ENCODE_H

#include "coding/code_ranges.h"

/* Append stream number `stream` of a block, which has a live row; ranges are those of the plan. */
wsic_status wsic_stream_encode(const wsic_env *env, const wsic_code_plan *plan,
                               const uint32_t *ranges, size_t block, size_t stream,
                               wsic_bytes *out);

#endif
