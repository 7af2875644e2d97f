/* SPDX-License-Identifier: MIT */
/* The encoder through the public interface: rates are met in bytes, reported figures are
 * true, nothing falls below the limit. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "layer_fixture.h"

static const double rates[] = {0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0};
enum { RATES = sizeof rates / sizeof *rates };

enum { OF_PRESET = -1 };

static const struct {
    const char *preset;
    int covariance;
    int variant; /* of the quantizer */
} settings[] = {
    {"paper", COVARIANCE_CHANNELS, OF_PRESET},
    {"paper", COVARIANCE_IDENTITY, OF_PRESET},
    {"fast", COVARIANCE_AR, OF_PRESET},
    {"default", COVARIANCE_CHANNELS, OF_PRESET},
    {"default", COVARIANCE_DEAD, OF_PRESET},
    {"max", COVARIANCE_CHANNELS, OF_PRESET},
    {"max", COVARIANCE_AR, OF_PRESET},
    {"default", COVARIANCE_CHANNELS, 1},
    {"default", COVARIANCE_AR, 2},
    {"default", COVARIANCE_DEAD, 0},
};

static void apply(layer_fixture *f, int setting)
{
    ck_assert_int_eq(wsic_encoder_set_preset(f->encoder, settings[setting].preset), WSIC_OK);
    if (settings[setting].variant != OF_PRESET)
        layer_choose(f, (size_t)settings[setting].variant);
}

/* The promise of the headers, and the floor that nothing may pass. */
START_TEST(rate_is_met_and_above_the_limit)
{
    layer_fixture f = layer_open(256, 256, settings[_i].covariance, 1);

    apply(&f, _i);
    for (size_t k = 0; k < RATES; k++) {
        wsic_layer *const layer = layer_encode(&f, rates[k]);
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

    apply(&f, _i);
    for (size_t r = 0; r < f.rows; r++) {
        for (size_t i = 0; i < f.columns; i++) {
            for (size_t j = 0; j < f.columns; j++)
                energy += f.weights[r * f.columns + i] * f.covariance[i * f.columns + j] *
                          f.weights[r * f.columns + j];
        }
    }
    energy /= (double)f.rows * (double)f.columns;
    for (size_t k = 3; k < RATES; k++) {
        wsic_layer *const layer = layer_encode(&f, rates[k]);
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
    wsic_layer *const layer = layer_encode(&f, 6.0);
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

/* Where some of the spectrum is under water too, and whether or not the statistics know it. */
START_TEST(limit_is_that_of_the_spectrum)
{
    enum { N = 150 };
    layer_fixture f = layer_open(200, N, COVARIANCE_CHANNELS, 3);
    wsic_layer *const layer = layer_encode(&f, 0.5 + _i);
    const wsic_layer_info info = layer_info(layer);
    double variance = 0.0, rate = 0.0, level = 0.0, spectrum[N];

    for (size_t k = 0; k < f.rows * f.columns; k++)
        variance += f.weights[k] * f.weights[k] / (double)(f.rows * f.columns);
    ck_assert_int_eq(wsic_stats_get_spectrum(f.stats, spectrum), WSIC_OK);
    ck_assert_int_eq(wsic_waterfill_rate(spectrum, N, variance, info.distortion, &rate, &level),
                     WSIC_OK);
    if (_i == 0)
        ck_assert_double_lt(spectrum[N - 1], level / variance);
    ck_assert_double_eq_tol(info.limit_rate, rate, 1e-6);
    wsic_layer *const again = layer_encode(&f, 0.5 + _i);
    ck_assert_double_eq(layer_info(again).limit_rate, info.limit_rate);
    wsic_layer_destroy(again);
    wsic_layer_destroy(layer);
    layer_close(&f);
}
END_TEST

/* Gaussian weights, high rate: the gap of entropy-coded uniform quantization is
 * ½ log2(2πe/12) = 0.2546 bit, plus a little side information; a trellis wins back most of
 * it, but never all. */
START_TEST(gap_is_the_theoretical_one)
{
    static const struct {
        const char *preset;
        double least, most;
    } expected[] = {
        {"paper", 0.24, 0.32}, {"fast", 0.24, 0.32}, {"default", 0.05, 0.14}, {"max", 0.03, 0.11}};
    layer_fixture f = layer_open(512, 256, _i == 0 ? COVARIANCE_IDENTITY : COVARIANCE_CHANNELS, 4);

    for (size_t k = 0; k < sizeof expected / sizeof *expected; k++) {
        ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, expected[k].preset), WSIC_OK);
        wsic_layer *const layer = layer_encode(&f, 4.0);
        ck_assert_double_gt(layer_info(layer).gap, expected[k].least);
        ck_assert_double_lt(layer_info(layer).gap, expected[k].most);
        wsic_layer_destroy(layer);
    }
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
        ck_assert_int_eq(wsic_layer_get_codes(layer, 0, &view), WSIC_OK);
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
        wsic_layer *const layer = layer_encode(&f, 6.0);
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

    ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, "paper"), WSIC_OK);
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
        wsic_layer *const layer = layer_encode(&f, rates[k]);
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
        ck_assert_int_eq(wsic_encoder_set_text(f.encoder, "rescale", modes[k]), WSIC_OK);
        ck_assert_int_eq(wsic_encoder_run(f.encoder, f.stats, &f.matrix, &layer), WSIC_OK);
        /* rounding the scales to their stored form may cost a trace */
        ck_assert_double_lt(layer_info(layer).distortion, previous * 1.01);
        previous = layer_info(layer).distortion;
        wsic_layer_destroy(layer);
    }
    layer_close(&f);
}
END_TEST

