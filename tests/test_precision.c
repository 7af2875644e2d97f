/* SPDX-License-Identifier: MIT */
/* Single precision beside double: what is lost, where it is chosen, and what the layers say of
 * themselves. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "env_fixture.h"
#include "plain.h"
#include "random.h"
#include "watersic/watersic.h"

enum { ROWS = 300, COLUMNS = 320 };

typedef struct fixture {
    env_fixture env;
    double *sigma;
    float *weights;
    wsic_stats *stats;
    wsic_encoder *encoder;
    wsic_matrix matrix;
} fixture;

/* Σ = D A D for an autoregressive A of correlation r and variances that spread over 2^spread. */
static fixture open_fixture(double correlation, double spread)
{
    fixture f = {.env = env_open()};
    random_state random = {11};
    wsic_matrix sigma;

    f.sigma = malloc(COLUMNS * COLUMNS * sizeof *f.sigma);
    f.weights = malloc(ROWS * COLUMNS * sizeof *f.weights);
    for (size_t i = 0; i < COLUMNS; i++) {
        for (size_t j = 0; j < COLUMNS; j++) {
            const double exponent =
                spread * ((double)(i * 37 % COLUMNS + j * 37 % COLUMNS) / (2.0 * COLUMNS));
            f.sigma[i * COLUMNS + j] =
                exp2(exponent) * pow(correlation, fabs((double)i - (double)j));
        }
    }
    for (size_t k = 0; k < (size_t)ROWS * COLUMNS; k++)
        f.weights[k] = (float)random_normal(&random);
    ck_assert_int_eq(wsic_stats_create(f.env.context, COLUMNS, &f.stats), WSIC_OK);
    wsic_matrix_init(&sigma, sizeof sigma, f.sigma, WSIC_F64, COLUMNS, COLUMNS, 0);
    ck_assert_int_eq(wsic_stats_add_covariance(f.stats, &sigma, 1.0), WSIC_OK);
    wsic_matrix_init(&f.matrix, sizeof f.matrix, f.weights, WSIC_F32, ROWS, COLUMNS, 0);
    ck_assert_int_eq(wsic_encoder_create(f.env.context, &f.encoder), WSIC_OK);
    return f;
}

static void close_fixture(fixture *f)
{
    wsic_encoder_destroy(f->encoder);
    wsic_stats_destroy(f->stats);
    free(f->weights);
    free(f->sigma);
    env_close(&f->env);
}

/* tr((W - Ŵ) Σ (W - Ŵ)ᵀ) / (a n) of a layer, from its weights. */
static double true_distortion(const fixture *f, const wsic_layer *layer)
{
    float *const restored = malloc(ROWS * COLUMNS * sizeof *restored);
    double *const error = malloc(ROWS * COLUMNS * sizeof *error);
    double *const product = malloc(ROWS * COLUMNS * sizeof *product);
    wsic_matrix matrix;
    double sum = 0.0;

    wsic_matrix_init(&matrix, sizeof matrix, restored, WSIC_F32, ROWS, COLUMNS, 0);
    ck_assert_int_eq(wsic_layer_dequantize(layer, 0, &matrix), WSIC_OK);
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t j = 0; j < COLUMNS; j++)
            error[j * ROWS + i] =
                (double)f->weights[i * COLUMNS + j] - (double)restored[i * COLUMNS + j];
    }
    plain_multiply_symmetric(ROWS, COLUMNS, error, f->sigma, product);
    for (size_t k = 0; k < (size_t)ROWS * COLUMNS; k++)
        sum += error[k] * product[k];
    free(product);
    free(error);
    free(restored);
    return sum / ((double)ROWS * COLUMNS);
}

