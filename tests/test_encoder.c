/* SPDX-License-Identifier: MIT */
/* The encoder through the public interface: rates are met in bytes, reported figures are
 * true, nothing falls below the limit. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "layer_fixture.h"

/* Small matrices cannot meet every rate: a notice is allowed, since their bytes come in
 * steps. */
static wsic_layer *encode(layer_fixture *f, double rate)
{
    const bool large = f->rows * f->columns >= 1 << 16;
    wsic_layer *layer = NULL;

    ck_assert_int_eq(wsic_encoder_set_number(f->encoder, WSIC_RATE, rate), WSIC_OK);
    const wsic_status status = wsic_encoder_run(f->encoder, f->stats, &f->matrix, &layer);
    ck_assert_msg(status == WSIC_OK || (!large && status == WSIC_NOTICE_RATE), "%s: %s",
                  wsic_status_name(status), wsic_encoder_message(f->encoder));
    ck_assert_double_le(fabs(layer_info(layer).rate - rate), large ? 1.0 : 0.1 + 0.05 * rate);
    return layer;
}

/* Quantizers, for what must hold with all of them. */
static const struct {
    const char *quantizer;
    const char *states;
} variants[] = {{"scalar", "8"}, {"rdo", "8"}, {"trellis", "4"}, {"trellis", "32"}};
enum { VARIANTS = sizeof variants / sizeof *variants };

static void choose(layer_fixture *f, size_t variant)
{
    ck_assert_int_eq(wsic_encoder_set(f->encoder, "quantizer", variants[variant].quantizer),
                     WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set(f->encoder, "trellis_states", variants[variant].states),
                     WSIC_OK);
}

static const double rates[] = {0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0};
enum { RATES = sizeof rates / sizeof *rates };

static const struct {
    const char *preset;
    int covariance;
    size_t variant;
} settings[] = {
    {"default", COVARIANCE_CHANNELS, 0}, {"paper", COVARIANCE_CHANNELS, 0},
    {"default", COVARIANCE_AR, 0},       {"paper", COVARIANCE_IDENTITY, 0},
    {"default", COVARIANCE_DEAD, 0},     {"default", COVARIANCE_CHANNELS, 1},
    {"default", COVARIANCE_CHANNELS, 2}, {"default", COVARIANCE_AR, 3},
    {"default", COVARIANCE_DEAD, 3},
};

/* The promise of the headers, and the floor that nothing may pass. */
START_TEST(rate_is_met_and_above_the_limit)
{
    layer_fixture f = layer_open(256, 256, settings[_i].covariance, 1);

    ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, settings[_i].preset), WSIC_OK);
    choose(&f, settings[_i].variant);
    for (size_t k = 0; k < RATES; k++) {
        wsic_layer *const layer = encode(&f, rates[k]);
        const wsic_layer_info info = layer_info(layer);
        ck_assert_double_le(fabs(info.rate - rates[k]), fmax(0.005 * rates[k], 0.005));
        ck_assert_double_eq_tol(info.rate, 8.0 * (double)info.bytes / (256.0 * 256.0), 1e-12);
        ck_assert_double_eq_tol(info.rate_codes + info.rate_side, info.rate, 1e-12);
        ck_assert_double_eq_tol(info.rate_target, rates[k], 1e-6);
        ck_assert_double_ge(info.limit_rate, 0.0);
        ck_assert_double_gt(info.gap, 0.0);
        ck_assert_double_eq_tol(info.gap, info.rate - info.limit_rate, 1e-9);
        wsic_layer_destroy(layer);
    }
    layer_close(&f);
}
END_TEST

