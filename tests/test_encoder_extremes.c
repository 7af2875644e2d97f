/* SPDX-License-Identifier: MIT */
/* The encoder where numbers end: targets beyond reach, matrices that are nearly all zeros, and
 * magnitudes at the edges of float and double. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "layer_fixture.h"

static const char *const presets[] = {"default", "fast", "paper"};

/* Run with nothing but this target. */
static wsic_status encode(layer_fixture *f, int32_t target, double value, wsic_layer **layer)
{
    const int32_t targets[] = {WSIC_RATE, WSIC_STEP, WSIC_DISTORTION};

    for (size_t k = 0; k < 3; k++)
        ck_assert_int_eq(
            wsic_encoder_set_number(f->encoder, targets[k], targets[k] == target ? value : 0.0),
            WSIC_OK);
    *layer = NULL;
    return wsic_encoder_run(f->encoder, f->stats, &f->matrix, layer);
}

static double relative_distortion(const layer_fixture *f, const wsic_layer *layer)
{
    const wsic_layer_info info = layer_info(layer);

    if (info.distortion > 0.0)
        ck_assert_double_eq_tol(info.distortion / layer_distortion(f, layer), 1.0, 1e-4);
    return info.relative_distortion;
}

/* Encode, expect this status, and destroy the layer; returns its relative distortion. */
static double encode_expecting(layer_fixture *f, int32_t target, double value, wsic_status expected)
{
    wsic_layer *layer;
    const wsic_status status = encode(f, target, value, &layer);

    ck_assert_msg(status == expected, "%s: %s", wsic_status_name(status),
                  wsic_encoder_message(f->encoder));
    ck_assert_ptr_nonnull(layer);
    const double relative = relative_distortion(f, layer);
    wsic_layer_destroy(layer);
    return relative;
}

static void expect_range(layer_fixture *f, int32_t target, double value, const char *words)
{
    wsic_layer *layer;
    const wsic_status status = encode(f, target, value, &layer);

    ck_assert_msg(status == WSIC_ERROR_RANGE, "%s: %s", wsic_status_name(status),
                  wsic_encoder_message(f->encoder));
    ck_assert_ptr_null(layer);
    ck_assert_msg(strstr(wsic_encoder_message(f->encoder), words) != NULL, "\"%s\" lacks \"%s\"",
                  wsic_encoder_message(f->encoder), words);
}

/* --- distortions that rounding hides ---------------------------------------------------- */

/* Scales are stored in 4096 steps to the octave at best: rounding one adds at most
 * (ln 2 / 8192)² = 7e-9 of its energy, rows' and columns' together four times that. */
#define FINEST 3e-8

START_TEST(finer_steps_are_not_worse)
{
    layer_fixture f = layer_open(64, 64, COVARIANCE_AR, 31);
    const double steps[] = {1e-5, 1e-6, 3e-7, 1e-7};

    ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, presets[_i]), WSIC_OK);
    for (size_t k = 0; k < sizeof steps / sizeof *steps; k++)
        ck_assert_double_le(encode_expecting(&f, WSIC_STEP, steps[k], WSIC_OK), FINEST);
    layer_close(&f);
}
END_TEST

START_TEST(fine_steps_of_thin_matrices)
{
    const size_t shapes[][2] = {{7, 1}, {1, 7}, {1, 1}, {300, 1}};

    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        layer_fixture f = layer_open(shapes[k][0], shapes[k][1], COVARIANCE_AR, 32);
        ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, presets[_i]), WSIC_OK);
        ck_assert_double_le(encode_expecting(&f, WSIC_STEP, 1e-4, WSIC_OK), FINEST);
        ck_assert_double_le(encode_expecting(&f, WSIC_STEP, 1e-7, WSIC_OK), FINEST);
        layer_close(&f);
    }
}
END_TEST

/* --- targets beyond reach ------------------------------------------------------------------ */

START_TEST(distortions_beyond_reach_give_the_nearest)
{
    layer_fixture f = layer_open(48, 32, COVARIANCE_AR, 33);

    ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, presets[_i]), WSIC_OK);
    ck_assert_double_le(encode_expecting(&f, WSIC_DISTORTION, 1e-20, WSIC_NOTICE_RATE), FINEST);
    ck_assert_double_le(encode_expecting(&f, WSIC_DISTORTION, 1e-300, WSIC_NOTICE_RATE), FINEST);
    layer_close(&f);
}
END_TEST

