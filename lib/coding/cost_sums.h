/* SPDX-License-Identifier: MIT */
/* Sums of what codes cost in several neighbouring classes at once: what the choice of classes
 * spends its time on. */
#ifndef WSIC_CODING_COST_SUMS_H
#define WSIC_CODING_COST_SUMS_H

#include <stddef.h>
#include <stdint.h>

#include "base/cpu.h"

enum {
    WSIC_WINDOW = 8, /* classes that are compared: those from four below to three above */
    WSIC_WINDOW_BELOW = 4,
    WSIC_COST_COLUMNS = 8 /* that share a class */
};

/* The buckets of some columns, and the costs: that of bucket b in class c at b * stride + c. */
typedef struct wsic_cost_columns {
    const uint8_t *column[WSIC_COST_COLUMNS]; /* from the first row on */
    size_t columns;
    const uint32_t *table;
    size_t stride;
} wsic_cost_columns;

/* For each row add to WSIC_WINDOW sums what its codes cost in as many classes, the first of which
 * is window[row]. The sums of a row stand `step` numbers behind those of the row before:
 * WSIC_WINDOW, or 0 where all rows are added up. Sums must fit 32 bits. */
typedef void wsic_cost_sums(const wsic_cost_columns *columns, const uint32_t *window, size_t rows,
                            uint32_t *sums, size_t step);

/* The columns of an octet, and a number for each bucket, of magnitude at most 4000. */
enum { WSIC_SLOPE_BUCKETS = 64 };
typedef struct wsic_slope_columns {
    wsic_cost_columns columns; /* their costs do not matter */
    size_t buckets;            /* all buckets are below */
    int16_t slope[WSIC_SLOPE_BUCKETS];
} wsic_slope_columns;

/* For each row add the numbers of its buckets to a sum. */
typedef void wsic_slope_sums(const wsic_slope_columns *columns, size_t rows, int32_t *sums);

/* Row by row, from a row on. */
static inline void wsic_slope_sums_from(const wsic_slope_columns *columns, size_t first,
                                        size_t rows, int32_t *sums)
{
    for (size_t k = 0; k < columns->columns.columns; k++) {
        for (size_t i = first; i < rows; i++)
            sums[i] += columns->slope[columns->columns.column[k][i]];
    }
}

/* The fastest of a choice of instructions. */
wsic_slope_sums *wsic_slope_sums_kernel(int32_t kernels);
wsic_cost_sums *wsic_cost_sums_kernel(int32_t kernels);

wsic_cost_sums wsic_cost_sums_c;
wsic_slope_sums wsic_slope_sums_c;
#if WSIC_X86
wsic_cost_sums wsic_cost_sums_avx2;
wsic_slope_sums wsic_slope_sums_avx2;
#endif

#endif