START_TEST(reported_distortion_is_that_of_the_decoded_layer)
{
    layer_fixture f = layer_open(70, 90, settings[_i].covariance, 2);
    double energy = 0.0;

    ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, settings[_i].preset), WSIC_OK);
    choose(&f, settings[_i].variant);
    for (size_t r = 0; r < f.rows; r++) {
        for (size_t i = 0; i < f.columns; i++) {
            for (size_t j = 0; j < f.columns; j++)
                energy += f.weights[r * f.columns + i] * f.covariance[i * f.columns + j] *
                          f.weights[r * f.columns + j];
        }
    }
    energy /= (double)f.rows * (double)f.columns;
    for (size_t k = 3; k < RATES; k++) {
        wsic_layer *const layer = encode(&f, rates[k]);
        const wsic_layer_info info = layer_info(layer);
        const double truth = layer_distortion(&f, layer);
        ck_assert_double_eq_tol(info.distortion / truth, 1.0, 1e-6);
        ck_assert_double_eq_tol(info.relative_distortion / (truth / energy), 1.0, 1e-5);
        wsic_layer_destroy(layer);
    }
    layer_close(&f);
}
END_TEST

/* The limit in the report against the closed form: at a distortion below every
 * eigenvalue, R = ½ log2(σ² / D) + (1/2n) log2 det Σ. */
START_TEST(limit_is_the_closed_form_at_high_rate)
{
    enum { N = 24 };
    layer_fixture f = layer_open(300, N, COVARIANCE_AR, 3);
    wsic_layer *const layer = encode(&f, 6.0);
    const wsic_layer_info info = layer_info(layer);
    /* det of 0.9^|i-j| is (1 - 0.81)^(n-1) */
    const double log_det = (N - 1) * log2(1.0 - 0.81);
    double variance = 0.0;

    for (size_t k = 0; k < f.rows * f.columns; k++)
        variance += f.weights[k] * f.weights[k] / (double)(f.rows * f.columns);
    ck_assert_double_eq_tol(info.limit_rate,
                            0.5 * log2(variance / info.distortion) + log_det / (2.0 * N), 1e-5);
    wsic_layer_destroy(layer);
    layer_close(&f);
}
END_TEST

/* Gaussian weights, identity covariance, high rate: the gap is that of entropy-coded
 * uniform quantization, ½ log2(2πe/12) = 0.2546 bit, plus a little side information. */
START_TEST(gap_is_the_theoretical_one)
{
    layer_fixture f = layer_open(512, 256, _i == 0 ? COVARIANCE_IDENTITY : COVARIANCE_CHANNELS, 4);
    wsic_layer *const layer = encode(&f, 4.0);
    const wsic_layer_info info = layer_info(layer);

    ck_assert_double_gt(info.gap, 0.24);
    ck_assert_double_lt(info.gap, 0.32);
    wsic_layer_destroy(layer);
    layer_close(&f);
}
END_TEST

/* Multiplying weights or covariance by powers of four changes no code. */
START_TEST(scales_change_no_code)
{
    const double weight_scale[] = {0x1p-100, 0x1p100, 1.0, 1.0};
    const double covariance_scale[] = {1.0, 1.0, 0x1p-900, 0x1p900};
    layer_fixture f = layer_open(64, 48, COVARIANCE_CHANNELS, 5);
    int32_t codes[2][64 * 48];
    double distortion[2];

    for (int pass = 0; pass < 2; pass++) {
        const double unit = pass == 0 ? 1.0 : weight_scale[_i] * sqrt(covariance_scale[_i]);
        wsic_layer *layer = NULL;
        wsic_matrix view;
        ck_assert_int_eq(wsic_encoder_set_number(f.encoder, WSIC_STEP, 0.3 * unit), WSIC_OK);
        ck_assert_int_eq(wsic_encoder_run(f.encoder, f.stats, &f.matrix, &layer), WSIC_OK);
        wsic_matrix_init(&view, sizeof view, codes[pass], WSIC_I32, 64, 48, 0);
        ck_assert_int_eq(wsic_layer_codes(layer, 0, &view), WSIC_OK);
        distortion[pass] = layer_info(layer).distortion;
        wsic_layer_destroy(layer);
        if (pass == 1)
            break;
        for (size_t k = 0; k < 64 * 48; k++)
            f.weights[k] *= weight_scale[_i];
        for (size_t k = 0; k < 48 * 48; k++)
            f.covariance[k] *= covariance_scale[_i];
        layer_refresh(&f);
    }
    ck_assert_mem_eq(codes[0], codes[1], sizeof codes[0]);
    const double factor = weight_scale[_i] * weight_scale[_i] * covariance_scale[_i];
    ck_assert_double_eq_tol(distortion[1] / (distortion[0] * factor), 1.0, 1e-9);
    layer_close(&f);
}
END_TEST

