/* SPDX-License-Identifier: MIT */
/* Calls without structs do what those with structs do. */
#include <string.h>

#include <watersic/watersic.h>

#include "check_main.h"
#include "layer_fixture.h"
#include "random.h"

enum { ROWS = 64, COLUMNS = 32, STRIDE = 37, FIRST = 3, WANTED = 5, TOKENS = 6, OUTPUTS = 4 };

static layer_fixture f;
static wsic_layer *layer;

static void set_up(void)
{
    f = layer_open(ROWS, COLUMNS, COVARIANCE_AR, 1);
    layer = layer_encode(&f, 4.0);
}

static void tear_down(void)
{
    wsic_layer_destroy(layer);
    layer_close(&f);
}

START_TEST(codes_and_weights)
{
    int8_t codes[2][WANTED * STRIDE] = {{0}};
    float weights[2][WANTED * STRIDE] = {{0}};
    wsic_matrix matrix;

    wsic_matrix_init(&matrix, sizeof matrix, codes[0], WSIC_I8, WANTED, COLUMNS, STRIDE);
    ck_assert_int_eq(wsic_layer_get_codes(layer, FIRST, &matrix), WSIC_OK);
    ck_assert_int_eq(wsic_layer_get_codes_flat(layer, FIRST, codes[1], WSIC_I8, WANTED, STRIDE),
                     WSIC_OK);
    ck_assert_mem_eq(codes[0], codes[1], sizeof codes[0]);
    wsic_matrix_init(&matrix, sizeof matrix, weights[0], WSIC_F32, WANTED, COLUMNS, STRIDE);
    ck_assert_int_eq(wsic_layer_dequantize(layer, FIRST, &matrix), WSIC_OK);
    ck_assert_int_eq(wsic_layer_dequantize_flat(layer, FIRST, weights[1], WSIC_F32, WANTED, STRIDE),
                     WSIC_OK);
    ck_assert_mem_eq(weights[0], weights[1], sizeof weights[0]);
    ck_assert(weights[0][0] != 0.0F && weights[0][COLUMNS] == 0.0F);
}
END_TEST

START_TEST(products)
{
    float x[TOKENS * STRIDE], y[2][TOKENS * STRIDE] = {{0}};
    random_state random = {2};
    wsic_matrix input, output;

    for (size_t i = 0; i < TOKENS * STRIDE; i++)
        x[i] = (float)random_uniform(&random);
    wsic_matrix_init(&input, sizeof input, x, WSIC_F32, TOKENS, COLUMNS, STRIDE);
    wsic_matrix_init(&output, sizeof output, y[0], WSIC_F32, TOKENS, WANTED, STRIDE);
    ck_assert_int_eq(wsic_layer_matmul(layer, FIRST, &input, &output), WSIC_OK);
    ck_assert_int_eq(
        wsic_layer_matmul_flat(layer, FIRST, WANTED, TOKENS, x, WSIC_F32, STRIDE, y[1], STRIDE),
        WSIC_OK);
    ck_assert_mem_eq(y[0], y[1], sizeof y[0]);
    ck_assert(y[0][0] != 0.0F && y[0][WANTED] == 0.0F);
}
END_TEST

/* Two handles that hold the same sums to the last bit. */
static void assert_same(const wsic_stats *a, const wsic_stats *b, int32_t which, size_t rows,
                        size_t columns)
{
    double from_struct[COLUMNS * COLUMNS] = {0}, flat[COLUMNS * COLUMNS] = {0};
    wsic_matrix matrix;

    wsic_matrix_init(&matrix, sizeof matrix, from_struct, WSIC_F64, rows, columns, 0);
    ck_assert_int_eq(wsic_stats_get_moment(a, which, &matrix), WSIC_OK);
    ck_assert_int_eq(wsic_stats_get_moment_flat(b, which, flat, WSIC_F64, 0), WSIC_OK);
    ck_assert_mem_eq(from_struct, flat, rows * columns * sizeof *flat);
}

static void open_two(wsic_stats *stats[2])
{
    for (size_t k = 0; k < 2; k++)
        ck_assert_int_eq(wsic_stats_create(f.context, COLUMNS, &stats[k]), WSIC_OK);
}

static void close_two(wsic_stats *stats[2])
{
    for (size_t k = 0; k < 2; k++)
        wsic_stats_destroy(stats[k]);
}

START_TEST(plain_statistics)
{
    const double token_weights[TOKENS] = {1, 2, 3, 4, 5, 6};
    double x[TOKENS * STRIDE];
    random_state random = {3};
    wsic_stats *stats[2];
    wsic_matrix matrix;

    random_fill(&random, x, TOKENS * STRIDE);
    open_two(stats);
    wsic_matrix_init(&matrix, sizeof matrix, x, WSIC_F64, TOKENS, COLUMNS, STRIDE);
    ck_assert_int_eq(wsic_stats_add_activations(stats[0], &matrix, token_weights), WSIC_OK);
    ck_assert_int_eq(
        wsic_stats_add_activations_flat(stats[1], x, WSIC_F64, TOKENS, STRIDE, token_weights),
        WSIC_OK);
    wsic_matrix_init(&matrix, sizeof matrix, f.covariance, WSIC_F64, COLUMNS, COLUMNS, 0);
    ck_assert_int_eq(wsic_stats_add_covariance(stats[0], &matrix, 9.0), WSIC_OK);
    ck_assert_int_eq(wsic_stats_add_covariance_flat(stats[1], f.covariance, WSIC_F64, 0, 9.0),
                     WSIC_OK);
    assert_same(stats[0], stats[1], WSIC_MOMENT_INPUT, COLUMNS, COLUMNS);
    ck_assert_double_eq(wsic_stats_samples(stats[1]), 30.0);
    close_two(stats);
}
END_TEST

