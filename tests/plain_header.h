/* SPDX-License-Identifier: MIT */
/* What stands before the streams of coded integers, from the text of docs/format.md alone. */
#ifndef TESTS_PLAIN_HEADER_H
#define TESTS_PLAIN_HEADER_H

#include "plain_models.h"

typedef struct plain_header {
    unsigned lanes, order;
    bool row_hints, dead_rows, dead_columns; /* said by the flags */
    size_t rows, columns, block_rows, stride;
    size_t streams;    /* to a block */
    int form_class;    /* of a row: from it follow the forms */
    model_frame frame; /* its number of classes is 0 if all integers are */
    bool *row_dead;
    int *row_class; /* of each row of the matrix, 0 for dead ones */
    size_t live_rows;
    size_t *column; /* live ones in coding order */
    size_t live_columns;
    int64_t *unit; /* their keys, in units */
    int *octet_class;
    unsigned *form; /* of each group */
    size_t octet_columns, octets, groups;
    model *models;
} plain_header;

/* Up to the octet classes. Hints may be NULL. Close it whatever becomes of s. */
void plain_header_open(stream *s, size_t rows, size_t columns, const int32_t *row_hint,
                       const int32_t *column_hint, plain_header *h);
void plain_header_close(plain_header *h);

/* The bit string that follows. */
void plain_header_models(stream *s, plain_header *h);

int plain_index(const plain_header *h, size_t row, size_t octet);

/* The live rows of a block in coding order, and how many there are. */
size_t plain_block(const plain_header *h, size_t block, size_t *row);

#endif
