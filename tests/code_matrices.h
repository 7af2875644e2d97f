/* SPDX-License-Identifier: MIT */
/* Matrices of codes that are hard on a coder, each in its way, and decoding them. */
#ifndef TESTS_CODE_MATRICES_H
#define TESTS_CODE_MATRICES_H

#include <stdlib.h>
#include <string.h>

#include "coding/code_order.h"
#include "coding/codes.h"
#include "coding_env.h"

typedef int32_t element(uint64_t *state, size_t i, size_t j);

/* The rows of a matrix as they are coded, block after block. */
static inline void order_rows(size_t rows, size_t block_rows, size_t stride, uint32_t *order)
{
    wsic_keyed_line *const scratch = malloc(rows * sizeof *scratch);

    ck_assert_ptr_nonnull(scratch);
    for (size_t first = 0; first < rows; first += block_rows) {
        const size_t count = rows - first < block_rows ? rows - first : block_rows;
        for (size_t i = 0; i < count; i++)
            order[first + i] = (uint32_t)(first + i);
        wsic_order_rows(stride, first, order + first, count, scratch);
    }
    free(scratch);
}

static inline int32_t all_zero(uint64_t *state, size_t i, size_t j)
{
    (void)state, (void)i, (void)j;
    return 0;
}

static inline int32_t all_three(uint64_t *state, size_t i, size_t j)
{
    (void)state, (void)i, (void)j;
    return 3;
}

static inline int32_t all_lowest(uint64_t *state, size_t i, size_t j)
{
    (void)state, (void)i, (void)j;
    return INT32_MIN;
}

static inline int32_t alternating(uint64_t *state, size_t i, size_t j)
{
    (void)state;
    return (i + j) % 2 == 0 ? -1 : 1;
}

static inline int32_t extremes(uint64_t *state, size_t i, size_t j)
{
    static const int32_t values[] = {INT32_MIN, INT32_MAX, 0, -1, 1, INT32_MIN + 1};
    (void)i, (void)j;
    return values[random_bits(state) % 6];
}

static inline int32_t any_bits(uint64_t *state, size_t i, size_t j)
{
    (void)i, (void)j;
    return (int32_t)(uint32_t)random_bits(state);
}

static inline int32_t sparse(uint64_t *state, size_t i, size_t j)
{
    (void)i, (void)j;
    return random_bits(state) % 200 == 0 ? 1 : 0;
}

static inline int32_t one_element(uint64_t *state, size_t i, size_t j)
{
    (void)state;
    return i == 2 && j == 5 ? -4 : 0;
}

/* Narrow but for a few far out, some of them as far as can be. */
static inline int32_t outliers(uint64_t *state, size_t i, size_t j)
{
    (void)i, (void)j;
    if (random_bits(state) % 16 == 0)
        return (int32_t)(uint32_t)random_bits(state) >> random_bits(state) % 31;
    return (int32_t)lrint(random_gauss(state));
}

static inline int32_t spread(uint64_t *state, size_t i, size_t j)
{
    const double scale = exp2((double)(j * 7 % 13) / 4 - 1 + (double)(i * 5 % 7) / 6);
    return (int32_t)lrint(scale * random_gauss(state));
}

static inline int32_t wide(uint64_t *state, size_t i, size_t j)
{
    return (int32_t)lrint(exp2((double)(j % 17) + (double)(i % 3)) * random_gauss(state));
}

/* Every third column and every fifth row dead. */
static inline int32_t with_dead(uint64_t *state, size_t i, size_t j)
{
    return i % 5 == 0 || j % 3 == 0 ? 0 : spread(state, i, j) | 1;
}

typedef struct named {
    const char *name;
    element *make;
} named;

static const named MATRICES[] = {{"zero", all_zero},     {"three", all_three},
                                 {"lowest", all_lowest}, {"alternating", alternating},
                                 {"extremes", extremes}, {"any bits", any_bits},
                                 {"sparse", sparse},     {"one element", one_element},
                                 {"outliers", outliers}, {"spread", spread},
                                 {"wide", wide},         {"with dead", with_dead}};

