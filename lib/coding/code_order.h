/* SPDX-License-Identifier: MIT */
/* The orders in which rows and columns are coded: both sides make them from the same few numbers.
 */
#ifndef WSIC_CODING_CODE_ORDER_H
#define WSIC_CODING_CODE_ORDER_H

#include "base/env.h"

/* Room for sorting. */
typedef struct wsic_keyed_line {
    int32_t key;
    uint32_t place;
    uint32_t line;
} wsic_keyed_line;

/* Sort columns by their keys, equal ones in their order. */
void wsic_order_columns(const int32_t *keys, uint32_t *columns, size_t count,
                        wsic_keyed_line *scratch);

/* Put the live rows of a block, which are given from first to last, in the order of their coding:
 * by the remainder of their rank under the stride, the greatest first. The rank counts the live
 * rows of the matrix; that of the first row here is first_rank. */
void wsic_order_rows(size_t stride, size_t first_rank, uint32_t *rows, size_t count,
                     wsic_keyed_line *scratch);

#endif
