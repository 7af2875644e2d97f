/* SPDX-License-Identifier: MIT */
/* A coded matrix that is being read: head and models unpacked, streams borrowed. */
#ifndef WSIC_CODING_CODE_READER_H
#define WSIC_CODING_CODE_READER_H

#include "coding/code_tiles.h"
#include "coding/codes_format.h"
#include "coding/stream.h"
#include "format/bytes.h"

/* The first fields, as they are stored. */
typedef struct wsic_code_head {
    unsigned kind;
    unsigned flags1;
    unsigned flags2;
    uint64_t block_rows;
    uint64_t stride;
    uint64_t classes;
    int64_t base;
    int64_t form_class;
    uint64_t streams;
} wsic_code_head;

struct wsic_code_reader {
    size_t total_rows;
    size_t total_columns;
    size_t block_rows;
    size_t blocks;
    size_t stride; /* B: rows of a block are coded by their remainder */
    size_t lanes;
    unsigned step;
    int32_t base;
    int32_t classes; /* 0: all codes are zero */
    bool is_trellis;
    wsic_trellis trellis;

    /* Live rows in the order in which they are coded. */
    size_t live_rows;
    uint32_t *row;        /* number within its block */
    uint16_t *row_kind;   /* index into kind_class */
    size_t *first_row;    /* of each block, and behind the last one */
    uint32_t *live_block; /* of each block: how many before it have live rows */
    size_t kinds;
    int16_t *kind_class;

    /* Live columns likewise. */
    size_t live_columns;
    uint32_t *column;
    size_t groups;
    uint8_t *form;        /* of each group */
    unsigned octet_log;   /* columns of an octet */
    int16_t *octet_class; /* of each octet */

    /* Bounds of every class and form that occur together, from bounds_at[form_rank * classes +
     * class] on. */
    uint8_t form_rank[WSIC_FORMS];
    uint32_t *bounds_at;
    uint16_t *bounds;

    size_t streams; /* to a block */
    size_t *offset; /* of each stream of a block with live rows, and behind the last one */
    const uint8_t *bytes;
    bool narrow;   /* no code leaves a byte */
    size_t memory; /* bytes that are held */
};

/* Read models into bounds, once rows and columns are known (code_reader_models.c). */
wsic_status wsic_code_reader_models(const wsic_env *env, wsic_cursor *cursor,
                                    const wsic_code_head *head, wsic_code_reader *reader);

/* Memory of a reader, counted. */
void *wsic_code_reader_alloc(const wsic_env *env, wsic_code_reader *reader, size_t count,
                             size_t size, wsic_status *status);

#endif