/* All bits on one column, of which 32 to a weight are the most. */
START_TEST(rates_beyond_reach_give_the_nearest)
{
    layer_fixture f = layer_open(256, 256, COVARIANCE_IDENTITY, 34);

    layer_choose(&f, (size_t)_i);
    for (size_t k = 0; k < f.rows * f.columns; k++)
        f.weights[k] = k % f.columns == 3 ? f.weights[k] : 0.0;
    ck_assert_double_le(encode_expecting(&f, WSIC_RATE, 8.0, WSIC_NOTICE_RATE), FINEST);
    layer_close(&f);
}
END_TEST

/* The target of the first column, and that of the second with its tiny L_jj, say nothing of how
 * large a code becomes. */
START_TEST(targets_may_cancel)
{
    layer_fixture f = layer_open(1, 2, COVARIANCE_SINGULAR, 43);

    layer_choose(&f, (size_t)_i);
    f.weights[0] = 1.0;
    f.weights[1] = -f.covariance[0] / f.covariance[1];
    ck_assert_double_le(encode_expecting(&f, WSIC_DISTORTION, 1e-30, WSIC_NOTICE_RATE), 1e-4);
    layer_close(&f);
}
END_TEST

/* --- matrices that are nearly all zeros ------------------------------------------------------ */

/* Large enough to be searched on a part of the rows. */
enum { MANY_ROWS = 2048, SEARCHED_COLUMNS = 256 };

static layer_fixture open_sparse(size_t distance)
{
    layer_fixture f = layer_open(MANY_ROWS, SEARCHED_COLUMNS, COVARIANCE_AR, 35);

    for (size_t r = 0; r < f.rows; r++) {
        if (r % distance != 5)
            memset(f.weights + r * f.columns, 0, f.columns * sizeof *f.weights);
    }
    return f;
}

START_TEST(few_rows_are_searched_for_a_rate)
{
    layer_fixture f = open_sparse(_i % 2 == 0 ? MANY_ROWS : 128);

    ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, presets[_i / 2]), WSIC_OK);
    wsic_layer *layer;
    const wsic_status status = encode(&f, WSIC_RATE, 0.05, &layer);
    /* The scales alone may be all that rows so few can take. */
    ck_assert_msg(status == WSIC_OK || status == WSIC_NOTICE_RATE, "%s",
                  wsic_encoder_message(f.encoder));
    ck_assert_double_le(layer_info(layer).rate, 0.055);
    ck_assert_double_le(relative_distortion(&f, layer), 0.1);
    wsic_layer_destroy(layer);
    layer_close(&f);
}
END_TEST

/* A single row, of which every column has a scale of its own, has its distortions in steps. */
/* Rows of zeros cost their marks and scales, and nothing else: the others are quantized as if they
 * were alone. Not so with a trellis, whose levels have no marks for rows. */
START_TEST(rows_of_zeros_are_no_burden)
{
    enum { ROWS = 1024, CODED = 64, COLUMNS = 96 };
    layer_fixture f = layer_open(ROWS, COLUMNS, COVARIANCE_AR, 37);
    wsic_layer *layer;

    ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, presets[_i]), WSIC_OK);
    memset(f.weights + CODED * COLUMNS, 0, (ROWS - CODED) * COLUMNS * sizeof *f.weights);
    ck_assert_int_ge(encode(&f, WSIC_RATE, 2.0 * CODED / ROWS, &layer), 0);
    const wsic_layer_info sparse = layer_info(layer);
    wsic_layer_destroy(layer);
    f.matrix.rows = CODED;
    ck_assert_int_ge(encode(&f, WSIC_RATE, 8.0 * (double)sparse.bytes / (CODED * COLUMNS), &layer),
                     0);
    const wsic_layer_info dense = layer_info(layer);
    wsic_layer_destroy(layer);
    ck_assert_double_lt(sparse.relative_distortion, 1.4 * dense.relative_distortion);
    layer_close(&f);
}
END_TEST

START_TEST(few_rows_meet_a_distortion)
{
    const bool single = _i % 2 == 0;
    layer_fixture f = open_sparse(single ? MANY_ROWS : 128);
    const double wanted = 1e-6;
    wsic_layer *layer;

    ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, presets[_i / 2]), WSIC_OK);
    const wsic_status status = encode(&f, WSIC_DISTORTION, wanted, &layer);
    ck_assert_msg(status == WSIC_OK || (single && status == WSIC_NOTICE_RATE), "%s",
                  wsic_encoder_message(f.encoder));
    ck_assert_double_eq_tol(layer_distortion(&f, layer) / wanted, 1.0, single ? 0.3 : 0.02);
    wsic_layer_destroy(layer);
    layer_close(&f);
}
END_TEST

