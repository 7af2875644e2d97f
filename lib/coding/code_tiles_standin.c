/* SPDX-License-Identifier: MIT */
/* A stand-in for the tiles of the coming coder, over the decoder of blocks that is there: goes as
 * soon as that coder is merged. It shows what a visitor has to expect: columns and rows out of
 * order, tiles of fewer columns, wide ones, strides, and rubbish behind the rows. Its own scratch
 * memory is malloc()'s, so that whoever counts allocations counts those of the visitors alone. */
#define wsic_code_reader            wsic_old_reader
#define wsic_code_reader_open       wsic_old_reader_open
#define wsic_code_reader_close      wsic_old_reader_close
#define wsic_code_reader_block_rows wsic_old_reader_block_rows
#define wsic_code_reader_block      wsic_old_reader_block
#include "codes_decode.c"
#undef wsic_code_reader
#undef wsic_code_reader_open
#undef wsic_code_reader_close
#undef wsic_code_reader_block_rows
#undef wsic_code_reader_block

#include <stdlib.h>

#include "coding/code_tiles.h"

struct wsic_code_reader {
    wsic_old_reader *old;
    uint32_t *order;
    bool narrow;
};

wsic_status wsic_code_reader_open(const wsic_env *env, wsic_cursor *cursor, size_t rows,
                                  size_t columns, const int32_t *row_hint,
                                  const int32_t *column_hint, wsic_code_reader **out);
void wsic_code_reader_close(const wsic_env *env, wsic_code_reader *reader);
size_t wsic_code_reader_block_rows(const wsic_code_reader *reader);
size_t wsic_code_reader_memory(const wsic_code_reader *reader);
wsic_status wsic_code_reader_block(const wsic_env *env, const wsic_code_reader *reader,
                                   size_t block, int32_t *out);

void wsic_code_reader_close(const wsic_env *env, wsic_code_reader *reader)
{
    if (!reader)
        return;
    wsic_old_reader_close(env, reader->old);
    wsic_free(env, reader->order);
    wsic_free(env, reader);
}

size_t wsic_code_reader_block_rows(const wsic_code_reader *reader)
{
    return wsic_old_reader_block_rows(reader->old);
}

wsic_status wsic_code_reader_block(const wsic_env *env, const wsic_code_reader *reader,
                                   size_t block, int32_t *out)
{
    return wsic_old_reader_block(env, reader->old, block, out);
}

size_t wsic_code_reader_memory(const wsic_code_reader *reader)
{
    return sizeof *reader + sizeof *reader->old + wsic_code_reader_live_columns(reader) * 6 +
           reader->old->rows.count * 6;
}

size_t wsic_code_reader_live_columns(const wsic_code_reader *reader)
{
    return reader->old->classes == 0 ? 0 : reader->old->columns.count;
}

const uint32_t *wsic_code_reader_column_order(const wsic_code_reader *reader)
{
    return reader->order;
}

bool wsic_code_reader_narrow(const wsic_code_reader *reader)
{
    return reader->narrow;
}

static bool is_narrow(int32_t code)
{
    return code >= INT8_MIN && code <= INT8_MAX;
}

static bool find_narrow(const wsic_env *env, const wsic_old_reader *old)
{
    const size_t block_codes = old->block_rows * old->columns.total;
    int32_t *const codes = malloc(block_codes * sizeof *codes);
    bool narrow = codes != NULL;

    for (size_t block = 0; narrow && block < old->blocks; block++) {
        if (wsic_old_reader_block(env, old, block, codes) != WSIC_OK)
            break;
        const size_t rows =
            wsic_min_size(old->block_rows, old->rows.total - block * old->block_rows);
        for (size_t k = 0; narrow && k < rows * old->columns.total; k++)
            narrow = is_narrow(codes[k]);
    }
    free(codes);
    return narrow;
}

static void make_order(wsic_code_reader *reader)
{
    const size_t live = wsic_code_reader_live_columns(reader);
    size_t step = 7;

    while (live != 0 && live % step == 0)
        step = step == 7 ? 11 : step + 2;
    for (size_t k = 0; k < live; k++)
        reader->order[k] = reader->old->columns.index[(k * step + 3) % live];
}

