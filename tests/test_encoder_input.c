/* SPDX-License-Identifier: MIT */
/* The encoder and its host: any shape and any covariance, bad input, memory, threads, progress
 * and log. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "layer_fixture.h"

START_TEST(small_and_thin_shapes)
{
    const size_t shapes[][2] = {{1, 1}, {1, 40}, {40, 1}, {2, 2}, {3, 500}, {500, 3}};

    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        layer_fixture f = layer_open(shapes[k][0], shapes[k][1], COVARIANCE_AR, 11);
        wsic_layer *layer = NULL;
        layer_choose(&f, (size_t)_i);
        ck_assert_int_eq(wsic_encoder_set_number(f.encoder, WSIC_RATE, 4.0), WSIC_OK);
        const wsic_status status = wsic_encoder_run(f.encoder, f.stats, &f.matrix, &layer);
        /* a header alone may exceed the rate */
        ck_assert(status == WSIC_OK || status == WSIC_NOTICE_RATE);
        ck_assert_ptr_nonnull(layer);
        ck_assert_double_eq_tol(layer_distortion(&f, layer), layer_info(layer).distortion,
                                1e-6 * (1.0 + layer_info(layer).distortion));
        wsic_layer_destroy(layer);
        layer_close(&f);
    }
}
END_TEST

START_TEST(singular_covariance_is_quantized)
{
    layer_fixture f = layer_open(128, 100, COVARIANCE_SINGULAR, 12);
    wsic_layer *const layer = layer_encode(&f, 2.0);

    ck_assert_double_gt(layer_info(layer).damping, 0.0);
    ck_assert_double_lt(layer_info(layer).relative_distortion, 0.05);
    wsic_layer_destroy(layer);
    layer_close(&f);
}
END_TEST

START_TEST(dead_columns_are_zero_and_reported)
{
    layer_fixture f = layer_open(64, 64, COVARIANCE_DEAD, 13);
    wsic_layer *const layer = layer_encode(&f, 2.0);
    float restored[64 * 64];
    wsic_matrix view;

    ck_assert_uint_eq(layer_info(layer).dead_columns, 16);
    wsic_matrix_init(&view, sizeof view, restored, WSIC_F32, 64, 64, 0);
    ck_assert_int_eq(wsic_layer_dequantize(layer, 0, &view), WSIC_OK);
    for (size_t r = 0; r < 64; r++) {
        for (size_t j = 3; j < 64; j += 4)
            ck_assert_float_eq(restored[r * 64 + j], 0.0F);
    }
    for (size_t j = 3; j < 64; j += 4)
        ck_assert_float_eq(wsic_layer_column_scales(layer)[j], 0.0F);
    wsic_layer_destroy(layer);
    layer_close(&f);
}
END_TEST

START_TEST(zero_rows_stay_zero)
{
    layer_fixture f = layer_open(64, 48, COVARIANCE_AR, 14);
    float restored[64 * 48];
    wsic_matrix view;

    layer_choose(&f, (size_t)_i);
    ck_assert_int_eq(wsic_encoder_set_text(f.encoder, "rescale", _i % 2 == 0 ? "both" : "columns"),
                     WSIC_OK);
    memset(f.weights + 5 * 48, 0, 48 * sizeof *f.weights);
    memset(f.weights + 63 * 48, 0, 48 * sizeof *f.weights);
    wsic_layer *const layer = layer_encode(&f, 3.0);
    ck_assert_uint_eq(layer_info(layer).dead_rows, 2);
    wsic_matrix_init(&view, sizeof view, restored, WSIC_F32, 64, 48, 0);
    ck_assert_int_eq(wsic_layer_dequantize(layer, 0, &view), WSIC_OK);
    for (size_t j = 0; j < 48; j++)
        ck_assert(restored[5 * 48 + j] == 0.0F && restored[63 * 48 + j] == 0.0F);
    /* Their scales are 0 where the layer has any. */
    const float *const scales = wsic_layer_row_scales(layer);
    bool kept = false;
    for (size_t r = 0; r < 64; r++)
        kept = kept || scales[r] != 1.0F;
    ck_assert_float_eq(scales[5], kept ? 0.0F : 1.0F);
    ck_assert_float_eq(scales[63], kept ? 0.0F : 1.0F);
    wsic_layer_destroy(layer);
    layer_close(&f);
}
END_TEST

