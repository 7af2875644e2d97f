/* SPDX-License-Identifier: MIT */
#include "decode/rows.h"

#include <string.h>

#include "base/checked.h"
#include "decode/transpose.h"

typedef union strip {
    int8_t narrow[WSIC_PIECE_ROWS * WSIC_PIECE_COLUMNS];
    int32_t wide[WSIC_PIECE_ROWS * WSIC_PIECE_COLUMNS];
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

static void transpose_wide(const int32_t *codes, size_t stride, size_t columns, int32_t *out)
{
    for (size_t j = 0; j < columns; j++) {
        for (size_t i = 0; i < WSIC_PIECE_ROWS; i++)
            out[i * WSIC_PIECE_COLUMNS + j] = codes[j * stride + i];
    }
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

/* Columns in the outer loop: each line of the output is written whole, and the columns that are
 * read stay in the first-level cache for all rows. */
wsic_status wsic_rows_from_columns(int32_t kernels, const wsic_columns *source,
                                   const uint32_t *row, size_t column, wsic_piece_function *store,
                                   void *data)
{
    wsic_transpose_function *const transpose = wsic_transpose_for(kernels);
    uint32_t numbers[WSIC_PIECE_ROWS];
    strip room;

    for (size_t j = 0; j < source->columns; j += WSIC_PIECE_COLUMNS) {
        const wsic_row_piece piece = {
            .narrow = source->narrow ? room.narrow : NULL,
            .wide = source->narrow ? NULL : room.wide,
            .row = numbers,
            .column = column + j,
            .columns = wsic_min_size(WSIC_PIECE_COLUMNS, source->columns - j)};
        for (size_t i = 0; i < source->rows; i += WSIC_PIECE_ROWS) {
            const size_t first = j * source->stride + i;
            if (!take_rows(row + i, source->rows - i, numbers))
                continue;
            if (source->narrow)
                transpose_narrow(transpose, source->narrow + first, source->stride, piece.columns,
                                 room.narrow);
            else
                transpose_wide(source->wide + first, source->stride, piece.columns, room.wide);
            const wsic_status status = store(data, &piece);
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
            const wsic_row_piece piece = {
                .narrow = zeros,
                .row = numbers,
                .column = j,
                .columns = wsic_min_size(WSIC_PIECE_COLUMNS, columns - j)};
            const wsic_status status = store(data, &piece);
            if (status != WSIC_OK)
                return status;
        }
    }
    return WSIC_OK;
}
