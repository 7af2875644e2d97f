/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "code_matrices.h"
#include "coding/codes_plan.h"
#include "plain_decoder.h"

/* Both decoders, and the measure; returns the size in bytes. */
static size_t round_trip(const wsic_env *env, const wsic_code_matrix *matrix, size_t block_rows)
{
    int32_t *const decoded = malloc(matrix->rows * matrix->columns * sizeof *decoded);
    wsic_bytes bytes;
    size_t used;
    double bits;
    double fixed;

    ck_assert_ptr_nonnull(decoded);
    wsic_bytes_init(&bytes, env);
    wsic_put_u8(&bytes, 0xA5); /* appended to what is there */
    ck_assert_int_eq(wsic_codes_encode(env, matrix, block_rows, &bytes), WSIC_OK);
    const size_t size = bytes.size - 1;
    wsic_put_u8(&bytes, 0xA5);
    ck_assert_int_eq(decode(env, bytes.data + 1, size + 1, matrix, decoded, &used), WSIC_OK);
    ck_assert_uint_eq(used, size);
    expect_equal(matrix, decoded);
    ck_assert(plain_decode_codes(bytes.data + 1, size, matrix->rows, matrix->columns,
                                 matrix->row_hint, matrix->column_hint, decoded, &used));
    ck_assert_uint_eq(used, size);
    expect_equal(matrix, decoded);

    const double blocks = ceil((double)matrix->rows / (double)block_rows);
    ck_assert_int_eq(wsic_codes_measure(env, matrix, block_rows, &bits, &fixed), WSIC_OK);
    ck_assert_msg(fabs(bits / 8 - (double)size) <= 8 + 2 * blocks + 0.001 * (double)size,
                  "measured %f bytes, written %zu", bits / 8, size);
    ck_assert_double_gt(fixed, 0);
    ck_assert_double_le(fixed, bits);
    wsic_bytes_release(&bytes);
    free(decoded);
    return size;
}

START_TEST(everything_comes_back)
{
    static const size_t shapes[][3] = {{1, 1, 1},    {1, 70, 1},   {70, 1, 64},  {3, 7, 2},
                                       {65, 33, 64}, {130, 5, 50}, {100, 90, 7}, {200, 170, 64}};
    const named *const given = &MATRICES[_i];
    wsic_env env;
    wsic_context *const context = open_env(&env);

    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        int32_t *const codes = make_codes(given->make, shapes[k][0], shapes[k][1], 17 + k);
        const wsic_code_matrix matrix = {
            .rows = shapes[k][0], .columns = shapes[k][1], .codes = codes};
        round_trip(&env, &matrix, shapes[k][2]);
        free(codes);
    }
    close_env(context);
}
END_TEST

/* All kinds of trellises, over codes of any sort. */
START_TEST(levels_of_a_trellis_come_back)
{
    static const size_t shapes[][3] = {{1, 1, 1}, {1, 70, 1},   {70, 1, 64},
                                       {3, 7, 2}, {130, 5, 50}, {100, 90, 7}};
    const named *const given = &MATRICES[_i];
    wsic_env env;
    wsic_context *const context = open_env(&env);

    for (unsigned kind = WSIC_TRELLIS_KIND_LEAST; kind <= WSIC_TRELLIS_KIND_MOST; kind++) {
        for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
            const size_t rows = shapes[k][0], columns = shapes[k][1];
            int32_t *const codes = make_codes(given->make, rows, columns, 17 + k);
            make_levels(codes, rows, columns, kind, shapes[k][2]);
            const wsic_code_matrix matrix = {
                .rows = rows, .columns = columns, .codes = codes, .kind = kind};
            round_trip(&env, &matrix, shapes[k][2]);
            free(codes);
        }
    }
    close_env(context);
}
END_TEST

typedef struct placed_row {
    size_t block, row, stride;
} placed_row;