/* Weights of 136 MB that nobody ever writes to. */
START_TEST(blocks_beyond_the_format_are_refused)
{
    enum { BLOCK_ROWS = 1 << 20, WIDE = 65 };
    layer_fixture f = layer_open(8, WIDE, COVARIANCE_AR, 14);
    uint16_t *const weights = calloc((size_t)BLOCK_ROWS * WIDE, sizeof *weights);
    wsic_layer *layer;
    wsic_matrix view;

    ck_assert_ptr_nonnull(weights);
    wsic_matrix_init(&view, sizeof view, weights, WSIC_F16, BLOCK_ROWS, WIDE, 0);
    wsic_encoder_set_number(f.encoder, WSIC_RATE, 2.0);
    wsic_encoder_set_integer(f.encoder, WSIC_BLOCK_ROWS, BLOCK_ROWS);
    ck_assert_int_eq(wsic_encoder_run(f.encoder, f.stats, &view, &layer), WSIC_ERROR_STATE);
    ck_assert_ptr_null(layer);
    ck_assert_str_eq(wsic_encoder_message(f.encoder),
                     "block_rows is 1048576: blocks of 1048576 x 65 codes are too large");
    /* No more rows than there are. */
    layer = layer_encode(&f, 2.0);
    ck_assert_uint_eq(layer_info(layer).block_rows, 8);
    wsic_layer_destroy(layer);
    free(weights);
    layer_close(&f);
}
END_TEST

/* Nothing to code: a layer of zeros comes out, with a notice. */
START_TEST(nothing_to_code_is_a_notice)
{
    layer_fixture f = layer_open(32, 16, COVARIANCE_AR, 15);
    wsic_layer *layer = NULL;

    if (_i == 0)
        memset(f.weights, 0, 32 * 16 * sizeof *f.weights);
    else
        memset(f.covariance, 0, 16 * 16 * sizeof *f.covariance);
    layer_refresh(&f);
    wsic_encoder_set_number(f.encoder, WSIC_RATE, 2.0);
    ck_assert_int_eq(wsic_encoder_run(f.encoder, f.stats, &f.matrix, &layer), WSIC_NOTICE_RATE);
    ck_assert_ptr_nonnull(layer);
    ck_assert_double_eq(layer_distortion(&f, layer), 0.0);
    ck_assert_str_ne(wsic_encoder_message(f.encoder), "");
    wsic_layer_destroy(layer);
    layer_close(&f);
}
END_TEST

/* A rate below what the header alone takes: the nearest comes out, with a notice. */
static void expect(layer_fixture *f, const wsic_matrix *weights, wsic_status expected,
                   const char *words)
{
    wsic_layer *layer = (wsic_layer *)(uintptr_t)1;

    ck_assert_int_eq(wsic_encoder_run(f->encoder, f->stats, weights, &layer), expected);
    ck_assert_ptr_null(layer);
    ck_assert_msg(strstr(wsic_encoder_message(f->encoder), words) != NULL, "\"%s\" lacks \"%s\"",
                  wsic_encoder_message(f->encoder), words);
}

