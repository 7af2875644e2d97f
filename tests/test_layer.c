/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/half.h"
#include "check_main.h"
#include "base/checksum.h"
#include "sample_fixture.h"
#include "watersic/watersic.h"

static const char *message(void)
{
    return wsic_layer_message(layer);
}

static float scale_of(const wsic_scales *scales, size_t index)
{
    return scales->sign[index] == 0
               ? 0.0F
               : wsic_scale_value(scales->grid, scales->sign[index], scales->exponent[index]);
}

static float expected_weight(size_t i, size_t j)
{
    return scale_of(&made.row_scales, i) *
           (scale_of(&made.column_scales, j) * (float)sample_code(&made, i, j));
}

/* --- facts --------------------------------------------------------------- */

START_TEST(facts_come_from_the_bytes)
{
    wsic_layer_info info = {.size = sizeof info};
    const double weights = (double)ROWS * COLUMNS;
    const void *bytes;
    size_t size;

    ck_assert_int_eq(wsic_layer_get_info(layer, &info), WSIC_OK);
    ck_assert_int_eq(wsic_layer_get_bytes(layer, &bytes, &size), WSIC_OK);
    ck_assert_uint_eq(info.rows, ROWS);
    ck_assert_uint_eq(info.columns, COLUMNS);
    ck_assert_uint_eq(info.bytes, size);
    ck_assert_uint_eq(info.bytes_codes + info.bytes_side, size);
    ck_assert_uint_gt(info.bytes_codes, 0);
    ck_assert_uint_eq(info.block_rows, BLOCK);
    ck_assert_uint_eq(info.code_dtype, WSIC_I8);
    ck_assert_double_eq_tol(info.rate, 8 * (double)size / weights, 1e-12);
    ck_assert_double_eq_tol(info.rate_codes, 8 * (double)info.bytes_codes / weights, 1e-12);
    ck_assert_double_eq_tol(info.rate_side, 8 * (double)info.bytes_side / weights, 1e-12);
    /* Stored in single precision. */
    ck_assert(info.rate_target == (double)2.1F);
    ck_assert(info.entropy_pooled == (double)1.7F);
    ck_assert(info.relative_distortion == (double)0.015F);
    ck_assert(info.limit_rate == 1.25);
    ck_assert_double_eq_tol(info.gap, info.rate - 1.25, 1e-12);
    /* Stored in full. */
    ck_assert(info.step == 0.123456789012345);
    ck_assert(info.distortion == 1.0 / 3);
    ck_assert(info.damping == 1e-60);
    ck_assert_uint_eq(info.damping_retries, 2);
    ck_assert_uint_eq(info.dead_columns, 1);
    ck_assert_uint_eq(info.dead_rows, 3);
}
END_TEST

START_TEST(an_uncomputed_limit_leaves_no_gap)
{
    wsic_layer_info info = {.size = sizeof info};
    wsic_layer *other;

    made.figures.limit_rate = -1;
    ck_assert_int_eq(sample_layer(context, &made, &other), WSIC_OK);
    ck_assert_int_eq(wsic_layer_get_info(other, &info), WSIC_OK);
    ck_assert(info.limit_rate == -1 && isnan(info.gap));
    wsic_layer_destroy(other);
}
END_TEST

START_TEST(figures_that_cannot_be_stored_are_refused)
{
    const wsic_env env = wsic_context_env(context);
    wsic_bytes bytes;

    wsic_bytes_init(&bytes, &env);
    made.figures.distortion = (double)NAN;
    ck_assert_int_eq(sample_bytes(&env, &made, &bytes), WSIC_ERROR_RANGE);
    made.figures.distortion = 1e300;
    ck_assert_int_eq(sample_bytes(&env, &made, &bytes), WSIC_OK);
    made.figures.relative_distortion = 1e300;
    ck_assert_int_eq(sample_bytes(&env, &made, &bytes), WSIC_ERROR_RANGE);
    wsic_bytes_release(&bytes);
}
END_TEST

/* A program built against a later header knows more members. */
typedef struct later_info {
    wsic_layer_info known;
    uint64_t more;
} later_info;