/* At high rate the distortion depends on det Σ alone: reversing the columns, which
 * turns the order of the cancellation around, does not change it. */
START_TEST(order_does_not_matter_at_high_rate)
{
    layer_fixture f = layer_open(256, 96, COVARIANCE_CHANNELS, 6);
    double distortion[2];

    for (int pass = 0; pass < 2; pass++) {
        wsic_layer *const layer = encode(&f, 6.0);
        distortion[pass] = layer_info(layer).distortion;
        wsic_layer_destroy(layer);
        for (size_t r = 0; r < f.rows; r++) {
            for (size_t j = 0; j < f.columns / 2; j++) {
                double *const row = f.weights + r * f.columns;
                const double kept = row[j];
                row[j] = row[f.columns - 1 - j];
                row[f.columns - 1 - j] = kept;
            }
        }
        for (size_t k = 0; k < f.columns * f.columns / 2; k++) {
            const size_t mirror = f.columns * f.columns - 1 - k;
            const double kept = f.covariance[k];
            f.covariance[k] = f.covariance[mirror];
            f.covariance[mirror] = kept;
        }
        layer_refresh(&f);
    }
    /* 0.02 bit */
    ck_assert_double_lt(fabs(0.5 * log2(distortion[0] / distortion[1])), 0.02);
    layer_close(&f);
}
END_TEST

START_TEST(given_step_is_used)
{
    layer_fixture f = layer_open(64, 40, COVARIANCE_CHANNELS, 7);
    wsic_layer *layer = NULL;

    ck_assert_int_eq(wsic_encoder_set_number(f.encoder, WSIC_STEP, 0.37), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_run(f.encoder, f.stats, &f.matrix, &layer), WSIC_OK);
    ck_assert_double_eq_tol(layer_info(layer).step, 0.37, 1e-6);
    /* c² / 12, give or take what low-rate columns and rescaling change */
    ck_assert_double_eq_tol(layer_info(layer).distortion / (0.37 * 0.37 / 12.0), 1.0, 0.1);
    wsic_layer_destroy(layer);
    layer_close(&f);
}
END_TEST

START_TEST(given_distortion_is_met)
{
    const double targets[] = {0.5, 0.05, 0.002};
    layer_fixture f = layer_open(96, 64, COVARIANCE_CHANNELS, 8);

    for (size_t k = 0; k < sizeof targets / sizeof *targets; k++) {
        wsic_layer *layer = NULL;
        ck_assert_int_eq(wsic_encoder_set_number(f.encoder, WSIC_DISTORTION, targets[k]), WSIC_OK);
        ck_assert_int_eq(wsic_encoder_run(f.encoder, f.stats, &f.matrix, &layer), WSIC_OK);
        ck_assert_double_eq_tol(layer_distortion(&f, layer) / targets[k], 1.0, 0.021);
        wsic_layer_destroy(layer);
    }
    layer_close(&f);
}
END_TEST

/* More bits, less distortion; and the rescalers never harm. */
START_TEST(distortion_falls_with_rate_and_with_rescalers)
{
    layer_fixture f = layer_open(128, 96, COVARIANCE_CHANNELS, 9);
    double previous = INFINITY;

    for (size_t k = 2; k < RATES; k++) {
        wsic_layer *const layer = encode(&f, rates[k]);
        ck_assert_double_lt(layer_info(layer).distortion, previous);
        previous = layer_info(layer).distortion;
        wsic_layer_destroy(layer);
    }
    wsic_encoder_set_number(f.encoder, WSIC_RATE, 0.0);
    wsic_encoder_set_number(f.encoder, WSIC_STEP, 1.0);
    previous = INFINITY;
    const char *const modes[] = {"none", "columns", "both"};
    for (size_t k = 0; k < 3; k++) {
        wsic_layer *layer = NULL;
        ck_assert_int_eq(wsic_encoder_set(f.encoder, "rescale", modes[k]), WSIC_OK);
        ck_assert_int_eq(wsic_encoder_run(f.encoder, f.stats, &f.matrix, &layer), WSIC_OK);
        /* rounding the scales to their stored form may cost a trace */
        ck_assert_double_lt(layer_info(layer).distortion, previous * 1.01);
        previous = layer_info(layer).distortion;
        wsic_layer_destroy(layer);
    }
    layer_close(&f);
}
END_TEST

