/* SPDX-License-Identifier: MIT */
#include "coding/code_order.h"

#include "base/sort.h"

static int by_key(const void *left, const void *right)
{
    const wsic_keyed_line *const a = left, *const b = right;

    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return a->place < b->place ? -1 : a->place > b->place;
}

static void sort_lines(wsic_keyed_line *lines, uint32_t *out, size_t count)
{
    wsic_sort(lines, count, sizeof *lines, by_key);
    for (size_t k = 0; k < count; k++)
        out[k] = lines[k].line;
}

void wsic_order_columns(const int32_t *keys, uint32_t *columns, size_t count,
                        wsic_keyed_line *scratch)
{
    for (size_t j = 0; j < count; j++)
        scratch[j] = (wsic_keyed_line){keys[j], (uint32_t)j, columns[j]};
    sort_lines(scratch, columns, count);
}

void wsic_order_rows(size_t stride, size_t first_rank, uint32_t *rows, size_t count,
                     wsic_keyed_line *scratch)
{
    if (stride <= 1)
        return;
    for (size_t i = 0; i < count; i++) {
        const int32_t remainder = (int32_t)((first_rank + i) % stride);
        scratch[i] = (wsic_keyed_line){-remainder, (uint32_t)i, rows[i]};
    }
    sort_lines(scratch, rows, count);
}