/* Where columns have nothing to do with each other there are no bits of others that a ridge could
 * stand for: only rounding, which counts none, goes by it. */
START_TEST(own_bits_are_counted_once)
{
    layer_fixture f = layer_open(128, 24, COVARIANCE_IDENTITY, 12);
    int32_t codes[2][128 * 24];

    layer_choose(&f, (size_t)_i);
    ck_assert_int_eq(wsic_encoder_set_number(f.encoder, WSIC_STEP, 1.5), WSIC_OK);
    for (int ridge = 0; ridge < 2; ridge++) {
        wsic_layer *layer = NULL;
        wsic_matrix view;
        ck_assert_int_eq(wsic_encoder_set_number(f.encoder, WSIC_RIDGE, ridge), WSIC_OK);
        ck_assert_int_eq(wsic_encoder_run(f.encoder, f.stats, &f.matrix, &layer), WSIC_OK);
        wsic_matrix_init(&view, sizeof view, codes[ridge], WSIC_I32, f.rows, f.columns, 0);
        ck_assert_int_eq(wsic_layer_get_codes(layer, 0, &view), WSIC_OK);
        wsic_layer_destroy(layer);
    }
    const bool same = memcmp(codes[0], codes[1], sizeof codes[0]) == 0;
    ck_assert_int_eq(same, _i != 0);
    layer_close(&f);
}
END_TEST

/* Even where most of it is what the ridge holds back, and no error of the recursion. Three symbols
 * a row come in coarse steps. */
START_TEST(large_distortions_are_met)
{
    static const double targets[] = {0.01, 0.1, 0.4};
    layer_fixture f = layer_open(256, 64, COVARIANCE_SINGULAR, 33);

    layer_choose(&f, (size_t)_i);
    for (size_t k = 0; k < sizeof targets / sizeof *targets; k++) {
        wsic_layer *layer = NULL;
        ck_assert_int_eq(wsic_encoder_set_number(f.encoder, WSIC_DISTORTION, targets[k]), WSIC_OK);
        ck_assert_int_ge(wsic_encoder_run(f.encoder, f.stats, &f.matrix, &layer), 0);
        ck_assert_double_le(fabs(layer_distortion(&f, layer) / targets[k] - 1.0), 0.25);
        wsic_layer_destroy(layer);
    }
    layer_close(&f);
}
END_TEST

START_TEST(uniform_spacing_has_one_scale)
{
    layer_fixture f = layer_open(80, 60, COVARIANCE_CHANNELS, 10);

    ck_assert_int_eq(wsic_encoder_set_text(f.encoder, "spacing", "uniform"), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_text(f.encoder, "lmmse", "0"), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_text(f.encoder, "rescale", "none"), WSIC_OK);
    wsic_layer *const uniform = layer_encode(&f, 2.5);
    const float *const scales = wsic_layer_column_scales(uniform);
    for (size_t j = 1; j < f.columns; j++)
        ck_assert_float_eq(scales[j], scales[0]);
    ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, "default"), WSIC_OK);
    wsic_layer *const water = layer_encode(&f, 2.5);
    ck_assert_double_lt(layer_info(water).distortion, layer_info(uniform).distortion);
    wsic_layer_destroy(uniform);
    wsic_layer_destroy(water);
    layer_close(&f);
}
END_TEST

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

    ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, "paper"), WSIC_OK);
    ck_assert_int_eq(wsic_plan_create(f.context, &plan), WSIC_OK);
    ck_assert_int_eq(wsic_plan_add(plan, f.stats, &f.matrix, NULL), WSIC_OK);
    ck_assert_int_lt(wsic_encoder_set_plan(f.encoder, plan, 0), 0);
    ck_assert_int_eq(wsic_plan_solve_rate(plan, 3.0), WSIC_OK);
    ck_assert_int_eq(wsic_plan_get_layer(plan, 0, &planned), WSIC_OK);
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
    const int count = (int)(sizeof settings / sizeof *settings);

    tcase_set_timeout(targets, 120);
    tcase_set_timeout(truth, 120);
    tcase_add_loop_test(targets, rate_is_met_and_above_the_limit, 0, count);
    tcase_add_test(targets, given_step_is_used);
    tcase_add_test(targets, given_distortion_is_met);
    tcase_add_test(targets, unreachable_rate_is_a_notice);
    tcase_add_test(targets, container_bytes_count);
    tcase_add_test(targets, plan_hands_its_step_on);
    tcase_add_loop_test(truth, reported_distortion_is_that_of_the_decoded_layer, 0, count);
    tcase_add_test(truth, limit_is_the_closed_form_at_high_rate);
    tcase_add_loop_test(truth, limit_is_that_of_the_spectrum, 0, 4);
    tcase_add_loop_test(truth, gap_is_the_theoretical_one, 0, 2);
    tcase_add_loop_test(truth, scales_change_no_code, 0, 4);
    tcase_add_test(truth, order_does_not_matter_at_high_rate);
    tcase_add_test(truth, distortion_falls_with_rate_and_with_rescalers);
    tcase_add_loop_test(truth, own_bits_are_counted_once, 0, LAYER_VARIANTS);
    tcase_add_loop_test(truth, large_distortions_are_met, 0, LAYER_VARIANTS);
    tcase_add_test(truth, uniform_spacing_has_one_scale);
    suite_add_tcase(suite, targets);
    suite_add_tcase(suite, truth);
    return run_suite(suite);
}
