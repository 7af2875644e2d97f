/* SPDX-License-Identifier: MIT */
#include "decode/rows.h"

#include <string.h>

#include "base/checked.h"
#include "base/transpose.h"

enum { PIECE_CODES = WSIC_PIECE_ROWS * WSIC_PIECE_COLUMNS };

typedef struct strip {
    int8_t narrow[PIECE_CODES];
    int32_t wide[PIECE_CODES];
} strip;

static void transpose_narrow(wsic_transpose_function *transpose, const int8_t *codes, size_t stride,
                             size_t columns, int8_t *out)
{
    size_t j = 0;

    for (; j + WSIC_SQUARE <= columns; j += WSIC_SQUARE)
        transpose(codes + j * stride, stride, out + j, WSIC_PIECE_COLUMNS);
    for (; j < columns; j++) {
        for (size_t i = 0; i < WSIC_PIECE_ROWS; i++)
            out[i * WSIC_PIECE_COLUMNS + j] = codes[j * stride + i];
    }
}

static void transpose_wide(const int32_t *codes, size_t columns, size_t stride, int32_t *out)
{
    for (size_t j = 0; j < columns; j++) {
        for (size_t i = 0; i < WSIC_PIECE_ROWS; i++)
            out[i * WSIC_PIECE_COLUMNS + j] = codes[j * stride + i];
    }
}

/* All columns as narrow ones; if some are not, all become wide, and those are put right. True if
 * the result is narrow. */
static bool transpose_mixed(wsic_transpose_function *transpose, const wsic_columns *columns,
                            size_t i, size_t j, size_t count, strip *room)
{
    const int32_t *const first = columns->wide + j * columns->stride;
    const uint8_t *const is_wide = columns->is_wide + j;
    uint8_t any = 0;

    transpose_narrow(transpose, (const int8_t *)first + i, columns->stride * sizeof *first, count,
                     room->narrow);
    for (size_t k = 0; k < count; k++)
        any |= is_wide[k];
    if (any == 0)
        return true;
    for (size_t k = 0; k < PIECE_CODES; k++)
        room->wide[k] = room->narrow[k];
    for (size_t k = 0; k < count; k++) {
        if (is_wide[k])
            transpose_wide(first + k * columns->stride + i, 1, 0, room->wide + k);
    }
    return false;
}

/* Into one of the two strips; true if it is the narrow one. */
static bool transpose_piece(wsic_transpose_function *transpose, const wsic_columns *columns,
                            size_t i, size_t j, size_t count, strip *room)
{
    if (columns->narrow)
        transpose_narrow(transpose, columns->narrow + j * columns->stride + i, columns->stride,
                         count, room->narrow);
    else if (columns->is_wide)
        return transpose_mixed(transpose, columns, i, j, count, room);
    else
        transpose_wide(columns->wide + j * columns->stride + i, count, columns->stride, room->wide);
    return columns->narrow != NULL;
}

/* The numbers of the next rows; false if none of them is wanted. */
static bool take_rows(const uint32_t *row, size_t count, uint32_t *out)
{
    bool any = false;

    for (size_t i = 0; i < WSIC_PIECE_ROWS; i++) {
        out[i] = i < count ? row[i] : WSIC_NO_ROW;
        any = any || out[i] != WSIC_NO_ROW;
    }
    return any;
}

typedef struct row_source {
    const wsic_columns *columns;
    const uint32_t *row;
    size_t first_column; /* in the output */
    wsic_transpose_function *transpose;
    wsic_piece_function *store;
    void *data;
} row_source;

/* Rows i to i + 15 of columns j to j + 63. */
static wsic_status hand_out(const row_source *source, size_t i, size_t j)
{
    const wsic_columns *const columns = source->columns;
    const size_t count = wsic_min_size(WSIC_PIECE_COLUMNS, columns->columns - j);
    uint32_t numbers[WSIC_PIECE_ROWS];
    strip room;

    if (!take_rows(source->row + i, columns->rows - i, numbers))
        return WSIC_OK;
    const bool narrow = transpose_piece(source->transpose, columns, i, j, count, &room);
    const wsic_row_piece piece = {.narrow = narrow ? room.narrow : NULL,
                                  .wide = narrow ? NULL : room.wide,
                                  .row = numbers,
                                  .column = source->first_column + j,
                                  .columns = count};
    return source->store(source->data, &piece);
}

/* Columns in the inner loop: the output is written in as many streams as a processor can follow, a
 * whole cache line at a time. With rows in the inner loop, lines of all rows compete for a few
 * places in the cache where the stride of the output is a power of two. */
wsic_status wsic_rows_from_columns(int32_t kernels, const wsic_columns *columns,
                                   const uint32_t *row, size_t column, wsic_piece_function *store,
                                   void *data)
{
    const row_source source = {columns, row, column, wsic_transpose_for(kernels), store, data};

    for (size_t i = columns->first; i < columns->rows; i += WSIC_PIECE_ROWS) {
        for (size_t j = 0; j < columns->columns; j += WSIC_PIECE_COLUMNS) {
            const wsic_status status = hand_out(&source, i, j);
            if (status != WSIC_OK)
                return status;
        }
    }
    return WSIC_OK;
}

wsic_status wsic_rows_of_zeros(const uint32_t *row, size_t count, size_t columns,
                               wsic_piece_function *store, void *data)
{
    static const int8_t zeros[WSIC_PIECE_ROWS * WSIC_PIECE_COLUMNS];
    uint32_t numbers[WSIC_PIECE_ROWS];

    for (size_t i = 0; i < count; i += WSIC_PIECE_ROWS) {
        if (!take_rows(row + i, count - i, numbers))
            continue;
        for (size_t j = 0; j < columns; j += WSIC_PIECE_COLUMNS) {
            const wsic_row_piece piece = {.narrow = zeros,
                                          .row = numbers,
                                          .column = j,
                                          .columns =
                                              wsic_min_size(WSIC_PIECE_COLUMNS, columns - j)};
            const wsic_status status = store(data, &piece);
            if (status != WSIC_OK)
                return status;
        }
    }
    return WSIC_OK;
}