enum { MATRIX_COUNT = sizeof MATRICES / sizeof *MATRICES };

static inline int32_t *make_codes(element *make, size_t rows, size_t columns, uint64_t seed)
{
    int32_t *const codes = malloc(rows * columns * sizeof *codes);
    uint64_t state = seed;

    ck_assert_ptr_nonnull(codes);
    for (size_t j = 0; j < columns; j++) {
        for (size_t i = 0; i < rows; i++)
            codes[j * rows + i] = make(&state, i, j);
    }
    return codes;
}

/* Turn any codes into levels of a trellis, the state machine being Ungerboeck's encoder in
 * its other form: here the state holds what the bits before owe to the parity check. */
static inline void make_levels(int32_t *codes, size_t rows, size_t columns, unsigned kind,
                               size_t block_rows)
{
    static const unsigned h0[] = {05, 013, 023, 045, 0103, 0235, 0515};
    static const unsigned h1[] = {02, 04, 04, 010, 024, 0126, 0362};
    unsigned owed = 0;

    for (size_t k = 0; k < rows * columns; k++) {
        /* Quartered: -(2^29 - 1) to 2^29 - 1 */
        const int32_t index = codes[k] / 4 - (codes[k] / 4) / (1 << 29);
        if (k % rows % block_rows == 0)
            owed = 0;
        const unsigned codebook = owed & 1;
        codes[k] = 2 * index - (codebook == 0 || index == 0 ? 0 : index > 0 ? 1 : -1);
        owed = (owed ^ (codebook ? h0[kind - 2] : 0) ^ (index % 2 ? h1[kind - 2] : 0)) >> 1;
    }
}

/* The same for a trellis that runs through the rows of each block in strides. */
static inline void make_levels_in_order(int32_t *codes, size_t rows, size_t columns, unsigned kind,
                                        size_t block_rows, size_t stride)
{
    int32_t *const levels = malloc(rows * columns * sizeof *levels);
    uint32_t *const order = malloc(rows * sizeof *order);

    memcpy(levels, codes, rows * columns * sizeof *levels);
    make_levels(levels, rows, columns, kind, block_rows);
    order_rows(rows, block_rows, stride, order);
    for (size_t k = 0; k < rows * columns; k++)
        codes[k / rows * rows + order[k % rows]] = levels[k];
    free(order);
    free(levels);
}

/* All blocks; the last status. out is row-major. */
static inline wsic_status decode(const wsic_env *env, const uint8_t *data, size_t size,
                                 const wsic_code_matrix *like, int32_t *out, size_t *used)
{
    wsic_cursor cursor = wsic_cursor_make(data, size);
    wsic_code_reader *reader;

    wsic_status status = wsic_code_reader_open(env, &cursor, like->rows, like->columns,
                                               like->row_hint, like->column_hint, &reader);
    if (status != WSIC_OK) {
        ck_assert_ptr_null(reader);
        ck_assert_uint_eq(cursor.position, 0);
        return status;
    }
    const size_t block_rows = wsic_code_reader_block_rows(reader);
    /* Backwards, to show that blocks do not need each other. */
    for (size_t k = (like->rows + block_rows - 1) / block_rows; k-- > 0 && status == WSIC_OK;)
        status = wsic_code_reader_block(env, reader, k, out + k * block_rows * like->columns);
    wsic_code_reader_close(env, reader);
    *used = cursor.position;
    return status;
}

static inline void expect_equal(const wsic_code_matrix *matrix, const int32_t *decoded)
{
    for (size_t i = 0; i < matrix->rows; i++) {
        for (size_t j = 0; j < matrix->columns; j++)
            ck_assert_int_eq(decoded[i * matrix->columns + j], matrix->codes[j * matrix->rows + i]);
    }
}

#endif
