/* SPDX-License-Identifier: MIT */
#include "coding/row_order.h"

#include "base/checked.h"

void wsic_row_order(size_t first, size_t count, size_t stride, uint32_t *order)
{
    size_t place = 0;

    for (size_t set = wsic_min_size(stride, first + count); set-- > 0;) {
        /* The least row of the set that is not before the block. */
        const size_t skipped = first > set ? wsic_div_up(first - set, stride) : 0;
        for (size_t row = set + skipped * stride; row < first + count; row += stride)
            order[place++] = (uint32_t)row;
    }
}

void wsic_row_order_of_blocks(size_t rows, size_t block_rows, size_t stride, uint32_t *order)
{
    for (size_t first = 0; first < rows; first += block_rows)
        wsic_row_order(first, wsic_min_size(block_rows, rows - first), stride, order + first);
}
