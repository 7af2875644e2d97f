/* SPDX-License-Identifier: MIT */
/* Codes that fit four bits: asked for, found by chance, and refused where they do not. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "layer_fixture.h"

enum { ROWS = 96, COLUMNS = 80, VALUES = ROWS * COLUMNS };

static void set(const layer_fixture *f, const char *name, const char *value)
{
    ck_assert_msg(wsic_encoder_set_text(f->encoder, name, value) == WSIC_OK, "%s",
                  wsic_encoder_message(f->encoder));
}

static wsic_status codes_as(const wsic_layer *layer, uint32_t dtype, void *out)
{
    wsic_matrix matrix;

    wsic_matrix_init(&matrix, sizeof matrix, out, dtype, ROWS, COLUMNS, 0);
    return wsic_layer_get_codes(layer, 0, &matrix);
}

static int32_t unpack(const uint8_t *packed, size_t k)
{
    const int32_t half = packed[k / 2] >> 4 * (k % 2) & 0xF;
    return half < 8 ? half : half - 16;
}

/* info says it, all ways of asking agree, and two to a byte they are the same codes. */
static void check_fits(const wsic_layer *layer)
{
    int32_t codes[VALUES], least, greatest;
    uint8_t packed[VALUES / 2];

    ck_assert_uint_eq(layer_info(layer).codes_fit_i4, 1);
    ck_assert_uint_eq(layer_info(layer).code_dtype, WSIC_I8);
    ck_assert_int_eq(wsic_layer_get_code_range(layer, &least, &greatest), WSIC_OK);
    ck_assert_int_ge(least, -8);
    ck_assert_int_le(greatest, 7);
    ck_assert_int_eq(codes_as(layer, WSIC_I32, codes), WSIC_OK);
    ck_assert_int_eq(codes_as(layer, WSIC_I4, packed), WSIC_OK);
    for (size_t k = 0; k < VALUES; k++)
        ck_assert_int_eq(unpack(packed, k), codes[k]);
}

/* At any rate, also one that takes larger codes; what the layer says of its error is true. */
START_TEST(codes_fit_where_that_is_asked)
{
    static const char *const rates[] = {"1", "2", "3", "6"};

    for (int covariance = COVARIANCE_AR; covariance <= COVARIANCE_CHANNELS; covariance++) {
        layer_fixture f = layer_open(ROWS, COLUMNS, covariance, 7);
        wsic_layer *layer;
        layer_choose(&f, (size_t)_i % LAYER_VARIANTS);
        set(&f, "codes_fit_i4", "1");
        set(&f, "rate", rates[_i / LAYER_VARIANTS]);
        f.weights[5 * COLUMNS + 3] = 50.0; /* of deviation 1 */
        layer_refresh(&f);
        const wsic_status status = wsic_encoder_run(f.encoder, f.stats, &f.matrix, &layer);
        ck_assert_msg(status == WSIC_OK || status == WSIC_NOTICE_RATE, "%s",
                      wsic_encoder_message(f.encoder));
        check_fits(layer);
        ck_assert_double_eq_tol(layer_info(layer).distortion / layer_distortion(&f, layer), 1.0,
                                1e-6);
        ck_assert_double_lt(layer_info(layer).relative_distortion, 0.5);
        wsic_layer_destroy(layer);
        layer_close(&f);
    }
}
END_TEST

/* Rows that go together: what they feed back to each other moves numbers, not the bounds. */
START_TEST(codes_fit_with_feedback_between_rows)
{
    layer_fixture f = layer_open(ROWS, COLUMNS, COVARIANCE_AR, 7);
    double *const together = calloc(ROWS * ROWS, sizeof *together);
    wsic_problem *problem;
    wsic_stats *outputs;
    wsic_matrix matrix;
    wsic_layer *layer;

    for (size_t i = 0; i < ROWS * ROWS; i++)
        together[i] = pow(0.8, fabs((double)(i / ROWS) - (double)(i % ROWS)));
    layer_choose(&f, (size_t)_i);
    set(&f, "codes_fit_i4", "1");
    set(&f, "rate", "3");
    f.weights[5 * COLUMNS + 3] = 50.0;
    layer_refresh(&f);
    wsic_matrix_init(&matrix, sizeof matrix, together, WSIC_F64, ROWS, ROWS, 0);
    ck_assert_int_eq(wsic_stats_create(f.context, ROWS, &outputs), WSIC_OK);
    ck_assert_int_eq(wsic_stats_add_covariance(outputs, &matrix, 1000.0), WSIC_OK);
    ck_assert_int_eq(wsic_problem_create(f.context, f.stats, NULL, &f.matrix, &problem), WSIC_OK);
    ck_assert_int_eq(wsic_problem_set_outputs(problem, outputs), WSIC_OK);
    ck_assert_msg(wsic_encoder_run_problem(f.encoder, problem, &layer) >= 0, "%s",
                  wsic_encoder_message(f.encoder));
    check_fits(layer);
    ck_assert_double_lt(layer_info(layer).relative_distortion, 0.5);
    wsic_layer_destroy(layer);
    wsic_problem_destroy(problem);
    wsic_stats_destroy(outputs);
    layer_close(&f);
    free(together);
}
END_TEST

