/* SPDX-License-Identifier: MIT */
/* One block of a coded matrix: the unit that is decoded on its own. Columns are taken
 * in groups of as many as there are lanes; within a group the rows one after the other;
 * within a row the lanes. So a lane stays with one column, the lanes of a step are
 * independent of each other, and what comes out lies together in a row. */
#ifndef WSIC_CODING_BLOCK_H
#define WSIC_CODING_BLOCK_H

#include "coding/model.h"
#include "coding/trellis.h"

enum {
    WSIC_LANES_MAX = 32,
    WSIC_STATE_LOW = 1 << 16 /* states lie between this and 2^32 */
};

/* What both sides know. The class of an element is row class + column class, clamped
 * to 0 ... classes - 1. With a trellis a class has a model for each context of the state, from
 * WSIC_TRELLIS_CONTEXTS * class on. */
typedef struct wsic_block_shape {
    size_t rows;
    size_t columns;
    size_t lanes;
    int32_t classes;
    const int16_t *row_class; /* NULL: all 0 */
    const int16_t *column_class;
    const wsic_trellis *trellis; /* or NULL */
} wsic_block_shape;

static inline int32_t wsic_block_row_class(const wsic_block_shape *shape, size_t i)
{
    return shape->row_class ? shape->row_class[i] : 0;
}

static inline size_t wsic_block_class(const wsic_block_shape *shape, int32_t sum)
{
    return sum < 0 ? 0 : sum < shape->classes ? (size_t)sum : (size_t)shape->classes - 1;
}

/* Where element (i, j) of the block is: data[column_index[j] * column_stride +
 * row_index[i] * row_stride]; an index that is NULL stands for 0, 1, 2, ... */
typedef struct wsic_block_layout {
    const uint32_t *row_index;
    const uint32_t *column_index;
    size_t row_stride;
    size_t column_stride;
} wsic_block_layout;

static inline size_t wsic_layout_row(const wsic_block_layout *layout, size_t i)
{
    return (layout->row_index ? layout->row_index[i] : i) * layout->row_stride;
}

static inline size_t wsic_layout_column(const wsic_block_layout *layout, size_t j)
{
    return (layout->column_index ? layout->column_index[j] : j) * layout->column_stride;
}

/* --- block_encode.c -------------------------------------------------------- */

/* Append the block. models has one for each class that occurs. With a trellis the data
 * are tokens. */
wsic_status wsic_block_encode(const wsic_env *env, const wsic_block_shape *shape,
                              const wsic_model *models, const wsic_block_layout *layout,
                              const int32_t *data, wsic_bytes *out);

/* --- block_decode.c -------------------------------------------------------- */

/* A model turned round: what a state's low bits say. In two steps, which are small: with many
 * classes what counts is how many tables the cache holds. */
typedef struct wsic_decode_table {
    uint8_t symbols[WSIC_MODEL_TOTAL];   /* by slot */
    uint32_t ranges[WSIC_MODEL_SYMBOLS]; /* by symbol: start | frequency << 16 */
    int32_t value;   /* value of symbol 0, if it were one, where nothing is shifted */
    uint32_t detour; /* symbols up to this one need the bypass: 0, or all if shifted */
    wsic_model model;
} wsic_decode_table;

void wsic_decode_table_fill(wsic_decode_table *table, const wsic_model *model);

/* Decode exactly size bytes. tables has one for each class that occurs. With a trellis
 * the data become levels. False if the bytes are not what an encoder writes; the data are
 * then undefined. */
bool wsic_block_decode(const wsic_block_shape *shape, wsic_decode_table *const *tables,
                       const wsic_block_layout *layout, const uint8_t *bytes, size_t size,
                       int32_t *data);

#endif
