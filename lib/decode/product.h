/* SPDX-License-Identifier: MIT */
/* Products of decoded tiles with a batch of tokens. The factors column_scale * x of all tokens are
 * brought into the order of the tiles once; the sums of a block of rows then take tile after tile,
 * each sum its columns one after the other, with one fused multiply-add each. Tokens are taken in
 * groups that registers can hold, rows in strips: neither is seen in a sum. */
#ifndef WSIC_DECODE_PRODUCT_H
#define WSIC_DECODE_PRODUCT_H

#include "coding/code_tiles.h"

enum {
    WSIC_GROUP_TOKENS = 6, /* at most */
    WSIC_STRIP_ROWS = 64
};

/* The kernels of an instruction set. All pointers to sums are of WSIC_STRIP_ROWS rows for each
 * token, token after token; factor of column j and token t at j * tokens + t. Codes may be read to
 * the end of the strip. */
typedef struct wsic_product_kernels {
    /* Straight from codes, code (i, j) at j * stride + i: for few tokens. */
    void (*add_narrow)(float *sums, const int8_t *codes, size_t stride, size_t columns,
                       const float *factors, size_t tokens);
    /* From floats, that of (i, j) at j * WSIC_STRIP_ROWS + i. */
    void (*add_floats)(float *sums, const float *floats, size_t columns, const float *factors,
                       size_t tokens);
    void (*convert)(const int8_t *codes, size_t stride, size_t columns, float *floats);
} wsic_product_kernels;

extern const wsic_product_kernels wsic_product_c;      /* product_c.c */
extern const wsic_product_kernels wsic_product_avx2;   /* x86/product_avx2.c */
extern const wsic_product_kernels wsic_product_avx512; /* x86/product_avx512.c */
extern const wsic_product_kernels wsic_product_neon;   /* arm/product_neon.c */

const wsic_product_kernels *wsic_product_for(int32_t kernels);

/* Tokens in groups of nearly equal size. */
size_t wsic_product_groups(size_t tokens);
/* The first token of a group. For the group behind the last one it is the number of tokens. */
size_t wsic_product_group_first(size_t tokens, size_t group);

/* X as the caller gave it, and what stands beside it. */
typedef struct wsic_product_input {
    const void *data; /* tokens × columns, F32 or BF16 */
    uint32_t dtype;
    size_t row_stride;
    size_t tokens;
    size_t first_column; /* of the layer: all others count as 0 */
    size_t columns;
    const uint32_t *order; /* of the coded columns */
    size_t live_columns;
    const float *column_scales; /* of the layer */
} wsic_product_input;

/* Fill the factors of one group: live_columns × tokens floats for all groups together, those of a
 * group from wsic_product_group_first() * live_columns on. */
void wsic_product_fill(const wsic_product_input *input, size_t group, float *factors);

/* Number of floats that the sums of a block take; false if that does not fit. */
bool wsic_product_sums(size_t block_rows, size_t tokens, size_t *floats);

/* Add a tile, of which the columns begin at number `position` of the order, to the sums of its
 * strips first_strip up to end_strip. */
void wsic_product_add(const wsic_product_kernels *kernels, const wsic_product_input *input,
                      const float *factors, const wsic_code_tile *tile, size_t position,
                      size_t first_strip, size_t end_strip, float *sums);

/* The sum of row i of a block, counted as tiles count, and a token. */
static inline float wsic_product_sum(const float *sums, size_t tokens, size_t i, size_t token)
{
    return sums[(i / WSIC_STRIP_ROWS * tokens + token) * WSIC_STRIP_ROWS + i % WSIC_STRIP_ROWS];
}

#endif