START_TEST(bad_input_is_named_and_nothing_is_lost)
{
    layer_fixture f = layer_open(20, 12, COVARIANCE_AR, 17);
    wsic_matrix wrong = f.matrix;

    expect(&f, &f.matrix, WSIC_ERROR_STATE, "0 of rate, step and distortion");
    wsic_encoder_set_number(f.encoder, WSIC_RATE, 4.0);
    wsic_encoder_set_number(f.encoder, WSIC_STEP, 1.0);
    expect(&f, &f.matrix, WSIC_ERROR_STATE, "2 of rate, step and distortion");
    wsic_encoder_set_number(f.encoder, WSIC_STEP, 0.0);

    expect(&f, NULL, WSIC_ERROR_ARGUMENT, "weights is NULL");
    wrong.columns = 11;
    expect(&f, &wrong, WSIC_ERROR_SHAPE, "20 x 11, where 20 x 12");
    wrong = f.matrix;
    wrong.dtype = WSIC_I8;
    expect(&f, &wrong, WSIC_ERROR_DTYPE,
           "weights->dtype is I8, where F64, F32, F16 or BF16 is expected");
    wrong = f.matrix;
    wrong.size = 3;
    expect(&f, &wrong, WSIC_ERROR_STRUCT_SIZE, "size is 3");
    f.weights[7 * 12 + 3] = NAN;
    f.weights[9 * 12 + 1] = -INFINITY;
    expect(&f, &f.matrix, WSIC_ERROR_NOT_FINITE, "2 such");
    expect(&f, &f.matrix, WSIC_ERROR_NOT_FINITE, "row 7, column 3");
    f.weights[7 * 12 + 3] = f.weights[9 * 12 + 1] = 0.0;

    wsic_encoder_set_number(f.encoder, WSIC_RATE, 0.0);
    wsic_encoder_set_number(f.encoder, WSIC_STEP, 1e-12);
    expect(&f, &f.matrix, WSIC_ERROR_RANGE, "32 bits");

    /* after all this the encoder works */
    wsic_encoder_set_number(f.encoder, WSIC_STEP, 0.1);
    wsic_layer *layer = NULL;
    ck_assert_int_eq(wsic_encoder_run(f.encoder, f.stats, &f.matrix, &layer), WSIC_OK);
    wsic_layer_destroy(layer);
    layer_close(&f);
}
END_TEST

START_TEST(scales_beyond_float_are_refused)
{
    layer_fixture f = layer_open(20, 12, COVARIANCE_AR, 18);

    for (size_t k = 0; k < 20 * 12; k++)
        f.weights[k] *= 1e200;
    wsic_encoder_set_number(f.encoder, WSIC_RATE, 4.0);
    expect(&f, &f.matrix, WSIC_ERROR_RANGE, "beyond the range of float");
    layer_close(&f);
}
END_TEST

START_TEST(empty_statistics_are_refused)
{
    layer_fixture f = layer_open(20, 12, COVARIANCE_AR, 19);

    wsic_stats_destroy(f.stats);
    ck_assert_int_eq(wsic_stats_create(f.context, 12, &f.stats), WSIC_OK);
    wsic_encoder_set_number(f.encoder, WSIC_RATE, 4.0);
    expect(&f, &f.matrix, WSIC_ERROR_NO_SAMPLES, "no sample");
    layer_close(&f);
}
END_TEST

/* The four number types of the same values give the same layer. */
START_TEST(number_types_and_strides_agree)
{
    enum { A = 24, N = 20, STRIDE = 23 };
    layer_fixture f = layer_open(A, N, COVARIANCE_AR, 20);
    static float single[A * STRIDE];
    const void *first = NULL, *bytes = NULL;
    size_t first_size = 0, size = 0;

    for (size_t r = 0; r < A; r++) {
        for (size_t j = 0; j < N; j++) {
            single[r * STRIDE + j] = (float)f.weights[r * N + j];
            f.weights[r * N + j] = (double)single[r * STRIDE + j];
        }
    }
    wsic_layer *const wide = layer_encode(&f, 4.0);
    wsic_layer_get_bytes(wide, &first, &first_size);
    wsic_matrix_init(&f.matrix, sizeof f.matrix, single, WSIC_F32, A, N, STRIDE);
    wsic_layer *const narrow = layer_encode(&f, 4.0);
    wsic_layer_get_bytes(narrow, &bytes, &size);
    ck_assert_uint_eq(size, first_size);
    ck_assert_mem_eq(bytes, first, size);
    wsic_layer_destroy(wide);
    wsic_layer_destroy(narrow);
    layer_close(&f);
}
END_TEST

