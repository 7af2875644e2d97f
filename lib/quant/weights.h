/* SPDX-License-Identifier: MIT */
/* The caller's weights, read where they lie: in any number type and stride, a tile at
 * a time, into the column-major doubles that the numerics work on. */
#ifndef WSIC_QUANT_WEIGHTS_H
#define WSIC_QUANT_WEIGHTS_H

#include "base/env.h"
#include "quant/reals.h"

/* Rows or columns to read: some, or all. */
typedef struct wsic_selection {
    size_t count;
    const size_t *index; /* NULL for 0 ... count - 1 */
} wsic_selection;

/* Number k of a selection. */
static inline size_t wsic_selected(wsic_selection selection, size_t k)
{
    return selection.index ? selection.index[k] : k;
}

/* Weights in internal units, value / unit; unit is an even power of two near the
 * largest magnitude, so that squares neither overflow nor vanish. Rows of them are numbered
 * without those of the matrix that are left out. */
typedef struct wsic_weights {
    const wsic_matrix *matrix; /* checked, row_stride filled in */
    wsic_selection rows;       /* of the matrix, ascending */
    double unit;
    const double *row_factor; /* what every one of these rows is multiplied by; NULL: 1 */
} wsic_weights;

wsic_weights wsic_weights_make(const wsic_matrix *matrix, wsic_selection rows);

/* Whether a row of a matrix holds nothing but zeros. */
bool wsic_row_is_zero(const wsic_matrix *matrix, size_t row);

/* out[k * ld + i] = weight(rows.index[first + i], columns.index[k]) in internal units,
 * for i < count and all k. Selected columns ascend. */
void wsic_weights_load(const wsic_weights *weights, wsic_selection rows, size_t first, size_t count,
                       wsic_selection columns, double *out, size_t ld);

/* The same in either precision, with column k of the selection in column place[k] of out; NULL: in
 * column k. */
void wsic_weights_place(const wsic_weights *weights, wsic_selection rows, size_t first,
                        size_t count, wsic_selection columns, const size_t *place, bool single,
                        wsic_reals out, size_t ld);

/* Mean square of every selected column, and sum over the selected columns of weight² · factor[k]
 * for every row; both in internal units. */
void wsic_weights_energies(const wsic_weights *weights, wsic_selection columns,
                           const double *factor, double *column_energy, double *row_energy);

#endif