static int by_place(const void *a, const void *b)
{
    const placed_row *const x = a, *const y = b;
    const size_t of_x = x->row % x->stride, of_y = y->row % y->stride;

    if (x->block != y->block)
        return x->block < y->block ? -1 : 1;
    if (of_x != of_y)
        return of_x > of_y ? -1 : 1;
    return x->row < y->row ? -1 : 1;
}

/* Without dead rows, rows of a block in the order of their numbers modulo the stride, the largest
 * first: by sorting. */
START_TEST(levels_run_through_the_rows_in_strides)
{
    static const size_t shapes[][4] = {{70, 3, 64, 2},   {70, 9, 70, 8},    {130, 5, 50, 7},
                                       {100, 4, 7, 8},   {33, 4, 32, 4096}, {5, 5, 2, 3},
                                       {300, 6, 256, 16}};
    const size_t rows = shapes[_i][0], columns = shapes[_i][1];
    const size_t block_rows = shapes[_i][2], stride = shapes[_i][3];
    placed_row *const placed = malloc(rows * sizeof *placed);
    uint32_t *const order = malloc(rows * sizeof *order);
    int32_t *const codes = make_codes(any_bits, rows, columns, 3);
    wsic_env env;
    wsic_context *const context = open_env(&env);

    for (size_t r = 0; r < rows; r++)
        placed[r] = (placed_row){r / block_rows, r, stride};
    qsort(placed, rows, sizeof *placed, by_place);
    order_rows(rows, block_rows, stride, order);
    for (size_t i = 0; i < rows; i++)
        ck_assert_uint_eq(order[i], placed[i].row);
    make_levels_in_order(codes, rows, columns, 3, block_rows, stride);
    const wsic_code_matrix matrix = {
        .rows = rows, .columns = columns, .codes = codes, .kind = 3, .row_stride = stride};
    round_trip(&env, &matrix, block_rows);
    free(placed);
    free(order);
    free(codes);
    close_env(context);
}
END_TEST

/* The levels of a matrix come back from between dead rows, wherever these stand: in the order of
 * the live ones, and in hardly more bytes. */
START_TEST(dead_rows_take_no_part_in_a_trellis)
{
    enum { LIVE = 64, COLUMNS = 40, MOST = 1024, KIND = 5 };
    static const size_t strides[] = {1, 4, 7};
    const size_t stride = strides[_i];
    int32_t *const codes = make_codes(any_bits, LIVE, COLUMNS, 3);
    wsic_env env;
    wsic_context *const context = open_env(&env);

    make_levels_in_order(codes, LIVE, COLUMNS, KIND, LIVE, stride);
    const wsic_code_matrix alone = {
        .rows = LIVE, .columns = COLUMNS, .codes = codes, .kind = KIND, .row_stride = stride};
    const size_t size = round_trip(&env, &alone, LIVE);
    for (size_t every = 1; every <= MOST / LIVE; every *= 4) {
        const size_t rows = LIVE * every + 3;
        int32_t *const spread = calloc(rows * COLUMNS, sizeof *spread);
        bool *const dead = malloc(rows * sizeof *dead);
        memset(dead, 1, rows * sizeof *dead);
        for (size_t i = 0; i < LIVE; i++)
            dead[i * every + 2] = false;
        for (size_t k = 0; k < LIVE * COLUMNS; k++)
            spread[k / LIVE * rows + k % LIVE * every + 2] = codes[k];
        wsic_code_matrix matrix = alone;
        matrix.rows = rows;
        matrix.codes = spread;
        matrix.dead_rows = dead;
        ck_assert_uint_le(round_trip(&env, &matrix, rows), size + 100);
        free(dead);
        free(spread);
    }
    free(codes);
    close_env(context);
}
END_TEST

START_TEST(what_is_no_level_is_refused)
{
    /* From state 0 on: index 1 of codebook 0, then codebook 1. */
    static const int32_t bad[][3] = {
        {1, 0, 0}, {2, 2, 0}, {2, -4, 0}, {0, 0, -3}, {INT32_MIN, 0, 0}};
    wsic_env env;
    wsic_context *const context = open_env(&env);
    wsic_bytes bytes;

    wsic_bytes_init(&bytes, &env);
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        const wsic_code_matrix matrix = {.rows = 3, .columns = 1, .codes = bad[k], .kind = 2};
        ck_assert_int_eq(wsic_codes_encode(&env, &matrix, 3, &bytes), WSIC_ERROR_ARGUMENT);
        ck_assert_uint_eq(bytes.size, 0);
    }
    wsic_bytes_release(&bytes);
    close_env(context);
}
END_TEST