START_TEST(threads_change_no_byte)
{
    layer_fixture f = layer_open(1500, 60, COVARIANCE_CHANNELS, 21);
    const void *first = NULL, *bytes = NULL;
    size_t first_size = 0, size = 0;

    layer_choose(&f, (size_t)_i);
    ck_assert_int_eq(wsic_encoder_set_integer(f.encoder, WSIC_BLOCK_ROWS, 200), WSIC_OK);
    wsic_layer *const serial = layer_encode(&f, 2.0);
    wsic_layer_get_bytes(serial, &first, &first_size);
    ck_assert_int_eq(wsic_context_set_threads(f.context, 3), WSIC_OK);
    wsic_layer *const parallel = layer_encode(&f, 2.0);
    wsic_layer_get_bytes(parallel, &bytes, &size);
    ck_assert_uint_eq(size, first_size);
    ck_assert_mem_eq(bytes, first, size);
    wsic_layer_destroy(serial);
    wsic_layer_destroy(parallel);
    layer_close(&f);
}
END_TEST

/* The peak of memory. */
static uint64_t encode_within_prediction(layer_fixture *f)
{
    wsic_encoder_report report = {.size = sizeof report};
    uint64_t predicted = 0;
    wsic_layer *layer = NULL;

    ck_assert_int_eq(wsic_encoder_estimate_memory(f->encoder, f->rows, f->columns, &predicted),
                     WSIC_OK);
    ck_assert_int_ge(wsic_encoder_run(f->encoder, f->stats, &f->matrix, &layer), 0);
    ck_assert_int_eq(wsic_encoder_get_report(f->encoder, &report), WSIC_OK);
    ck_assert_uint_le(report.memory_peak, predicted);
    wsic_layer_destroy(layer);
    return report.memory_peak;
}

/* In a wide matrix of few rows the eigenvalues of the limit take more memory than the encoding. */
START_TEST(memory_of_the_limit_is_predicted)
{
    layer_fixture f = layer_open(2, 800, COVARIANCE_AR, 24);

    ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, "fast"), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_integer(f.encoder, WSIC_LIMIT, 1), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_number(f.encoder, WSIC_RATE, 1.0), WSIC_OK);
    ck_assert_uint_gt(encode_within_prediction(&f), 0);
    layer_close(&f);
}
END_TEST

/* Where the matrices of n x n take most of the memory: square, wide, and the few rows that stand
 * for a layer of tens of thousands of columns. A tall one is
 * foretold with room for double precision, which it may turn out not to need. */
START_TEST(memory_is_predicted_closely)
{
    static const struct {
        size_t rows, columns;
        const char *preset;
        double most; /* of what is foretold, by the peak */
    } cases[] = {
        {1200, 1200, "fast", 1.10}, {1200, 1200, "paper", 1.10}, {300, 1600, "default", 1.10},
        {64, 1400, "fast", 1.10},   {64, 1400, "paper", 1.10},   {2400, 600, "default", 1.70},
    };
    layer_fixture f = layer_open(cases[_i].rows, cases[_i].columns, COVARIANCE_AR, 25);
    const double a = (double)f.rows, n = (double)f.columns;
    uint64_t foretold = 0;

    ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, cases[_i].preset), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_number(f.encoder, WSIC_RATE, 2.0), WSIC_OK);
    const double peak = (double)encode_within_prediction(&f);
    ck_assert_int_eq(wsic_encoder_estimate_memory(f.encoder, f.rows, f.columns, &foretold),
                     WSIC_OK);
    ck_assert_double_le((double)foretold, cases[_i].most * peak);
    /* docs/performance.md; tiles and the coder's tables beyond. */
    ck_assert_double_le(peak, 20.0 * n * n + 12.0 * a * n + 16.0 * 512.0 * n + 4e6);
    layer_close(&f);
}
END_TEST

