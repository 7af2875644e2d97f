/* SPDX-License-Identifier: MIT */
/* Single precision beside double: what is lost, where it is chosen, and what the layers say of
 * themselves. */
#include <math.h>

#include "check_main.h"
#include "layer_fixture.h"

enum { ROWS = 300, COLUMNS = 320 };

/* Σ = D A D for an autoregressive A of correlation r and variances that spread over 2^spread. */
static layer_fixture open_fixture(double correlation, double spread)
{
    layer_fixture f = layer_open(ROWS, COLUMNS, COVARIANCE_IDENTITY, 11);

    for (size_t i = 0; i < COLUMNS; i++) {
        for (size_t j = 0; j < COLUMNS; j++) {
            const double exponent =
                spread * ((double)(i * 37 % COLUMNS + j * 37 % COLUMNS) / (2.0 * COLUMNS));
            f.covariance[i * COLUMNS + j] =
                exp2(exponent) * pow(correlation, fabs((double)i - (double)j));
        }
    }
    layer_refresh(&f);
    return f;
}

/* At a step, so that nothing but the precision differs. Checks what the layer says of itself. */
static double encode(const layer_fixture *f, const char *preset, const char *precision, double step,
                     size_t *bytes)
{
    const void *data;
    wsic_layer *layer;

    ck_assert_int_eq(wsic_encoder_set_preset(f->encoder, preset), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_text(f->encoder, "precision", precision), WSIC_OK);
    wsic_encoder_set_integer(f->encoder, WSIC_LIMIT, 0);
    ck_assert_int_eq(wsic_encoder_set_number(f->encoder, WSIC_STEP, step), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_run(f->encoder, f->stats, &f->matrix, &layer), WSIC_OK);
    ck_assert_int_eq(wsic_layer_get_bytes(layer, &data, bytes), WSIC_OK);
    const double distortion = layer_distortion(f, layer);
    ck_assert_double_eq_tol(layer_info(layer).distortion / distortion, 1.0,
                            1e-5); /* of docs/algorithm.md */
    wsic_layer_destroy(layer);
    return distortion;
}

static const struct {
    double correlation, spread; /* condition numbers from 1e1 to 1e9 */
} cases[] = {{0.5, 0.0}, {0.99, 0.0}, {0.9, 10.0}, {0.999, 12.0}};
enum { CASES = sizeof cases / sizeof *cases };

static const char *const presets[] = {"fast", "default"};

/* Codes differ in a few places, of which each is as good as the other. */
START_TEST(single_precision_loses_nothing)
{
    layer_fixture f = open_fixture(cases[_i / 2].correlation, cases[_i / 2].spread);
    const double steps[] = {2.0, 0.5, 0.05};

    for (size_t k = 0; k < 3; k++) {
        size_t bytes = 0, expected_bytes = 0;
        const double expected = encode(&f, presets[_i % 2], "double", steps[k], &expected_bytes);
        const double distortion = encode(&f, presets[_i % 2], "auto", steps[k], &bytes);
        ck_assert_double_eq_tol(distortion / expected, 1.0, 1e-3);
        ck_assert_double_eq_tol((double)bytes / (double)expected_bytes, 1.0, 1e-3);
    }
    layer_close(&f);
}
END_TEST

/* With "codes" only the fit of both scales has single precision on its way. */
START_TEST(quick_fits_lose_nothing)
{
    layer_fixture f = open_fixture(cases[_i].correlation, cases[_i].spread);
    const double steps[] = {2.0, 0.5, 0.05};

    for (size_t k = 0; k < 3; k++) {
        size_t bytes = 0, expected_bytes = 0;
        const double expected = encode(&f, "paper", "double", steps[k], &expected_bytes);
        const double distortion = encode(&f, "paper", "codes", steps[k], &bytes);
        ck_assert_double_eq_tol(distortion / expected, 1.0, 1e-4);
        ck_assert_double_eq_tol((double)bytes / (double)expected_bytes, 1.0, 1e-3);
    }
    layer_close(&f);
}
END_TEST

/* All codes of preset "paper" at a rate of so many that rounding would change some, with the
 * precision that the preset has by itself or another. */
static void encode_paper(const layer_fixture *f, const char *precision, int32_t *codes)
{
    wsic_layer *layer;

    ck_assert_int_eq(wsic_encoder_set_preset(f->encoder, "paper"), WSIC_OK);
    if (precision)
        ck_assert_int_eq(wsic_encoder_set_text(f->encoder, "precision", precision), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_number(f->encoder, WSIC_RATE, 7.0), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_run(f->encoder, f->stats, &f->matrix, &layer), WSIC_OK);
    ck_assert_int_eq(wsic_layer_get_codes_flat(layer, 0, codes, WSIC_I32, ROWS, 0), WSIC_OK);
    wsic_layer_destroy(layer);
}

/* The codes of the paper are found in double precision, whatever the fit of the scales does. */
START_TEST(paper_has_the_codes_of_double_precision)
{
    static int32_t codes[ROWS * COLUMNS], expected[ROWS * COLUMNS], others[ROWS * COLUMNS];
    layer_fixture f = open_fixture(cases[_i].correlation, cases[_i].spread);

    encode_paper(&f, NULL, codes);
    encode_paper(&f, "double", expected);
    encode_paper(&f, "auto", others);
    ck_assert_mem_eq(codes, expected, sizeof codes);
    /* Otherwise this would tell nothing. With the other covariances no code has to change. */
    if (_i == 1)
        ck_assert_mem_ne(others, expected, sizeof others);
    layer_close(&f);
}
END_TEST

/* Where single precision would hurt it is not taken: the same bytes as in double. */
START_TEST(fine_steps_take_double_precision)
{
    layer_fixture f = open_fixture(0.9, 0.0);
    size_t bytes = 0, expected_bytes = 0;

    const double expected = encode(&f, "fast", "double", 1e-5, &expected_bytes);
    const double distortion = encode(&f, "fast", "auto", 1e-5, &bytes);
    ck_assert_double_eq(distortion, expected);
    ck_assert_uint_eq(bytes, expected_bytes);
    layer_close(&f);
}
END_TEST

/* A runner that keeps the largest number of tasks. */
static void count_tasks(void *user, size_t count, void (*task)(void *data, size_t index),
                        void *data)
{
    size_t *const most = user;

    *most = count > *most ? count : *most;
    for (size_t i = count; i-- > 0;)
        task(data, i);
}

/* A matrix of few rows is work for several threads, too. */
START_TEST(small_matrices_use_the_runner)
{
    layer_fixture f = open_fixture(0.9, 3.0);
    size_t most = 0, bytes = 0, expected_bytes = 0;

    const double expected = encode(&f, presets[_i], "auto", 0.5, &expected_bytes);
    ck_assert_int_eq(wsic_context_set_runner(f.context, count_tasks, &most), WSIC_OK);
    const double distortion = encode(&f, presets[_i], "auto", 0.5, &bytes);
    ck_assert_uint_ge(most, 3);
    ck_assert_double_eq(distortion, expected);
    ck_assert_uint_eq(bytes, expected_bytes);
    layer_close(&f);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("precision");
    TCase *const tc = tcase_create("precision");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, single_precision_loses_nothing, 0, 2 * CASES);
    tcase_add_loop_test(tc, quick_fits_lose_nothing, 0, CASES);
    tcase_add_loop_test(tc, paper_has_the_codes_of_double_precision, 0, CASES);
    tcase_add_test(tc, fine_steps_take_double_precision);
    tcase_add_loop_test(tc, small_matrices_use_the_runner, 0, 2);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