wsic_status wsic_code_reader_open(const wsic_env *env, wsic_cursor *cursor, size_t rows,
                                  size_t columns, const int32_t *row_hint,
                                  const int32_t *column_hint, wsic_code_reader **out)
{
    wsic_status status;
    wsic_code_reader *const reader = wsic_alloc_zero(env, 1, sizeof *reader, &status);

    *out = NULL;
    if (!reader)
        return status;
    status = wsic_old_reader_open(env, cursor, rows, columns, row_hint, column_hint, &reader->old);
    if (status == WSIC_OK)
        reader->order = wsic_alloc(env, columns, sizeof *reader->order, &status);
    if (status != WSIC_OK || !reader->order) {
        wsic_code_reader_close(env, reader);
        return status;
    }
    make_order(reader);
    const wsic_env silent = {env->host, env->message};
    reader->narrow = reader->old->classes == 0 || find_narrow(&silent, reader->old);
    *out = reader;
    return WSIC_OK;
}

static size_t stride_of(const wsic_code_reader *reader)
{
    return wsic_div_up(reader->old->block_rows, 64) * 64 + 64;
}

size_t wsic_code_reader_workspace(const wsic_code_reader *reader)
{
    return reader->old->block_rows * sizeof(uint32_t) + WSIC_TILE_ALIGNMENT +
           stride_of(reader) * WSIC_TILE_COLUMNS * sizeof(int32_t);
}

/* Rows in a strided order; returns how many. */
static size_t list_rows(const wsic_old_reader *old, size_t block, uint32_t *row)
{
    enum { STRIDE = 3 };
    size_t count = 0;

    for (size_t rest = STRIDE; rest-- > 0;) {
        for (size_t i = old->first_row[block]; i < old->first_row[block + 1]; i++) {
            if ((old->rows.index[i] + block * old->block_rows) % STRIDE == rest)
                row[count++] = old->rows.index[i];
        }
    }
    return count;
}

static void fill_tile(const wsic_code_reader *reader, const int32_t *codes, size_t number,
                      wsic_code_tile *tile, void *room)
{
    bool narrow = reader->narrow || number % 3 != 1;

    for (size_t j = 0; narrow && j < tile->columns; j++) {
        for (size_t i = 0; narrow && i < tile->rows; i++)
            narrow = is_narrow(codes[tile->row[i] * reader->old->columns.total + tile->column[j]]);
    }
    memset(room, 0x55, tile->columns * tile->stride * (narrow ? 1 : sizeof(int32_t)));
    for (size_t j = 0; j < tile->columns; j++) {
        for (size_t i = 0; i < tile->rows; i++) {
            const int32_t code = codes[tile->row[i] * reader->old->columns.total + tile->column[j]];
            if (narrow)
                ((int8_t *)room)[j * tile->stride + i] = (int8_t)code;
            else
                ((int32_t *)room)[j * tile->stride + i] = code;
        }
    }
    tile->narrow = narrow ? room : NULL;
    tile->wide = narrow ? NULL : room;
}

static wsic_status visit_tiles(const wsic_code_reader *reader, size_t block, const int32_t *codes,
                               void *workspace, wsic_tile_visitor *visit, void *data)
{
    const size_t live = wsic_code_reader_live_columns(reader);
    uint32_t *const row = workspace;
    const size_t skip = wsic_div_up(reader->old->block_rows * sizeof *row, WSIC_TILE_ALIGNMENT) *
                        WSIC_TILE_ALIGNMENT;
    const size_t rows = live == 0 ? 0 : list_rows(reader->old, block, row);
    wsic_status status = WSIC_OK;
    size_t number = 0;

    for (size_t j = 0; rows != 0 && j < live && status == WSIC_OK; number++) {
        wsic_code_tile tile = {
            .rows = rows,
            .columns = wsic_min_size(number % 16 == 3 ? 9 : WSIC_TILE_COLUMNS, live - j),
            .row = row,
            .column = reader->order + j,
            .stride = stride_of(reader)};
        fill_tile(reader, codes, number, &tile, (char *)workspace + skip);
        status = visit(data, &tile);
        j += tile.columns;
    }
    return status;
}

wsic_status wsic_code_reader_visit(const wsic_env *env, const wsic_code_reader *reader,
                                   size_t block, void *workspace, wsic_tile_visitor *visit,
                                   void *data)
{
    const wsic_old_reader *const old = reader->old;
    int32_t *const codes = malloc(old->block_rows * old->columns.total * sizeof *codes);

    if (!codes)
        return wsic_fail(env, WSIC_ERROR_MEMORY, "a block of codes could not be had");
    wsic_status status = wsic_old_reader_block(env, old, block, codes);
    if (status == WSIC_OK)
        status = visit_tiles(reader, block, codes, workspace, visit, data);
    free(codes);
    return status;
}
