/* SPDX-License-Identifier: MIT */
/* The order in which the levels of a trellis run through the rows of a block: what quantizer, coder
 * and decoder have to agree on. docs/format.md, section "Coded integers", is the normative
 * description.
 *
 * A matrix that was quantized with feedback between `stride` sets of rows, row r in set
 * r mod stride, was decided from the last set to the first. Its trellis goes the same way through
 * each block of rows, so that no set begins in a state where little is possible. */
#ifndef WSIC_CODING_ROW_ORDER_H
#define WSIC_CODING_ROW_ORDER_H

#include <stddef.h>
#include <stdint.h>

enum { WSIC_ROW_STRIDE_MAX = 4096 };

/* The rows first ... first + count - 1 of a block in that order, into order. stride is at least 1;
 * 1: as they lie. */
void wsic_row_order(size_t first, size_t count, size_t stride, uint32_t *order);

/* The same for all `rows` of a matrix, block after block. */
void wsic_row_order_of_blocks(size_t rows, size_t block_rows, size_t stride, uint32_t *order);

#endif