START_TEST(the_size_of_info_is_respected)
{
    later_info later = {.known = {.size = sizeof later}, .more = 5};
    wsic_layer_info info = {.size = offsetof(wsic_layer_info, live_columns) - 8, .rows = 77};

    ck_assert_int_eq(wsic_layer_get_info(layer, &later.known), WSIC_OK);
    ck_assert_uint_eq(later.known.size, sizeof later);
    ck_assert_uint_eq(later.known.rows, ROWS);
    ck_assert_uint_eq(later.more, 0);
    ck_assert_int_eq(wsic_layer_get_info(layer, &info), WSIC_ERROR_STRUCT_SIZE);
    info.size = 0;
    ck_assert_int_eq(wsic_layer_get_info(layer, &info), WSIC_ERROR_STRUCT_SIZE);
    ck_assert_uint_eq(info.rows, 77);
    ck_assert_int_eq(wsic_layer_get_info(layer, NULL), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_layer_get_info(NULL, &info), WSIC_ERROR_ARGUMENT);
}
END_TEST

START_TEST(the_narrowest_type_of_the_codes_is_told)
{
    static const struct {
        int32_t code;
        uint32_t dtype;
    } cases[] = {
        {127, WSIC_I8},        {-128, WSIC_I8},       {128, WSIC_I16},   {-129, WSIC_I16},
        {32767, WSIC_I16},     {-32768, WSIC_I16},    {32768, WSIC_I32}, {-32769, WSIC_I32},
        {INT32_MAX, WSIC_I32}, {INT32_MIN, WSIC_I32},
    };

    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        wsic_layer_info info = {.size = sizeof info};
        wsic_layer *other;
        int32_t found[COLUMNS];
        wsic_matrix row;
        made.codes[3 * ROWS + 7] = cases[k].code;
        ck_assert_int_eq(sample_layer(context, &made, &other), WSIC_OK);
        ck_assert_int_eq(wsic_layer_get_info(other, &info), WSIC_OK);
        ck_assert_uint_eq(info.code_dtype, cases[k].dtype);
        wsic_matrix_init(&row, sizeof row, found, WSIC_I32, 1, COLUMNS, 0);
        ck_assert_int_eq(wsic_layer_get_codes(other, 7, &row), WSIC_OK);
        ck_assert_int_eq(found[3], cases[k].code);
        wsic_layer_destroy(other);
    }
}
END_TEST

START_TEST(headers_are_small)
{
    wsic_layer_info info = {.size = sizeof info};
    wsic_layer *other;

    sample_make(&made, 256, 256, 0, 1);
    for (size_t i = 0; i < 256; i++) {
        made.row_sign[i] = made.column_sign[i] = 1;
        made.row_exponent[i] = made.column_exponent[i] = -7;
    }
    ck_assert_int_eq(sample_layer(context, &made, &other), WSIC_OK);
    ck_assert_int_eq(wsic_layer_get_info(other, &info), WSIC_OK);
    ck_assert_uint_le(info.bytes_side, 80);
    wsic_layer_destroy(other);
}
END_TEST

/* --- decoding ------------------------------------------------------------ */

static int32_t load_code(const void *data, uint32_t dtype, size_t index)
{
    switch (dtype) {
    case WSIC_I8:
        return ((const int8_t *)data)[index];
    case WSIC_I16:
        return ((const int16_t *)data)[index];
    default:
        return ((const int32_t *)data)[index];
    }
}

START_TEST(codes_of_every_range_and_type_come_back)
{
    const uint32_t dtypes[] = {WSIC_I8, WSIC_I16, WSIC_I32};
    enum { STRIDE = COLUMNS + 3 };
    static int32_t found[ROWS * STRIDE];
    wsic_matrix matrix;

    for (size_t first = 0; first < ROWS; first += 5) {
        for (size_t count = 1; first + count <= ROWS; count += 3) {
            const uint32_t dtype = dtypes[(first + count) % 3];
            memset(found, 0x55, sizeof found);
            wsic_matrix_init(&matrix, sizeof matrix, found, dtype, count, COLUMNS, STRIDE);
            ck_assert_int_eq(wsic_layer_get_codes(layer, first, &matrix), WSIC_OK);
            for (size_t i = 0; i < count; i++) {
                for (size_t j = 0; j < COLUMNS; j++)
                    ck_assert_int_eq(load_code(found, dtype, i * STRIDE + j),
                                     sample_code(&made, first + i, j));
                ck_assert_int_eq(load_code(found, dtype, i * STRIDE + COLUMNS) & 0xFF, 0x55);
            }
        }
    }
}
END_TEST