/* At a step, so that nothing but the precision differs. Checks what the layer says of itself. */
static double encode(const fixture *f, const char *preset, const char *precision, double step,
                     size_t *bytes)
{
    wsic_layer_info info = {.size = sizeof info};
    const void *data;
    wsic_layer *layer;

    ck_assert_int_eq(wsic_encoder_set_preset(f->encoder, preset), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_text(f->encoder, "precision", precision), WSIC_OK);
    wsic_encoder_set_integer(f->encoder, WSIC_LIMIT, 0);
    ck_assert_int_eq(wsic_encoder_set_number(f->encoder, WSIC_STEP, step), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_run(f->encoder, f->stats, &f->matrix, &layer), WSIC_OK);
    ck_assert_int_eq(wsic_layer_get_info(layer, &info), WSIC_OK);
    ck_assert_int_eq(wsic_layer_get_bytes(layer, &data, bytes), WSIC_OK);
    const double distortion = true_distortion(f, layer);
    ck_assert_double_eq_tol(info.distortion / distortion, 1.0, 1e-5); /* of docs/algorithm.md */
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
    fixture f = open_fixture(cases[_i / 2].correlation, cases[_i / 2].spread);
    const double steps[] = {2.0, 0.5, 0.05};

    for (size_t k = 0; k < 3; k++) {
        size_t bytes = 0, expected_bytes = 0;
        const double expected = encode(&f, presets[_i % 2], "double", steps[k], &expected_bytes);
        const double distortion = encode(&f, presets[_i % 2], "auto", steps[k], &bytes);
        ck_assert_double_eq_tol(distortion / expected, 1.0, 1e-3);
        ck_assert_double_eq_tol((double)bytes / (double)expected_bytes, 1.0, 1e-3);
    }
    close_fixture(&f);
}
END_TEST

/* With "codes" only the fit of both scales has single precision on its way. */
START_TEST(quick_fits_lose_nothing)
{
    fixture f = open_fixture(cases[_i].correlation, cases[_i].spread);
    const double steps[] = {2.0, 0.5, 0.05};

    for (size_t k = 0; k < 3; k++) {
        size_t bytes = 0, expected_bytes = 0;
        const double expected = encode(&f, "paper", "double", steps[k], &expected_bytes);
        const double distortion = encode(&f, "paper", "codes", steps[k], &bytes);
        ck_assert_double_eq_tol(distortion / expected, 1.0, 1e-4);
        ck_assert_double_eq_tol((double)bytes / (double)expected_bytes, 1.0, 1e-3);
    }
    close_fixture(&f);
}
END_TEST

/* Where single precision would hurt it is not taken: the same bytes as in double. */
START_TEST(fine_steps_take_double_precision)
{
    fixture f = open_fixture(0.9, 0.0);
    size_t bytes = 0, expected_bytes = 0;

    const double expected = encode(&f, "fast", "double", 1e-5, &expected_bytes);
    const double distortion = encode(&f, "fast", "auto", 1e-5, &bytes);
    ck_assert_double_eq(distortion, expected);
    ck_assert_uint_eq(bytes, expected_bytes);
    close_fixture(&f);
}
END_TEST

/* A matrix of fewer rows than a tile of any kind uses the threads, and does not show it. */
static void count_tasks(void *user, size_t count, void (*task)(void *data, size_t index),
                        void *data)
{
    size_t *const most = user;

    *most = count > *most ? count : *most;
    for (size_t i = count; i-- > 0;)
        task(data, i);
}

START_TEST(small_matrices_use_the_runner)
{
    fixture f = open_fixture(0.9, 3.0);
    size_t most = 0, bytes = 0, expected_bytes = 0;

    const double expected = encode(&f, presets[_i], "auto", 0.5, &expected_bytes);
    ck_assert_int_eq(wsic_context_set_runner(f.env.context, count_tasks, &most), WSIC_OK);
    const double distortion = encode(&f, presets[_i], "auto", 0.5, &bytes);
    ck_assert_uint_ge(most, 3);
    ck_assert_double_eq(distortion, expected);
    ck_assert_uint_eq(bytes, expected_bytes);
    close_fixture(&f);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("precision");
    TCase *const tc = tcase_create("precision");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, single_precision_loses_nothing, 0, 2 * CASES);
    tcase_add_loop_test(tc, quick_fits_lose_nothing, 0, CASES);
    tcase_add_test(tc, fine_steps_take_double_precision);
    tcase_add_loop_test(tc, small_matrices_use_the_runner, 0, 2);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
