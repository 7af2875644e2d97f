/* SPDX-License-Identifier: MIT */
/* An encoder of coded integers, written from docs/format.md alone. It makes no choice: each is
 * given. What it writes, a decoder must read. */
#ifndef TESTS_PLAIN_ENCODER_H
#define TESTS_PLAIN_ENCODER_H

#include <stdbool.h>

#include "plain_decoder.h"
#include "plain_writer.h"

typedef struct plain_choices {
    unsigned kind;
    unsigned lanes; /* 8, 16 or 32 */
    unsigned step, order, shape;
    bool row_hints;    /* classes of rows are relative to them */
    bool small_octets; /* of one column */
    size_t block_rows, stride, streams;
    int base, classes, form_class;
    int64_t *dead_rows, *dead_columns; /* 1 for each dead one; NULL for no marks */
    int64_t *row_classes;              /* of each live row */
    int64_t *keys;                     /* of each live column; with order 2 or 3 */
    int64_t *octet_classes;            /* of each octet */
    unsigned array_mode;               /* of arrays that are not constant: 1 to 5 */
    corrections *corrections;          /* NULL for none */
    unsigned
        own; /* 0 for no own models; else the k-th model that occurs is a table if own + k is even
              */
    size_t tail; /* integers wanted, 0 for all: a stream has the most up to that for which there are
                  * states, or else all */
} plain_choices;

/* Append the bytes for values, row-major. Hints may be NULL. False, with some bytes appended, if
 * the format cannot say this. */
bool plain_encode_codes(const int32_t *values, size_t rows, size_t columns, const int32_t *row_hint,
                        const int32_t *column_hint, const plain_choices *choices, writer *out);

/* Append an array; a constant one has mode 0 whatever is asked for. */
void plain_encode_array(const int64_t *values, size_t count, unsigned mode, writer *out);

#endif