/* One row far above the others: no midpoint of the sorted rows falls on it, but its codes count in
 * the range of steps. */
START_TEST(one_row_far_above_the_others)
{
    layer_fixture f = layer_open(MANY_ROWS, SEARCHED_COLUMNS, COVARIANCE_AR, 36);
    wsic_layer *layer;

    for (size_t k = 0; k < f.rows * f.columns; k++)
        f.weights[k] *= k / f.columns == 7 ? 1.0 : 1e-9;
    ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, presets[_i]), WSIC_OK);
    const wsic_status status = encode(&f, WSIC_RATE, 3.0, &layer);
    ck_assert_msg(status >= 0, "%s", wsic_encoder_message(f.encoder));
    ck_assert_double_le(relative_distortion(&f, layer), 1e-4);
    wsic_layer_destroy(layer);
    layer_close(&f);
}
END_TEST

/* Inputs of the quantized model that tell nothing of the outputs: zeros are the best. */
START_TEST(targets_of_zero_give_zeros)
{
    enum { N = 20 };
    layer_fixture f = layer_open(24, N, COVARIANCE_IDENTITY, 37);
    const int32_t targets[] = {WSIC_RATE, WSIC_DISTORTION};
    double *const zeros = calloc((size_t)N * N, sizeof *zeros);
    wsic_matrix identity, cross;

    wsic_matrix_init(&identity, sizeof identity, f.covariance, WSIC_F64, N, N, 0);
    wsic_matrix_init(&cross, sizeof cross, zeros, WSIC_F64, N, N, 0);
    wsic_stats_destroy(f.stats);
    ck_assert_int_eq(wsic_stats_create(f.context, N, &f.stats), WSIC_OK);
    const wsic_pair_moments moments = {
        .size = sizeof moments, .input = &identity, .quantized = &identity, .cross = &cross};
    ck_assert_int_eq(wsic_stats_add_pair_moments(f.stats, &moments, 10.0), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, presets[_i / 2]), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_number(f.encoder, WSIC_DAMPING, 0.0), WSIC_OK);
    wsic_layer *layer;
    ck_assert_int_eq(encode(&f, targets[_i % 2], 2.0, &layer), WSIC_NOTICE_RATE);
    ck_assert_double_eq(layer_info(layer).entropy_pooled, 0.0);
    ck_assert_double_eq_tol(layer_info(layer).relative_distortion, 1.0, 1e-12);
    wsic_layer_destroy(layer);
    free(zeros);
    layer_close(&f);
}
END_TEST

/* --- magnitudes ------------------------------------------------------------------------------ */

/* Weights at the end of float: what is rounded up leaves it. A layer that comes out has none. */
START_TEST(infinite_reconstructions_are_refused)
{
    layer_fixture f = layer_open(24, 20, COVARIANCE_AR, 38);
    float restored[24 * 20];
    size_t refused = 0;
    wsic_matrix view;

    wsic_matrix_init(&view, sizeof view, restored, WSIC_F32, 24, 20, 0);
    for (size_t k = 0; k < f.rows * f.columns; k++)
        f.weights[k] = copysign(3.4e38, f.weights[k]);
    ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, presets[_i]), WSIC_OK);
    for (int rate = 3; rate < 12; rate++) {
        wsic_layer *layer;
        const wsic_status status = encode(&f, WSIC_RATE, rate, &layer);
        if (status < 0) {
            ck_assert_int_eq(status, WSIC_ERROR_RANGE);
            ck_assert_ptr_nonnull(strstr(wsic_encoder_message(f.encoder), "range of float"));
            ck_assert_ptr_null(layer);
            refused++;
            continue;
        }
        ck_assert_int_eq(wsic_layer_dequantize(layer, 0, &view), WSIC_OK);
        for (size_t k = 0; k < f.rows * f.columns; k++)
            ck_assert(isfinite(restored[k]));
        ck_assert_double_gt(layer_info(layer).distortion, 0.0);
        wsic_layer_destroy(layer);
    }
    ck_assert_uint_gt(refused, 0);
    layer_close(&f);
}
END_TEST

START_TEST(huge_steps_give_zeros)
{
    layer_fixture f = layer_open(48, 32, COVARIANCE_AR, 39);
    const double steps[] = {1e3, 1e20, 1e37};

    ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, presets[_i]), WSIC_OK);
    for (size_t k = 0; k < sizeof steps / sizeof *steps; k++)
        ck_assert_double_eq_tol(encode_expecting(&f, WSIC_STEP, steps[k], WSIC_OK), 1.0, 1e-12);
    ck_assert_double_eq_tol(encode_expecting(&f, WSIC_STEP, 1e160, WSIC_OK), 1.0, 1e-12);
    ck_assert_double_eq_tol(encode_expecting(&f, WSIC_STEP, 1e300, WSIC_OK), 1.0, 1e-12);
    layer_close(&f);
}
END_TEST