START_TEST(memory_is_predicted_and_bounded)
{
    const size_t shapes[][2] = {{8, 8}, {300, 200}, {200, 300}, {40, 600}};
    const size_t *const shape = shapes[_i / LAYER_VARIANTS];
    layer_fixture f = layer_open(shape[0], shape[1], COVARIANCE_DEAD, 22);

    layer_choose(&f, (size_t)_i % LAYER_VARIANTS);
    wsic_encoder_set_number(f.encoder, WSIC_RATE, 3.0);
    const uint64_t peak = encode_within_prediction(&f);

    /* Any limit below the peak: an error, and afterwards everything is as before. */
    const uint64_t used = wsic_context_memory(f.context, NULL);
    for (uint64_t part = 0; part < 16; part++) {
        wsic_context_set_memory_limit(f.context, used + 1 + peak * part / 16);
        expect(&f, &f.matrix, WSIC_ERROR_MEMORY_LIMIT, "limit");
        ck_assert_uint_eq(wsic_context_memory(f.context, NULL), used);
    }
    wsic_context_set_memory_limit(f.context, 0);

    /* Other ways through the encoder keep to the prediction too. */
    wsic_encoder_set_integer(f.encoder, WSIC_LIMIT, 0);
    ck_assert_int_eq(wsic_encoder_set_text(f.encoder, "order", "pivoted"), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_number(f.encoder, WSIC_RIDGE, 2.0), WSIC_OK);
    encode_within_prediction(&f);
    layer_close(&f);
}
END_TEST

START_TEST(memory_of_survivors_is_predicted)
{
    static const int64_t survivors[] = {2, 16, 64};

    for (size_t k = 0; k < sizeof survivors / sizeof *survivors; k++) {
        layer_fixture f = layer_open(40, 60, COVARIANCE_AR, 26);
        ck_assert_int_eq(wsic_encoder_set_integer(f.encoder, WSIC_SURVIVORS, survivors[k]),
                         WSIC_OK);
        ck_assert_int_eq(wsic_encoder_set_number(f.encoder, WSIC_STEP, 0.3), WSIC_OK);
        expect(&f, &f.matrix, WSIC_ERROR_STATE, "needs quantizer=scalar");
        ck_assert_int_eq(wsic_encoder_set_text(f.encoder, "quantizer", "scalar"), WSIC_OK);
        ck_assert_int_eq(wsic_encoder_set_text(f.encoder, "lmmse", "0"), WSIC_OK);
        ck_assert_uint_gt(encode_within_prediction(&f), 0);
        layer_close(&f);
    }
}
END_TEST

typedef struct progress_log {
    double last;
    int calls;
    int cancel_at;
    bool rising;
} progress_log;

static int32_t note_progress(void *user, double fraction, const char *stage)
{
    progress_log *const log = user;

    log->rising = log->rising && fraction >= log->last && fraction >= 0.0 && fraction <= 1.0 &&
                  stage[0] != '\0';
    log->last = fraction;
    return ++log->calls == log->cancel_at;
}

/* Small matrices of many bits; and blocks of one row. */
START_TEST(memory_of_extremes_is_predicted)
{
    static const struct {
        size_t rows, columns;
        int32_t target;
        double value;
        int64_t block_rows;
    } cases[] = {
        {48, 32, WSIC_STEP, 1e-5, 0},
        {128, 128, WSIC_STEP, 1e-5, 0},
        {20000, 8, WSIC_STEP, 1e-4, 1},
        {1, 1, WSIC_RATE, 8, 0},
    };
    static const char *const presets[] = {"paper", "fast", "default", "max"};
    const size_t k = (size_t)_i / 4;
    layer_fixture f = layer_open(cases[k].rows, cases[k].columns, COVARIANCE_AR, 22);

    ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, presets[_i % 4]), WSIC_OK);
    wsic_encoder_set_number(f.encoder, cases[k].target, cases[k].value);
    wsic_encoder_set_integer(f.encoder, WSIC_BLOCK_ROWS, cases[k].block_rows);
    encode_within_prediction(&f);
    layer_close(&f);
}
END_TEST

START_TEST(progress_rises_and_cancels)
{
    layer_fixture f = layer_open(64, 64, COVARIANCE_CHANNELS, 23);
    progress_log log = {0.0, 0, 0, true};

    wsic_encoder_set_number(f.encoder, WSIC_RATE, 2.0);
    wsic_context_set_progress(f.context, note_progress, &log);
    wsic_layer *layer = layer_encode(&f, 2.0);
    wsic_layer_destroy(layer);
    ck_assert(log.rising);
    const int calls = log.calls;
    ck_assert_int_gt(calls, 4);
    for (int stop = 1; stop <= calls; stop++) {
        log = (progress_log){0.0, 0, stop, true};
        expect(&f, &f.matrix, WSIC_ERROR_CANCELLED, "cancelled");
        ck_assert_int_eq(log.calls, stop);
    }
    wsic_context_set_progress(f.context, NULL, NULL);
    layer = layer_encode(&f, 2.0);
    wsic_layer_destroy(layer);
    layer_close(&f);
}
END_TEST