/* 32 lanes, which only larger blocks have, and a last group that does not fill them. */
START_TEST(many_lanes_come_back)
{
    enum { ROWS = 2100 };
    wsic_env env;
    wsic_context *const context = open_env(&env);
    int32_t *const codes = make_codes(outliers, ROWS, 1001, 4);
    const wsic_code_matrix matrix = {.rows = ROWS, .columns = 1001, .codes = codes};
    wsic_code_plan plan;

    ck_assert_int_eq(wsic_code_plan_make(&env, &matrix, ROWS, &plan), WSIC_OK);
    ck_assert_uint_eq(plan.lanes_log, 5);
    ck_assert_uint_gt(plan.streams, 1);
    wsic_code_plan_release(&env, &plan);
    round_trip(&env, &matrix, ROWS);
    make_levels(codes, ROWS, 1001, 5, 1000);
    const wsic_code_matrix levels = {.rows = ROWS, .columns = 1001, .codes = codes, .kind = 5};
    round_trip(&env, &levels, 1000);
    free(codes);
    close_env(context);
}
END_TEST

/* --- sizes --------------------------------------------------------------------------- */

static size_t coded_size(const wsic_env *env, const wsic_code_matrix *matrix, size_t block_rows)
{
    wsic_bytes bytes;

    wsic_bytes_init(&bytes, env);
    ck_assert_int_eq(wsic_codes_encode(env, matrix, block_rows, &bytes), WSIC_OK);
    const size_t size = bytes.size;
    wsic_bytes_release(&bytes);
    return size;
}

START_TEST(little_is_coded_in_few_bytes)
{
    wsic_env env;
    wsic_context *const context = open_env(&env);
    const int32_t one = -5;
    const wsic_code_matrix single = {.rows = 1, .columns = 1, .codes = &one};

    ck_assert_uint_le(coded_size(&env, &single, 1), 16);
    int32_t *codes = make_codes(all_zero, 300, 200, 1);
    wsic_code_matrix matrix = {.rows = 300, .columns = 200, .codes = codes};
    ck_assert_uint_le(coded_size(&env, &matrix, 300), 7);
    for (size_t k = 0; k < 300 * 200; k++)
        codes[k] = 3;
    ck_assert_uint_le(coded_size(&env, &matrix, 300), 40);
    free(codes);
    close_env(context);
}
END_TEST

/* Dead columns in known places beside live ones: all they cost is their marks. */
START_TEST(dead_columns_cost_their_marks)
{
    enum { ROWS = 600, COLUMNS = 400 };
    wsic_env env;
    wsic_context *const context = open_env(&env);
    int32_t *const live = make_codes(spread, ROWS, COLUMNS, 2);
    int32_t *const all = calloc((size_t)ROWS * 2 * COLUMNS, sizeof *all);

    for (size_t j = 0; j < COLUMNS; j++)
        memcpy(all + 2 * j * ROWS, live + j * ROWS, ROWS * sizeof *all);
    const wsic_code_matrix small = {.rows = ROWS, .columns = COLUMNS, .codes = live};
    const wsic_code_matrix large = {.rows = ROWS, .columns = 2 * COLUMNS, .codes = all};
    ck_assert_uint_le(coded_size(&env, &large, ROWS),
                      coded_size(&env, &small, ROWS) + 2 * COLUMNS / 8 + 20);
    free(all);
    free(live);
    close_env(context);
}
END_TEST

typedef struct source {
    const char *name;
    double log2_deviation;
    double column_octaves;
    double row_octaves;
    bool laplace;
} source;