START_TEST(uniform_spacing_has_one_scale)
{
    layer_fixture f = layer_open(80, 60, COVARIANCE_CHANNELS, 10);

    ck_assert_int_eq(wsic_encoder_set(f.encoder, "spacing", "uniform"), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set(f.encoder, "lmmse", "0"), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set(f.encoder, "rescale", "none"), WSIC_OK);
    wsic_layer *const uniform = encode(&f, 2.5);
    const float *const scales = wsic_layer_column_scales(uniform);
    for (size_t j = 1; j < f.columns; j++)
        ck_assert_float_eq(scales[j], scales[0]);
    ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, "default"), WSIC_OK);
    wsic_layer *const water = encode(&f, 2.5);
    ck_assert_double_lt(layer_info(water).distortion, layer_info(uniform).distortion);
    wsic_layer_destroy(uniform);
    wsic_layer_destroy(water);
    layer_close(&f);
}
END_TEST

START_TEST(small_and_thin_shapes)
{
    const size_t shapes[][2] = {{1, 1}, {1, 40}, {40, 1}, {2, 2}, {3, 500}, {500, 3}};

    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        layer_fixture f = layer_open(shapes[k][0], shapes[k][1], COVARIANCE_AR, 11);
        wsic_layer *layer = NULL;
        choose(&f, (size_t)_i);
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
    wsic_layer *const layer = encode(&f, 2.0);

    ck_assert_double_gt(layer_info(layer).damping, 0.0);
    ck_assert_double_lt(layer_info(layer).relative_distortion, 0.05);
    wsic_layer_destroy(layer);
    layer_close(&f);
}
END_TEST

START_TEST(dead_columns_are_zero_and_reported)
{
    layer_fixture f = layer_open(64, 64, COVARIANCE_DEAD, 13);
    wsic_layer *const layer = encode(&f, 2.0);
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

    memset(f.weights + 5 * 48, 0, 48 * sizeof *f.weights);
    memset(f.weights + 63 * 48, 0, 48 * sizeof *f.weights);
    choose(&f, (size_t)_i);
    wsic_layer *const layer = encode(&f, 3.0);
    ck_assert_uint_eq(layer_info(layer).dead_rows, 2);
    wsic_matrix_init(&view, sizeof view, restored, WSIC_F32, 64, 48, 0);
    ck_assert_int_eq(wsic_layer_dequantize(layer, 0, &view), WSIC_OK);
    for (size_t j = 0; j < 48; j++)
        ck_assert(restored[5 * 48 + j] == 0.0F && restored[63 * 48 + j] == 0.0F);
    wsic_layer_destroy(layer);
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
START_TEST(unreachable_rate_is_a_notice)
{
    layer_fixture f = layer_open(16, 16, COVARIANCE_AR, 16);
    wsic_layer *layer = NULL;

    wsic_encoder_set_number(f.encoder, WSIC_RATE, 0.02);
    ck_assert_int_eq(wsic_encoder_run(f.encoder, f.stats, &f.matrix, &layer), WSIC_NOTICE_RATE);
    ck_assert_ptr_nonnull(layer);
    ck_assert_ptr_nonnull(strstr(wsic_encoder_message(f.encoder), "0.02"));
    wsic_layer_destroy(layer);
    layer_close(&f);
}
END_TEST

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
    expect(&f, &wrong, WSIC_ERROR_DTYPE, "dtype is 5");
    wrong = f.matrix;
    wrong.size = 3;
    expect(&f, &wrong, WSIC_ERROR_STRUCT_SIZE, "size is 3");
    f.weights[7 * 12 + 3] = NAN;
    f.weights[9 * 12 + 1] = -INFINITY;
    expect(&f, &f.matrix, WSIC_ERROR_NOT_FINITE, "2 elements");
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
    wsic_layer *const wide = encode(&f, 4.0);
    wsic_layer_write(wide, &first, &first_size);
    wsic_matrix_init(&f.matrix, sizeof f.matrix, single, WSIC_F32, A, N, STRIDE);
    wsic_layer *const narrow = encode(&f, 4.0);
    wsic_layer_write(narrow, &bytes, &size);
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

    choose(&f, (size_t)_i);
    ck_assert_int_eq(wsic_encoder_set_integer(f.encoder, WSIC_BLOCK_ROWS, 200), WSIC_OK);

    wsic_layer *const serial = encode(&f, 2.0);
    wsic_layer_write(serial, &first, &first_size);
    ck_assert_int_eq(wsic_context_set_threads(f.context, 3), WSIC_OK);
    wsic_layer *const parallel = encode(&f, 2.0);
    wsic_layer_write(parallel, &bytes, &size);
    ck_assert_uint_eq(size, first_size);
    ck_assert_mem_eq(bytes, first, size);
    wsic_layer_destroy(serial);
    wsic_layer_destroy(parallel);
    layer_close(&f);
}
END_TEST

