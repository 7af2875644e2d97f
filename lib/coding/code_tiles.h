/* SPDX-License-Identifier: MIT */
/* What the decoder hands out: the codes of a block of rows, tile by tile. A tile is one group
 * of columns over all live rows of the block, column by column. Groups are made of columns of
 * nearly equal width, so that the columns of a tile are scattered over the matrix; whoever wants
 * rows puts them where they belong, whoever multiplies gathers the other factor instead. */
#ifndef WSIC_CODING_CODE_TILES_H
#define WSIC_CODING_CODE_TILES_H

#include "base/env.h"

enum {
    WSIC_TILE_COLUMNS = 32,  /* at most */
    WSIC_TILE_ROWS = 1024,   /* at most */
    WSIC_TILE_ALIGNMENT = 64 /* of a workspace */
};

typedef struct wsic_code_tile {
    size_t rows;    /* live rows of the block, at least 1 */
    size_t columns; /* 1 to WSIC_TILE_COLUMNS */
    /* Of each row its number within the block, of each column its number in the matrix. */
    const uint32_t *row;
    const uint32_t *column;
    /* Code (i, j) is at j * stride + i of one of them; the other is NULL. The stride is at least
     * rows, and a multiple of 64 elements; columns begin at multiples of 64 bytes. What lies
     * between rows and the stride may be read and means nothing. */
    size_t stride;
    const int8_t *narrow;
    const int32_t *wide;
} wsic_code_tile;

/* Receives the tiles of a block in an order that is the same for all blocks and on every machine.
 * A status other than WSIC_OK ends the walk and becomes its result. */
typedef wsic_status wsic_tile_visitor(void *data, const wsic_code_tile *tile);

typedef struct wsic_code_reader wsic_code_reader;

/* Bytes that a walk needs for itself: at most 512 KiB. Aligned to WSIC_TILE_ALIGNMENT. */
size_t wsic_code_reader_workspace(const wsic_code_reader *reader);

/* Decode block number `block`, the rows from block * block_rows on. Rows and columns that no
 * tile names hold zeros. The reader is not changed: any number of threads may decode at
 * once, each with a workspace of its own, env's message being locked. */
wsic_status wsic_code_reader_visit(const wsic_env *env, const wsic_code_reader *reader,
                                   size_t block, void *workspace, wsic_tile_visitor *visit,
                                   void *data);

/* The columns in the order in which tiles bring them: live_columns numbers. */
size_t wsic_code_reader_live_columns(const wsic_code_reader *reader);
const uint32_t *wsic_code_reader_column_order(const wsic_code_reader *reader);

/* All codes of all tiles are narrow. Said by whoever knows that no code leaves a byte; a code that
 * does is refused as damage when it is decoded. */
void wsic_code_reader_set_narrow(wsic_code_reader *reader);
bool wsic_code_reader_narrow(const wsic_code_reader *reader);

/* Bytes that the reader holds. */
size_t wsic_code_reader_memory(const wsic_code_reader *reader);

#endif
