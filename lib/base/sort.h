/* SPDX-License-Identifier: MIT */
/* Sorting in place: qsort() may allocate behind the back of the context, and need not be the same
 * everywhere for what compares as equal. */
#ifndef WSIC_BASE_SORT_H
#define WSIC_BASE_SORT_H

#include <stddef.h>

/* As the function of qsort(). */
typedef int wsic_order(const void *left, const void *right);

/* Heap sort: never quadratic, whatever a hostile file holds. Items have at most 16 bytes. */
void wsic_sort(void *items, size_t count, size_t size, wsic_order *compare);

/* Orders of int32_t and of double, ascending. */
int wsic_ascending_int32(const void *left, const void *right);
int wsic_ascending_double(const void *left, const void *right);

#endif
