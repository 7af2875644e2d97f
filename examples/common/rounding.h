/* SPDX-License-Identifier: MIT */
/* Codes of fixed length, on a grid for every row.
 *
 * A grid has K levels, evenly spaced and symmetric about zero; K need not be a power of two. The
 * codes of a matrix are packed together as one number in base K, so that each costs log2 K bits;
 * the spacing of every row costs 16 bits. */
#ifndef EXAMPLES_ROUNDING_H
#define EXAMPLES_ROUNDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct grid {
    uint32_t levels;
    float step; /* representable in 16 bits (bfloat16); 0: all values become 0 */
};

/* Size of a matrix on grids of that many levels, in bytes. */
uint64_t grid_bytes(size_t rows, size_t columns, uint32_t levels);

/* The fewest levels, at least 2, whose size is not below a budget in bytes: a baseline never has
 * fewer bytes than what it is compared with. */
uint32_t grid_levels(size_t rows, size_t columns, uint64_t budget);

/* The grid that brings a row's squared error lowest, among those that end at 1/30, 2/30, ... 30/30
 * of its largest magnitude. */
struct grid grid_fit(const float *row, size_t columns, uint32_t levels);

/* The nearest value on the grid. */
double grid_round(struct grid grid, double value);

/* GPTQ: round the columns of a row from the last to the first, each so that the error that the
 * columns before it have left in y = w L is cancelled as far as the grid allows.
 * factor is L (row-major, lower triangle), y is scratch of n numbers. */
void gptq_round_row(float *row, size_t columns, const double *factor, struct grid grid, double *y);

/* The lower Cholesky factor in place of a symmetric matrix, row-major; the upper triangle is left
 * as it was. False if the matrix is not positive definite. */
bool cholesky(double *matrix, size_t n);

#endif