START_TEST(statistics_of_pairs)
{
    double x[TOKENS * COLUMNS], quantized[TOKENS * COLUMNS], residual[TOKENS * OUTPUTS];
    random_state random = {4};
    wsic_stats *stats[2];
    wsic_matrix a, b, r;

    random_fill(&random, x, TOKENS * COLUMNS);
    random_fill(&random, quantized, TOKENS * COLUMNS);
    random_fill(&random, residual, TOKENS * OUTPUTS);
    open_two(stats);
    wsic_matrix_init(&a, sizeof a, x, WSIC_F64, TOKENS, COLUMNS, 0);
    wsic_matrix_init(&b, sizeof b, quantized, WSIC_F64, TOKENS, COLUMNS, 0);
    wsic_matrix_init(&r, sizeof r, residual, WSIC_F64, TOKENS, OUTPUTS, 0);
    ck_assert_int_eq(wsic_stats_add_pair(stats[0], &a, &b, &r, NULL), WSIC_OK);
    ck_assert_int_eq(
        wsic_stats_add_pair_flat(stats[1], x, quantized, residual, OUTPUTS, WSIC_F64, TOKENS, NULL),
        WSIC_OK);
    assert_same(stats[0], stats[1], WSIC_MOMENT_CROSS, COLUMNS, COLUMNS);
    assert_same(stats[0], stats[1], WSIC_MOMENT_RESIDUAL, OUTPUTS, COLUMNS);
    assert_same(stats[0], stats[1], WSIC_MOMENT_RESIDUAL_ENERGY, OUTPUTS, 1);
    close_two(stats);
}
END_TEST

START_TEST(plans_and_runs)
{
    const wsic_plan_layer empty = {.size = sizeof empty};
    wsic_plan_layer facts[2] = {empty, empty};
    const void *bytes[2];
    size_t index[2], size[2];
    wsic_plan *plan;
    wsic_layer *other;

    ck_assert_int_eq(wsic_plan_create(f.context, &plan), WSIC_OK);
    ck_assert_int_eq(wsic_plan_add(plan, f.stats, &f.matrix, &index[0]), WSIC_OK);
    ck_assert_int_eq(wsic_plan_add_flat(plan, f.stats, f.weights, WSIC_F64, ROWS, 0, &index[1]),
                     WSIC_OK);
    ck_assert_int_eq(wsic_plan_solve_rate(plan, 2.0), WSIC_OK);
    for (size_t k = 0; k < 2; k++)
        ck_assert_int_eq(wsic_plan_get_layer(plan, index[k], &facts[k]), WSIC_OK);
    ck_assert_mem_eq(&facts[0], &facts[1], sizeof *facts);
    wsic_plan_destroy(plan);

    ck_assert_int_ge(
        wsic_encoder_run_flat(f.encoder, f.stats, f.weights, WSIC_F64, ROWS, 0, &other), 0);
    ck_assert_int_eq(wsic_layer_get_bytes(layer, &bytes[0], &size[0]), WSIC_OK);
    ck_assert_int_eq(wsic_layer_get_bytes(other, &bytes[1], &size[1]), WSIC_OK);
    ck_assert_uint_eq(size[0], size[1]);
    ck_assert_mem_eq(bytes[0], bytes[1], size[0]);
    wsic_layer_destroy(other);
}
END_TEST

START_TEST(missing_handles_and_data_are_refused)
{
    float y[COLUMNS];
    size_t index;
    wsic_layer *other = layer;

    ck_assert_int_eq(wsic_layer_get_codes_flat(NULL, 0, y, WSIC_I8, 1, 0), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_layer_dequantize_flat(layer, 0, NULL, WSIC_F32, 1, 0),
                     WSIC_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(wsic_layer_message(layer), "data is NULL"));
    ck_assert_int_eq(wsic_layer_matmul_flat(layer, 0, 1, 1, NULL, WSIC_F32, 0, y, 0),
                     WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_stats_add_activations_flat(NULL, y, WSIC_F32, 1, 0, NULL),
                     WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_stats_add_activations_flat(f.stats, y, WSIC_F32, 0, 0, NULL),
                     WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_plan_add_flat(NULL, f.stats, y, WSIC_F32, 1, 0, &index),
                     WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_encoder_run_flat(f.encoder, NULL, y, WSIC_F32, 1, 0, &other),
                     WSIC_ERROR_ARGUMENT);
    ck_assert_ptr_null(other);
    ck_assert_str_eq(wsic_encoder_message(f.encoder), "stats is NULL");
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("flat");
    TCase *const tests = tcase_create("flat");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, codes_and_weights);
    tcase_add_test(tests, products);
    tcase_add_test(tests, plain_statistics);
    tcase_add_test(tests, statistics_of_pairs);
    tcase_add_test(tests, plans_and_runs);
    tcase_add_test(tests, missing_handles_and_data_are_refused);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
