/* SPDX-License-Identifier: MIT */
/* A matrix while the plain encoder codes it. */
#ifndef TESTS_PLAIN_MATRIX_H
#define TESTS_PLAIN_MATRIX_H

#include "plain_encoder.h"
#include "plain_decoder.h"

/* An integer, or the index that a level stands for, and its model. */
typedef struct spot {
    int64_t v;
    const model *model;
} spot;

/* The spots of a matrix: rows as they are, live columns in coding order. */
typedef struct matrix {
    plain_head h;
    spot *spots;
    size_t *row; /* of the block at hand, in coding order */
} matrix;

static inline spot *spot_at(const matrix *x, size_t row, size_t column)
{
    return &x->spots[row * x->h.columns + column];
}

static inline unsigned form_at(const plain_head *h, size_t column)
{
    return h->form[column / h->lanes];
}

/* Append the stream of the block at hand, of so many rows, that begins with a group. False if the
 * format cannot say what is in it (plain_streams.c). */
bool plain_put_stream(const matrix *x, const plain_choices *c, size_t rows, size_t first,
                      writer *out);

#endif
