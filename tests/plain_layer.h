/* SPDX-License-Identifier: MIT */
/* Whole layers, from the text of docs/format.md alone. A file that is not as the text says
 * fails the test. */
#ifndef TESTS_PLAIN_LAYER_H
#define TESTS_PLAIN_LAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct plain_layer {
    size_t rows, columns;
    float *row_scales;
    float *column_scales;
    int32_t *codes; /* rows x columns, row-major */
    unsigned kind;  /* of the codes: 0, or the logarithm of a trellis's states */
    size_t block_rows;
    bool dead_columns, corrections, own_models; /* said by the flags */
} plain_layer;

/* Checksums are not looked at. */
plain_layer plain_layer_open(const uint8_t *bytes, size_t size);
void plain_layer_close(plain_layer *layer);

/* Weight of a row and a column. */
float plain_layer_weight(const plain_layer *layer, size_t row, size_t column);

#endif