START_TEST(memory_is_predicted_and_bounded)
{
    const size_t shapes[][2] = {{8, 8}, {300, 200}, {200, 300}, {40, 600}};
    const size_t *const shape = shapes[_i / VARIANTS];
    layer_fixture f = layer_open(shape[0], shape[1], COVARIANCE_DEAD, 22);
    wsic_encoder_report report = {.size = sizeof report};
    uint64_t predicted = 0;
    wsic_layer *layer = NULL;

    choose(&f, (size_t)_i % VARIANTS);
    wsic_encoder_set_number(f.encoder, WSIC_RATE, 3.0);
    ck_assert_int_eq(wsic_encoder_memusage(f.encoder, f.rows, f.columns, &predicted), WSIC_OK);
    ck_assert_int_ge(wsic_encoder_run(f.encoder, f.stats, &f.matrix, &layer), 0);
    ck_assert_int_eq(wsic_encoder_get_report(f.encoder, &report), WSIC_OK);
    ck_assert_uint_le(report.memory_peak, predicted);
    wsic_layer_destroy(layer);

    /* Any limit below the peak: an error, and afterwards everything is as before. */
    const uint64_t used = wsic_context_memory(f.context, NULL);
    for (uint64_t part = 0; part < 16; part++) {
        wsic_context_set_memory_limit(f.context, used + 1 + report.memory_peak * part / 16);
        expect(&f, &f.matrix, WSIC_ERROR_MEMORY_LIMIT, "limit");
        ck_assert_uint_eq(wsic_context_memory(f.context, NULL), used);
    }
    wsic_context_set_memory_limit(f.context, 0);
    ck_assert_int_ge(wsic_encoder_run(f.encoder, f.stats, &f.matrix, &layer), 0);
    wsic_layer_destroy(layer);
    layer_close(&f);
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

START_TEST(progress_rises_and_cancels)
{
    layer_fixture f = layer_open(64, 64, COVARIANCE_CHANNELS, 23);
    progress_log log = {0.0, 0, 0, true};

    wsic_encoder_set_number(f.encoder, WSIC_RATE, 2.0);
    wsic_context_set_progress(f.context, note_progress, &log);
    wsic_layer *layer = encode(&f, 2.0);
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
    wsic_context_cancel(f.context);
    expect(&f, &f.matrix, WSIC_ERROR_CANCELLED, "cancelled");
    layer = encode(&f, 2.0);
    wsic_layer_destroy(layer);
    layer_close(&f);
}
END_TEST

START_TEST(container_bytes_count)
{
    layer_fixture f = layer_open(256, 128, COVARIANCE_CHANNELS, 24);

    wsic_layer *layer = NULL;

    ck_assert_int_eq(wsic_encoder_set_integer(f.encoder, WSIC_CONTAINER_BYTES, 1000), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_number(f.encoder, WSIC_RATE, 2.0), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_run(f.encoder, f.stats, &f.matrix, &layer), WSIC_OK);
    const double rate = 8.0 * ((double)layer_info(layer).bytes + 1000.0) / (256.0 * 128.0);
    ck_assert_double_le(fabs(rate - 2.0), 0.0101);
    wsic_layer_destroy(layer);
    layer_close(&f);
}
END_TEST

START_TEST(plan_hands_its_step_on)
{
    layer_fixture f = layer_open(256, 128, COVARIANCE_CHANNELS, 25);
    wsic_plan_layer planned = {.size = sizeof planned};
    wsic_plan *plan = NULL;
    wsic_layer *layer = NULL;

    ck_assert_int_eq(wsic_plan_create(f.context, &plan), WSIC_OK);
    ck_assert_int_eq(wsic_plan_add(plan, f.stats, &f.matrix, NULL), WSIC_OK);
    ck_assert_int_lt(wsic_encoder_set_plan(f.encoder, plan, 0), 0);
    ck_assert_int_eq(wsic_plan_solve_rate(plan, 3.0), WSIC_OK);
    ck_assert_int_eq(wsic_plan_get(plan, 0, &planned), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_plan(f.encoder, plan, 0), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_run(f.encoder, f.stats, &f.matrix, &layer), WSIC_OK);
    const wsic_layer_info info = layer_info(layer);
    ck_assert_double_eq_tol(info.step / planned.step, 1.0, 1e-6);
    /* what was planned comes true: codes' rate and distortion */
    ck_assert_double_eq_tol(info.rate_codes, planned.rate, 0.1);
    ck_assert_double_eq_tol(info.distortion / planned.distortion, 1.0, 0.1);
    wsic_layer_destroy(layer);
    wsic_plan_destroy(plan);
    layer_close(&f);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("encoder");
    TCase *const targets = tcase_create("targets");
    TCase *const truth = tcase_create("truth");
    TCase *const input = tcase_create("input");
    TCase *const host = tcase_create("host");
    const int count = (int)(sizeof settings / sizeof *settings);

    tcase_set_timeout(targets, 120);
    tcase_set_timeout(truth, 120);
    tcase_set_timeout(host, 120);
    tcase_add_loop_test(targets, rate_is_met_and_above_the_limit, 0, count);
    tcase_add_test(targets, given_step_is_used);
    tcase_add_test(targets, given_distortion_is_met);
    tcase_add_test(targets, unreachable_rate_is_a_notice);
    tcase_add_test(targets, container_bytes_count);
    tcase_add_test(targets, plan_hands_its_step_on);
    tcase_add_loop_test(truth, reported_distortion_is_that_of_the_decoded_layer, 0, count);
    tcase_add_test(truth, limit_is_the_closed_form_at_high_rate);
    tcase_add_loop_test(truth, gap_is_the_theoretical_one, 0, 2);
    tcase_add_loop_test(truth, scales_change_no_code, 0, 4);
    tcase_add_test(truth, order_does_not_matter_at_high_rate);
    tcase_add_test(truth, distortion_falls_with_rate_and_with_rescalers);
    tcase_add_test(truth, uniform_spacing_has_one_scale);
    tcase_add_loop_test(input, small_and_thin_shapes, 0, VARIANTS);
    tcase_add_test(input, singular_covariance_is_quantized);
    tcase_add_test(input, dead_columns_are_zero_and_reported);
    tcase_add_loop_test(input, zero_rows_stay_zero, 0, VARIANTS);
    tcase_add_loop_test(input, nothing_to_code_is_a_notice, 0, 2);
    tcase_add_test(input, bad_input_is_named_and_nothing_is_lost);
    tcase_add_test(input, scales_beyond_float_are_refused);
    tcase_add_test(input, empty_statistics_are_refused);
    tcase_add_test(input, number_types_and_strides_agree);
    tcase_add_loop_test(host, threads_change_no_byte, 0, VARIANTS);
    tcase_add_loop_test(host, memory_is_predicted_and_bounded, 0, 4 * VARIANTS);
    tcase_add_test(host, progress_rises_and_cancels);
    suite_add_tcase(suite, targets);
    suite_add_tcase(suite, truth);
    suite_add_tcase(suite, input);
    suite_add_tcase(suite, host);
    return run_suite(suite);
}