static const source SOURCES[] = {
    {"low rate", -3, 3, 0, false},    {"about 1 bit", -1, 3, 0, false},
    {"about 2 bits", 0, 3, 0, false}, {"rows too", 0, 3, 1.5, false},
    {"about 4 bits", 2, 3, 0, false}, {"8 bits", 6, 3, 0, false},
    {"laplace", 0, 3, 0, true},       {"laplace, rows too", 1, 3, 1.5, true}};

enum { SOURCE_COUNT = sizeof SOURCES / sizeof *SOURCES };

static double tail_above(const source *given, double t)
{
    return given->laplace ? 0.5 * exp(-t * sqrt(2)) : 0.5 * erfc(t / sqrt(2));
}

static double ideal_bits(const source *given, double deviation, int32_t code)
{
    const double magnitude = fabs((double)code);
    const double mass = code == 0 ? 1 - 2 * tail_above(given, 0.5 / deviation)
                                  : tail_above(given, (magnitude - 0.5) / deviation) -
                                        tail_above(given, (magnitude + 0.5) / deviation);
    return -log2(fmax(mass, 1e-300));
}

/* Codes from a known source, and the bits that they cost who knows all scales. */
static double draw(const source *given, size_t rows, size_t columns, int32_t *codes)
{
    double *const row_scale = malloc(rows * sizeof *row_scale);
    uint64_t state = 99;
    double bits = 0;

    for (size_t i = 0; i < rows; i++)
        row_scale[i] = exp2(given->row_octaves * (random_uniform(&state) - 0.5));
    for (size_t j = 0; j < columns; j++) {
        const double scale =
            exp2(given->log2_deviation + given->column_octaves * (random_uniform(&state) - 0.5));
        for (size_t i = 0; i < rows; i++) {
            const double unit = given->laplace ? log(random_uniform(&state)) / sqrt(2) *
                                                     (random_bits(&state) % 2 == 0 ? 1 : -1)
                                               : random_gauss(&state);
            codes[j * rows + i] = (int32_t)lrint(scale * row_scale[i] * unit);
            bits += ideal_bits(given, scale * row_scale[i], codes[j * rows + i]);
        }
    }
    free(row_scale);
    return bits / ((double)rows * (double)columns);
}

START_TEST(size_is_below_the_pooled_entropy_and_near_the_source)
{
    enum { SIZE = 1024 };
    const source *const given = &SOURCES[_i];
    int32_t *const codes = malloc((size_t)SIZE * SIZE * sizeof *codes);
    wsic_env env;
    wsic_context *const context = open_env(&env);
    const double ideal = draw(given, SIZE, SIZE, codes);
    const wsic_code_matrix matrix = {.rows = SIZE, .columns = SIZE, .codes = codes};
    double pooled;

    ck_assert_int_eq(wsic_codes_entropy(&env, codes, (size_t)SIZE * SIZE, &pooled), WSIC_OK);
    const size_t size = coded_size(&env, &matrix, wsic_codes_block_rows(SIZE, SIZE, 0));
    const double rate = 8.0 * (double)size / SIZE / SIZE;
    ck_assert_msg(rate < pooled, "%s: %f bits, pooled %f", given->name, rate, pooled);
    ck_assert_msg(rate < ideal + 0.02, "%s: %f bits, ideal %f", given->name, rate, ideal);
    ck_assert_msg(rate > ideal - 0.01, "%s: %f bits, ideal %f", given->name, rate, ideal);
    free(codes);
    close_env(context);
}
END_TEST

START_TEST(entropy_is_that_of_the_histogram)
{
    wsic_env env;
    wsic_context *const context = open_env(&env);
    const int32_t near[] = {1, 1, 1, 1, 2, 2, 3, 4};
    const int32_t far[] = {INT32_MIN, INT32_MIN, INT32_MIN, INT32_MIN, INT32_MAX, INT32_MAX, 0, 7};
    double bits;

    ck_assert_int_eq(wsic_codes_entropy(&env, near, 8, &bits), WSIC_OK);
    ck_assert_double_eq_tol(bits, 1.75, 1e-12);
    ck_assert_int_eq(wsic_codes_entropy(&env, far, 8, &bits), WSIC_OK);
    ck_assert_double_eq_tol(bits, 1.75, 1e-12);
    close_env(context);
}
END_TEST