START_TEST(weights_below_float_are_refused)
{
    layer_fixture f = layer_open(20, 12, COVARIANCE_AR, 40);

    for (size_t k = 0; k < f.rows * f.columns; k++)
        f.weights[k] *= 1e-310;
    ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, presets[_i]), WSIC_OK);
    expect_range(&f, WSIC_RATE, 4.0, "e-31");
    layer_close(&f);
}
END_TEST

static void begin_again(layer_fixture *f, double factor, double samples)
{
    wsic_matrix covariance;

    for (size_t k = 0; k < f->columns * f->columns; k++)
        f->covariance[k] *= factor;
    wsic_stats_destroy(f->stats);
    ck_assert_int_eq(wsic_stats_create(f->context, f->columns, &f->stats), WSIC_OK);
    wsic_matrix_init(&covariance, sizeof covariance, f->covariance, WSIC_F64, f->columns,
                     f->columns, 0);
    ck_assert_int_eq(wsic_stats_add_covariance(f->stats, &covariance, samples), WSIC_OK);
}

/* Sums that double precision holds only as subnormal numbers, or not at all. */
START_TEST(vanishing_statistics_are_refused)
{
    const double cases[][2] = {{1e-320, 1000.0}, {1.0, 1e-310}, {1.0, 5e-324}};
    layer_fixture f = layer_open(20, 12, COVARIANCE_AR, 41);

    begin_again(&f, cases[_i][0], cases[_i][1]);
    for (size_t k = 0; k < 3; k++) {
        ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, presets[k]), WSIC_OK);
        expect_range(&f, WSIC_RATE, 4.0, "mean diagonal");
        expect_range(&f, WSIC_STEP, 0.5, "mean diagonal");
    }
    layer_close(&f);
}
END_TEST

/* Large and small ones change nothing but units. */
START_TEST(units_do_not_matter)
{
    const double cases[][2] = {{0x1p-900, 1000.0}, {0x1p900, 1000.0}, {1.0, 0x1p-900}};
    layer_fixture f = layer_open(48, 32, COVARIANCE_AR, 42);

    const double expected = encode_expecting(&f, WSIC_RATE, 4.0, WSIC_OK);
    begin_again(&f, cases[_i][0], cases[_i][1]);
    ck_assert_double_eq(encode_expecting(&f, WSIC_RATE, 4.0, WSIC_OK), expected);
    layer_close(&f);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("encoder extremes");
    TCase *const targets = tcase_create("targets");
    TCase *const sparse = tcase_create("sparse");
    TCase *const magnitudes = tcase_create("magnitudes");

    tcase_set_timeout(targets, 120);
    tcase_set_timeout(sparse, 120);
    tcase_add_loop_test(targets, finer_steps_are_not_worse, 0, 3);
    tcase_add_loop_test(targets, fine_steps_of_thin_matrices, 0, 3);
    tcase_add_loop_test(targets, distortions_beyond_reach_give_the_nearest, 0, 3);
    tcase_add_loop_test(targets, rates_beyond_reach_give_the_nearest, 0, LAYER_VARIANTS);
    tcase_add_loop_test(targets, targets_may_cancel, 0, LAYER_VARIANTS);
    tcase_add_loop_test(sparse, few_rows_are_searched_for_a_rate, 0, 6);
    tcase_add_loop_test(sparse, rows_of_zeros_are_no_burden, 1, 3);
    tcase_add_loop_test(sparse, few_rows_meet_a_distortion, 0, 6);
    tcase_add_loop_test(sparse, one_row_far_above_the_others, 0, 3);
    tcase_add_loop_test(sparse, targets_of_zero_give_zeros, 0, 6);
    tcase_add_loop_test(magnitudes, infinite_reconstructions_are_refused, 0, 3);
    tcase_add_loop_test(magnitudes, huge_steps_give_zeros, 0, 3);
    tcase_add_loop_test(magnitudes, weights_below_float_are_refused, 0, 3);
    tcase_add_loop_test(magnitudes, vanishing_statistics_are_refused, 0, 3);
    tcase_add_loop_test(magnitudes, units_do_not_matter, 0, 3);
    suite_add_tcase(suite, targets);
    suite_add_tcase(suite, sparse);
    suite_add_tcase(suite, magnitudes);
    return run_suite(suite);
}
