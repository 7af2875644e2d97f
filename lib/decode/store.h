/* SPDX-License-Identifier: MIT */
/* Pieces of rows into the caller's matrix: as codes, or as weights. */
#ifndef WSIC_DECODE_STORE_H
#define WSIC_DECODE_STORE_H

#include "decode/rows.h"
#include "decode/weights.h"

typedef struct wsic_output {
    const wsic_env *env;
    void *data;
    size_t row_stride; /* in elements */
    uint32_t dtype;
    /* What element (0, 0) is in the layer, for messages: column k is first_column + k, or
     * order[first_column + k] where there is an order. */
    size_t first_row;
    size_t first_column;
    const uint32_t *order;
    /* Of weights alone: scales of the first row and column of the output. */
    const float *row_scales;
    const float *column_scales;
    const wsic_weight_kernels *kernels;
} wsic_output;

/* As wsic_piece_function, data being a wsic_output. WSIC_ERROR_RANGE names the first element of the
 * piece that does not fit. */
wsic_status wsic_store_code_piece(void *output, const wsic_row_piece *piece);
wsic_status wsic_store_weight_piece(void *output, const wsic_row_piece *piece);

#endif