/* --- hints ----------------------------------------------------------------------------- */

START_TEST(hints_help_or_are_dropped)
{
    enum { ROWS = 256, COLUMNS = 256 };
    uint64_t state = 8;
    int32_t hints[COLUMNS];
    int32_t noise[COLUMNS];
    int32_t *const codes = malloc((size_t)ROWS * COLUMNS * sizeof *codes);
    wsic_env env;
    wsic_context *const context = open_env(&env);

    for (size_t j = 0; j < COLUMNS; j++) {
        hints[j] = 16 * (int32_t)(random_bits(&state) % 24) + 8000;
        noise[j] = (int32_t)(uint32_t)random_bits(&state);
        for (size_t i = 0; i < ROWS; i++)
            codes[j * ROWS + i] =
                (int32_t)lrint(exp2((hints[j] - 8096) / 64.0) * random_gauss(&state));
    }
    wsic_code_matrix matrix = {.rows = ROWS, .columns = COLUMNS, .codes = codes};
    const size_t plain = coded_size(&env, &matrix, ROWS);
    matrix.column_hint = hints;
    const size_t hinted = round_trip(&env, &matrix, ROWS);
    /* 24 equally likely classes cost 4.6 bits each, of which little remains. */
    ck_assert_uint_lt(hinted + COLUMNS * 4 / 8 - COLUMNS / 8, plain);
    matrix.column_hint = noise;
    matrix.row_hint = noise;
    ck_assert_uint_le(round_trip(&env, &matrix, ROWS), plain);
    free(codes);
    close_env(context);
}
END_TEST

/* --- threads --------------------------------------------------------------------- */

START_TEST(bytes_do_not_depend_on_threads)
{
    wsic_env env;
    wsic_context *const context = open_env(&env);
    int32_t *const codes = make_codes(spread, 500, 120, 31);
    const wsic_code_matrix matrix = {.rows = 500, .columns = 120, .codes = codes};
    wsic_bytes one;
    wsic_bytes many;

    wsic_bytes_init(&one, &env);
    wsic_bytes_init(&many, &env);
    ck_assert_int_eq(wsic_codes_encode(&env, &matrix, 64, &one), WSIC_OK);
    ck_assert_int_eq(wsic_context_set_threads(context, 4), WSIC_OK);
    ck_assert_int_eq(wsic_codes_encode(&env, &matrix, 64, &many), WSIC_OK);
    ck_assert_uint_eq(one.size, many.size);
    ck_assert_mem_eq(one.data, many.data, one.size);
    wsic_bytes_release(&one);
    wsic_bytes_release(&many);
    ck_assert_int_eq(wsic_context_set_threads(context, 1), WSIC_OK);
    free(codes);
    close_env(context);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("codes");
    TCase *const tests = tcase_create("codes");

    tcase_set_timeout(tests, 300);
    tcase_add_loop_test(tests, everything_comes_back, 0, MATRIX_COUNT);
    tcase_add_loop_test(tests, levels_of_a_trellis_come_back, 0, MATRIX_COUNT);
    tcase_add_loop_test(tests, levels_run_through_the_rows_in_strides, 0, 7);
    tcase_add_loop_test(tests, dead_rows_take_no_part_in_a_trellis, 0, 3);
    tcase_add_test(tests, what_is_no_level_is_refused);
    tcase_add_test(tests, many_lanes_come_back);
    tcase_add_test(tests, little_is_coded_in_few_bytes);
    tcase_add_test(tests, dead_columns_cost_their_marks);
    tcase_add_loop_test(tests, size_is_below_the_pooled_entropy_and_near_the_source, 0,
                        SOURCE_COUNT);
    tcase_add_test(tests, entropy_is_that_of_the_histogram);
    tcase_add_test(tests, hints_help_or_are_dropped);
    tcase_add_test(tests, bytes_do_not_depend_on_threads);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
