/* SPDX-License-Identifier: MIT */
#include "base/sort.h"

#include <stdint.h>
#include <string.h>

typedef struct heap {
    char *items;
    size_t size; /* of one */
    wsic_order *compare;
} heap;

static char *item(const heap *h, size_t index)
{
    return h->items + index * h->size;
}

static void exchange(const heap *h, size_t a, size_t b)
{
    char kept[16];

    memcpy(kept, item(h, a), h->size);
    memcpy(item(h, a), item(h, b), h->size);
    memcpy(item(h, b), kept, h->size);
}

static void sift(const heap *h, size_t root, size_t count)
{
    for (;;) {
        size_t child = 2 * root + 1;
        if (child >= count)
            return;
        if (child + 1 < count && h->compare(item(h, child), item(h, child + 1)) < 0)
            child++;
        if (h->compare(item(h, root), item(h, child)) >= 0)
            return;
        exchange(h, root, child);
        root = child;
    }
}

void wsic_sort(void *items, size_t count, size_t size, wsic_order *compare)
{
    const heap h = {items, size, compare};

    for (size_t root = count / 2; root-- > 0;)
        sift(&h, root, count);
    for (size_t last = count; last-- > 1;) {
        exchange(&h, 0, last);
        sift(&h, 0, last);
    }
}

int wsic_ascending_int32(const void *left, const void *right)
{
    const int32_t a = *(const int32_t *)left, b = *(const int32_t *)right;

    return (a > b) - (a < b);
}

int wsic_ascending_double(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}