START_TEST(codes_that_do_not_fit_are_named)
{
    int8_t found[COLUMNS * 20];
    wsic_layer *other;
    wsic_matrix matrix;

    made.codes[11 * ROWS + 33] = -300;
    ck_assert_int_eq(sample_layer(context, &made, &other), WSIC_OK);
    wsic_matrix_init(&matrix, sizeof matrix, found, WSIC_I8, 20, COLUMNS, 0);
    ck_assert_int_eq(wsic_layer_get_codes(other, 10, &matrix), WSIC_OK);
    ck_assert_int_eq(wsic_layer_get_codes(other, 20, &matrix), WSIC_ERROR_RANGE);
    ck_assert_ptr_nonnull(strstr(wsic_layer_message(other), "(33, 11) is -300"));
    wsic_layer_destroy(other);
}
END_TEST

START_TEST(weights_are_the_product_of_scales_and_codes)
{
    const uint32_t dtypes[] = {WSIC_F64, WSIC_F32, WSIC_F16, WSIC_BF16};
    static double found[ROWS * COLUMNS];
    static double loaded[ROWS * COLUMNS];
    wsic_matrix matrix;

    for (size_t i = 0; i < ROWS; i++)
        ck_assert(wsic_layer_row_scales(layer)[i] == scale_of(&made.row_scales, i));
    for (size_t j = 0; j < COLUMNS; j++)
        ck_assert(wsic_layer_column_scales(layer)[j] == scale_of(&made.column_scales, j));
    for (size_t d = 0; d < 4; d++) {
        const size_t first = 7 * d, count = ROWS - 9 * d;
        wsic_matrix_init(&matrix, sizeof matrix, found, dtypes[d], count, COLUMNS, 0);
        ck_assert_int_eq(wsic_layer_dequantize(layer, first, &matrix), WSIC_OK);
        wsic_load_f64(loaded, found, dtypes[d], count * COLUMNS);
        for (size_t i = 0; i < count; i++) {
            for (size_t j = 0; j < COLUMNS; j++) {
                const float single = expected_weight(first + i, j);
                double expected = (double)single;
                if (dtypes[d] == WSIC_F16)
                    expected = (double)wsic_f16_to_f32(wsic_f32_to_f16(single));
                if (dtypes[d] == WSIC_BF16)
                    expected = (double)wsic_bf16_to_f32(wsic_f32_to_bf16(single));
                ck_assert(loaded[i * COLUMNS + j] == expected);
            }
        }
    }
}
END_TEST

/* The layer that made describes, in F16, BF16 or F32: whatever the type cannot hold is refused, and
 * the message names the first such weight. */
static void expect_named(uint32_t dtype, size_t row, size_t column, const char *advice)
{
    static double room[ROWS * COLUMNS];
    wsic_layer *other;
    wsic_matrix matrix;
    char expected[100];

    ck_assert_int_eq(sample_layer(context, &made, &other), WSIC_OK);
    wsic_matrix_init(&matrix, sizeof matrix, room, dtype, ROWS, COLUMNS, 0);
    ck_assert_int_eq(wsic_layer_dequantize(other, 0, &matrix), WSIC_ERROR_RANGE);
    snprintf(expected, sizeof expected, "weight (%zu, %zu) is %g, beyond the range of %s", row,
             column, (double)expected_weight(row, column), advice);
    ck_assert_str_eq(wsic_layer_message(other), expected);
    matrix.rows = row;
    ck_assert_int_eq(wsic_layer_dequantize(other, 0, &matrix), WSIC_OK);
    matrix.rows = ROWS;
    matrix.dtype = WSIC_F32;
    ck_assert_int_eq(wsic_layer_dequantize(other, 0, &matrix),
                     dtype == WSIC_F16 ? WSIC_OK : WSIC_ERROR_RANGE);
    wsic_layer_destroy(other);
}

/* Let row be greater by factors of two until a weight of it reaches the limit; returns the column
 * of the first that does. */
static size_t raise_row(size_t row, float limit)
{
    for (;;) {
        for (size_t j = 0; j < COLUMNS; j++) {
            if (!(fabsf(expected_weight(row, j)) < limit))
                return j;
        }
        made.row_exponent[row]++;
    }
}