static wsic_layer_info info_at(layer_fixture *f, const char *rate, const char *fit)
{
    wsic_layer *layer;

    set(f, "codes_fit_i4", fit);
    set(f, "rate", rate);
    ck_assert_int_ge(wsic_encoder_run(f->encoder, f->stats, &f->matrix, &layer), WSIC_OK);
    const wsic_layer_info info = layer_info(layer);
    wsic_layer_destroy(layer);
    return info;
}

/* Where nearly all codes fit in any case, nearly nothing is lost, in rate: half the log of the
 * ratio of distortions. */
START_TEST(little_is_lost_at_low_rates)
{
    layer_fixture f = layer_open(4 * ROWS, COLUMNS, COVARIANCE_AR, 8);

    layer_choose(&f, (size_t)_i);
    const char *const rate = _i < 2 ? "2" : "1";
    const wsic_layer_info free = info_at(&f, rate, "0"), fit = info_at(&f, rate, "1");
    ck_assert_double_lt(fabs(fit.gap - free.gap), 0.05);
    ck_assert_double_lt(0.5 * log2(fit.distortion / free.distortion), 0.05);
    layer_close(&f);
}
END_TEST

/* No step gives 6 bits: the run says so, and the gap what is lost. */
START_TEST(rates_beyond_are_not_reached)
{
    layer_fixture f = layer_open(ROWS, COLUMNS, COVARIANCE_AR, 9);
    wsic_layer *layer;

    layer_choose(&f, (size_t)_i);
    set(&f, "codes_fit_i4", "1");
    set(&f, "rate", "6");
    ck_assert_int_eq(wsic_encoder_run(f.encoder, f.stats, &f.matrix, &layer), WSIC_NOTICE_RATE);
    ck_assert_double_gt(layer_info(layer).rate, _i < 2 ? 3.0 : 2.0);
    ck_assert_double_lt(layer_info(layer).rate, 5.0);
    ck_assert_double_gt(layer_info(layer).gap, 0.0);
    wsic_layer_destroy(layer);
    layer_close(&f);
}
END_TEST

/* Without asking, small codes say that they fit, and large ones are refused by name. */
START_TEST(what_fits_by_chance_says_so)
{
    layer_fixture f = layer_open(ROWS, COLUMNS, COVARIANCE_IDENTITY, 10);
    uint8_t packed[VALUES / 2];
    wsic_layer *small, *large;

    layer_choose(&f, 0);
    set(&f, "step", "1.5");
    ck_assert_int_eq(wsic_encoder_run(f.encoder, f.stats, &f.matrix, &small), WSIC_OK);
    check_fits(small);
    set(&f, "step", "0.1");
    ck_assert_int_eq(wsic_encoder_run(f.encoder, f.stats, &f.matrix, &large), WSIC_OK);
    ck_assert_uint_eq(layer_info(large).codes_fit_i4, 0);
    ck_assert_int_eq(codes_as(large, WSIC_I4, packed), WSIC_ERROR_RANGE);
    ck_assert_ptr_nonnull(strstr(wsic_layer_message(large), "code ("));
    ck_assert_ptr_nonnull(strstr(wsic_layer_message(large), "I4"));
    wsic_layer_destroy(small);
    wsic_layer_destroy(large);
    layer_close(&f);
}
END_TEST

START_TEST(survivors_are_refused)
{
    layer_fixture f = layer_open(8, 8, COVARIANCE_IDENTITY, 11);
    wsic_layer *layer;

    set(&f, "quantizer", "scalar");
    set(&f, "lmmse", "0");
    set(&f, "survivors", "4");
    set(&f, "codes_fit_i4", "1");
    set(&f, "step", "1");
    ck_assert_int_eq(wsic_encoder_run(f.encoder, f.stats, &f.matrix, &layer), WSIC_ERROR_STATE);
    ck_assert_ptr_nonnull(strstr(wsic_encoder_message(f.encoder), "codes_fit_i4"));
    layer_close(&f);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("codes_fit");
    TCase *const tests = tcase_create("codes_fit");

    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, codes_fit_where_that_is_asked, 0, 4 * LAYER_VARIANTS);
    tcase_add_loop_test(tests, little_is_lost_at_low_rates, 0, LAYER_VARIANTS);
    tcase_add_loop_test(tests, rates_beyond_are_not_reached, 0, LAYER_VARIANTS);
    tcase_add_loop_test(tests, codes_fit_with_feedback_between_rows, 0, LAYER_VARIANTS);
    tcase_add_test(tests, what_fits_by_chance_says_so);
    tcase_add_test(tests, survivors_are_refused);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
