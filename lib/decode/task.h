/* SPDX-License-Identifier: MIT */
/* What a call on a layer comes down to: a task of many blocks of rows. Blocks can be done in any
 * order and at the same time, each within a workspace of its own. */
#ifndef WSIC_DECODE_TASK_H
#define WSIC_DECODE_TASK_H

#include "coding/code_tiles.h"
#include "coding/codes.h"
#include "decode/product.h"
#include "decode/store.h"

typedef struct wsic_decode_task {
    const wsic_code_reader *reader;
    size_t layer_rows;
    size_t layer_columns;
    size_t first_row; /* wanted */
    size_t rows;
    size_t first_column; /* wanted; with coded_order a number in that order */
    size_t columns;
    bool coded_order;
    int32_t kernels;

    /* Of rows: where each piece goes. NULL: products are wanted. */
    wsic_piece_function *store;
    wsic_output output;

    /* Of products */
    wsic_product_input input;
    float *factors;  /* filled beforehand, wsic_product_fill() */
    float *products; /* tokens × rows */
    size_t products_stride;
    const float *row_scales; /* of the layer */
} wsic_decode_task;

/* Blocks are numbered from 0 on, the first one that holds a row that is wanted. */
size_t wsic_task_blocks(const wsic_decode_task *task);

/* Bytes that a block takes, a multiple of WSIC_TILE_ALIGNMENT; false if that does not fit. */
bool wsic_task_workspace(const wsic_decode_task *task, size_t *bytes);

/* Do a block. The workspace is aligned to WSIC_TILE_ALIGNMENT. */
wsic_status wsic_task_run_block(const wsic_env *env, const wsic_decode_task *task, size_t block,
                                void *workspace);

#endif