START_TEST(weights_that_do_not_fit_are_named)
{
    enum { BAD_ROW = 17 };

    expect_named(WSIC_F16, BAD_ROW, raise_row(BAD_ROW, 65520.0F), "F16; F32 holds it");
    /* The next power of two behind BF16 is beyond single precision as well. */
    expect_named(WSIC_BF16, BAD_ROW, raise_row(BAD_ROW, 0x1.FFp127F), "single precision");
    expect_named(WSIC_F32, BAD_ROW, raise_row(BAD_ROW, INFINITY), "single precision");
}
END_TEST

START_TEST(matvec_follows_its_formula)
{
    wsic_layer_info info = {.size = sizeof info};
    float x[COLUMNS], y[ROWS];
    random_state random = {4};

    for (size_t j = 0; j < COLUMNS; j++)
        x[j] = (float)random_symmetric(&random);
    ck_assert_int_eq(wsic_layer_get_info(layer, &info), WSIC_OK);
    ck_assert_int_eq(wsic_layer_matvec(layer, x, y), WSIC_OK);
    for (size_t i = 0; i < ROWS; i++) {
        float sum = 0;
        double exact = 0;
        for (size_t k = 0; k < info.live_columns; k++) {
            const size_t j = wsic_layer_column_order(layer)[k];
            sum =
                fmaf((float)sample_code(&made, i, j), scale_of(&made.column_scales, j) * x[j], sum);
        }
        for (size_t j = 0; j < COLUMNS; j++)
            exact += (double)expected_weight(i, j) * (double)x[j];
        ck_assert(y[i] == scale_of(&made.row_scales, i) * sum);
        ck_assert_double_eq_tol((double)y[i], exact, 1e-5 * (1 + fabs(exact)));
    }
    ck_assert_int_eq(wsic_layer_matvec(layer, NULL, y), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_layer_matvec(layer, x, NULL), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_layer_matvec(NULL, x, y), WSIC_ERROR_ARGUMENT);
}
END_TEST

START_TEST(decoding_checks_its_arguments)
{
    static double room[ROWS * COLUMNS];
    wsic_matrix matrix;

    wsic_matrix_init(&matrix, sizeof matrix, room, WSIC_F32, 10, COLUMNS, 0);
    ck_assert_int_eq(wsic_layer_dequantize(NULL, 0, &matrix), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_layer_dequantize(layer, 0, NULL), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_layer_dequantize(layer, ROWS - 9, &matrix), WSIC_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(message(), "first_row is 41"));
    ck_assert_int_eq(wsic_layer_dequantize(layer, ROWS, &matrix), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_layer_dequantize(layer, SIZE_MAX, &matrix), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_layer_get_codes(layer, 0, &matrix), WSIC_ERROR_DTYPE);
    matrix.dtype = WSIC_I32;
    ck_assert_int_eq(wsic_layer_dequantize(layer, 0, &matrix), WSIC_ERROR_DTYPE);
    matrix.columns = COLUMNS - 1;
    ck_assert_int_eq(wsic_layer_get_codes(layer, 0, &matrix), WSIC_ERROR_SHAPE);
    matrix.columns = COLUMNS;
    matrix.size = 8;
    ck_assert_int_eq(wsic_layer_get_codes(layer, 0, &matrix), WSIC_ERROR_STRUCT_SIZE);
    ck_assert_int_eq(wsic_layer_get_codes(layer, 0, NULL), WSIC_ERROR_ARGUMENT);
}
END_TEST

START_TEST(matrices_of_any_shape_round_trip)
{
    static const size_t shapes[][2] = {{1, 1}, {1, 1000}, {1000, 1}, {3, 5}, {257, 129}, {64, 64}};
    static int32_t found[SAMPLE_ELEMENTS];

    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        for (int spread = 0; spread < 3; spread++) {
            const size_t rows = shapes[k][0], columns = shapes[k][1];
            wsic_layer *other;
            wsic_matrix matrix;
            sample_make(&made, rows, columns, spread == 0 ? 0 : spread == 1 ? 3 : 1e9, k);
            ck_assert_int_eq(sample_layer(context, &made, &other), WSIC_OK);
            wsic_matrix_init(&matrix, sizeof matrix, found, WSIC_I32, rows, columns, 0);
            ck_assert_int_eq(wsic_layer_get_codes(other, 0, &matrix), WSIC_OK);
            for (size_t i = 0; i < rows; i++) {
                for (size_t j = 0; j < columns; j++)
                    ck_assert_int_eq(found[i * columns + j], sample_code(&made, i, j));
            }
            wsic_layer_destroy(other);
        }
    }
}
END_TEST

