/* SPDX-License-Identifier: MIT */
/* From tiles, or columns of a block, to pieces of rows: what is stored in the order of a matrix. */
#ifndef WSIC_DECODE_ROWS_H
#define WSIC_DECODE_ROWS_H

#include "base/env.h"

enum {
    WSIC_PIECE_ROWS = 16,
    WSIC_PIECE_COLUMNS = 64 /* a cache line of codes */
};

#define WSIC_NO_ROW UINT32_MAX /* beyond what a constant of an enum can be */

/* Codes column by column: code (i, j) at j * stride + i. One of the two is NULL. Bytes up to the
 * next multiple of 16 rows may be read.
 *
 * With marks the columns are mixed: each has the room of a wide one, but that of column j begins
 * with narrow codes unless is_wide[j] is 1. Most are narrow in layers of which a few columns are
 * not. */
typedef struct wsic_columns {
    const int8_t *narrow;
    const int32_t *wide;
    const uint8_t *is_wide; /* of each column, or NULL */
    size_t stride;
    size_t first; /* row to begin with, a multiple of 16 */
    size_t rows;  /* the end */
    size_t columns;
} wsic_columns;

/* Codes row by row: code (i, j) at i * WSIC_PIECE_COLUMNS + j. */
typedef struct wsic_row_piece {
    const int8_t *narrow;
    const int32_t *wide;
    const uint32_t *row; /* WSIC_PIECE_ROWS: of each its number in the output, or WSIC_NO_ROW */
    size_t column;       /* number of the first in the output */
    size_t columns;      /* 1 to WSIC_PIECE_COLUMNS */
} wsic_row_piece;

/* Stores a piece. A status other than WSIC_OK ends it all. */
typedef wsic_status wsic_piece_function(void *data, const wsic_row_piece *piece);

/* Hand out all rows from the first on of which the number is not WSIC_NO_ROW. row[i] is the number
 * of row i of the columns; column the number of the first column in the output. */
wsic_status wsic_rows_from_columns(int32_t kernels, const wsic_columns *source, const uint32_t *row,
                                   size_t column, wsic_piece_function *store, void *data);

/* The same for rows of zeros: count numbers. */
wsic_status wsic_rows_of_zeros(const uint32_t *row, size_t count, size_t columns,
                               wsic_piece_function *store, void *data);

#endif