typedef struct log_record {
    char lines[WSIC_LOG_DEBUG + 1][2000];
} log_record;

static void note_line(void *user, int32_t level, const char *message)
{
    log_record *const log = user;
    char *const lines = log->lines[level];
    const size_t length = strlen(lines);

    snprintf(lines + length, sizeof log->lines[level] - length, "%s\n", message);
}

/* What was decided is told, with the figures that the layer reports. */
START_TEST(decisions_are_logged)
{
    layer_fixture f = layer_open(64, 64, COVARIANCE_DEAD, 26);
    static log_record log;
    char expected[200];

    wsic_context_set_log(f.context, note_line, &log, WSIC_LOG_INFO);
    wsic_layer *layer = layer_encode(&f, 3.0);
    const wsic_layer_info info = layer_info(layer);
    snprintf(expected, sizeof expected, "damping %g after 0 retries\n", info.damping);
    ck_assert_ptr_nonnull(strstr(log.lines[WSIC_LOG_INFO], expected));
    ck_assert_ptr_nonnull(strstr(log.lines[WSIC_LOG_INFO], "16 of 64 columns are dead\n"));
    snprintf(expected, sizeof expected, "step %g: %llu bytes, ", info.step,
             (unsigned long long)info.bytes);
    ck_assert_ptr_nonnull(strstr(log.lines[WSIC_LOG_INFO], expected));
    ck_assert_str_eq(log.lines[WSIC_LOG_DEBUG], "");
    wsic_layer_destroy(layer);

    wsic_context_set_log(f.context, note_line, &log, WSIC_LOG_DEBUG);
    layer = layer_encode(&f, 3.0);
    ck_assert_ptr_nonnull(strstr(log.lines[WSIC_LOG_DEBUG], "search: step "));
    ck_assert_ptr_nonnull(strstr(log.lines[WSIC_LOG_DEBUG], "pass 1: step "));
    wsic_layer_destroy(layer);
    layer_close(&f);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("encoder input");
    TCase *const input = tcase_create("input");
    TCase *const host = tcase_create("host");

    tcase_set_timeout(host, 120);
    tcase_set_timeout(input, 120);
    tcase_add_loop_test(input, small_and_thin_shapes, 0, LAYER_VARIANTS);
    tcase_add_test(input, singular_covariance_is_quantized);
    tcase_add_test(input, dead_columns_are_zero_and_reported);
    tcase_add_loop_test(input, zero_rows_stay_zero, 0, LAYER_VARIANTS);
    tcase_add_test(input, blocks_beyond_the_format_are_refused);
    tcase_add_loop_test(input, nothing_to_code_is_a_notice, 0, 2);
    tcase_add_test(input, bad_input_is_named_and_nothing_is_lost);
    tcase_add_test(input, scales_beyond_float_are_refused);
    tcase_add_test(input, empty_statistics_are_refused);
    tcase_add_test(input, number_types_and_strides_agree);
    tcase_add_loop_test(host, threads_change_no_byte, 0, LAYER_VARIANTS);
    tcase_add_test(host, memory_of_the_limit_is_predicted);
    tcase_add_test(host, memory_of_survivors_is_predicted);
    tcase_add_loop_test(host, memory_is_predicted_closely, 0, 6);
    tcase_add_loop_test(host, memory_is_predicted_and_bounded, 0, 4 * LAYER_VARIANTS);
    tcase_add_loop_test(host, memory_of_extremes_is_predicted, 0, 16);
    tcase_add_test(host, progress_rises_and_cancels);
    tcase_add_test(host, decisions_are_logged);
    suite_add_tcase(suite, input);
    suite_add_tcase(suite, host);
    return run_suite(suite);
}