static void *decode_repeatedly(void *data)
{
    static const float zero[COLUMNS];
    float y[ROWS];
    int32_t codes[ROWS * COLUMNS] = {0};
    int *const wrong = data;
    wsic_matrix matrix;

    wsic_matrix_init(&matrix, sizeof matrix, codes, WSIC_I32, ROWS, COLUMNS, 0);
    for (int round = 0; round < 100; round++) {
        *wrong += wsic_layer_get_codes(layer, 0, &matrix) != WSIC_OK;
        *wrong += wsic_layer_matvec(layer, zero, y) != WSIC_OK;
        *wrong += wsic_layer_get_codes(layer, ROWS, &matrix) != WSIC_ERROR_ARGUMENT;
        for (size_t i = 0; i < ROWS; i++) {
            for (size_t j = 0; j < COLUMNS; j++)
                *wrong += codes[i * COLUMNS + j] != sample_code(&made, i, j);
        }
    }
    return NULL;
}

START_TEST(many_threads_may_read_one_layer)
{
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    int wrong[THREADS] = {0};
    wsic_context *plain;

    /* The counting allocator does not count atomically. */
    wsic_layer_destroy(layer);
    ck_assert_int_eq(wsic_context_create(NULL, &plain), WSIC_OK);
    ck_assert_int_eq(sample_layer(plain, &made, &layer), WSIC_OK);
    for (size_t t = 0; t < THREADS; t++)
        ck_assert_int_eq(pthread_create(&threads[t], NULL, decode_repeatedly, &wrong[t]), 0);
    for (size_t t = 0; t < THREADS; t++) {
        pthread_join(threads[t], NULL);
        ck_assert_int_eq(wrong[t], 0);
    }
    wsic_context_destroy(plain);
}
END_TEST

/* --- memory -------------------------------------------------------------- */

static wsic_status make_and_use(void *data)
{
    static float weights[ROWS * COLUMNS], x[COLUMNS], y[ROWS];
    static int8_t codes[ROWS * COLUMNS];
    const void *bytes = NULL;
    size_t size = 0;
    wsic_layer *first = NULL, *second = NULL;
    wsic_matrix matrix;

    (void)data;
    wsic_status status = sample_layer(context, &made, &first);
    if (status == WSIC_OK)
        status = wsic_layer_get_bytes(first, &bytes, &size);
    if (status == WSIC_OK)
        status = wsic_layer_create(context, bytes, size, &second);
    wsic_layer_destroy(first);
    wsic_matrix_init(&matrix, sizeof matrix, weights, WSIC_F32, ROWS, COLUMNS, 0);
    if (status == WSIC_OK)
        status = wsic_layer_dequantize(second, 0, &matrix);
    wsic_matrix_init(&matrix, sizeof matrix, codes, WSIC_I8, ROWS, COLUMNS, 0);
    if (status == WSIC_OK)
        status = wsic_layer_get_codes(second, 0, &matrix);
    if (status == WSIC_OK)
        status = wsic_layer_matvec(second, x, y);
    wsic_layer_destroy(second);
    return status;
}

START_TEST(every_refused_allocation_is_reported)
{
    refuse_every_allocation(&counter, make_and_use, NULL);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("layer");
    TCase *const tests = tcase_create("layer");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, facts_come_from_the_bytes);
    tcase_add_test(tests, an_uncomputed_limit_leaves_no_gap);
    tcase_add_test(tests, figures_that_cannot_be_stored_are_refused);
    tcase_add_test(tests, the_size_of_info_is_respected);
    tcase_add_test(tests, the_narrowest_type_of_the_codes_is_told);
    tcase_add_test(tests, headers_are_small);
    tcase_add_test(tests, codes_of_every_range_and_type_come_back);
    tcase_add_test(tests, codes_that_do_not_fit_are_named);
    tcase_add_test(tests, weights_are_the_product_of_scales_and_codes);
    tcase_add_test(tests, weights_that_do_not_fit_are_named);
    tcase_add_test(tests, matvec_follows_its_formula);
    tcase_add_test(tests, decoding_checks_its_arguments);
    tcase_add_test(tests, matrices_of_any_shape_round_trip);
    tcase_add_test(tests, many_threads_may_read_one_layer);
    tcase_add_test(tests, every_refused_allocation_is_reported);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
