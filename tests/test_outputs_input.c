/* SPDX-License-Identifier: MIT */
/* Statistics of outputs that are singular, zero, indefinite, of another size or not numbers; shapes
 * from one row on; lack of memory and a stop anywhere. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "counting_allocator.h"
#include "outputs_fixture.h"
#include "random.h"

/* --- hard cases ----------------------------------------------------------------------- */

/* Rows of zeros and rows that are left out stay zeros, whatever other rows' errors ask of them, and
 * a trellis runs through them. */
START_TEST(rows_of_zeros_stay_zeros)
{
    enum { A = 70, N = 24 };
    layer_fixture f = layer_open(A, N, COVARIANCE_AR, 23);
    double *const g = malloc(A * A * sizeof *g);
    double restored[A * N];

    outputs_random(g, A, 24);
    layer_choose(&f, (size_t)_i);
    outputs_set(&f, "lmmse", _i == 0 ? "0" : "1");
    outputs_set(&f, "rate", "2");
    outputs_set(&f, "block_rows", "16");
    for (size_t r = 0; r < A; r += 7)
        memset(f.weights + r * N, 0, N * sizeof *f.weights);
    wsic_layer *const layer = outputs_encode(&f, g);
    outputs_restore(layer, A, N, restored);
    for (size_t r = 0; r < A; r++) {
        double sum = 0.0;
        for (size_t j = 0; j < N; j++)
            sum += fabs(restored[r * N + j]);
        ck_assert_msg((sum == 0.0) == (r % 7 == 0), "row %zu", r);
    }
    const double truth = outputs_distortion(&f, g, layer);
    ck_assert_double_eq_tol(outputs_report(&f).output_distortion, truth, 1e-6 * truth);
    wsic_layer_destroy(layer);
    free(g);
    layer_close(&f);
}
END_TEST

/* Of 3 samples for 40 rows, and rows that no gradient reaches. */
START_TEST(singular_statistics_are_damped)
{
    enum { A = 40, N = 24, SAMPLES = 3 };
    layer_fixture f = layer_open(A, N, COVARIANCE_AR, 25);
    double gradients[SAMPLES * A], g[A * A];
    random_state random = {26};
    wsic_stats *outputs = NULL;
    wsic_layer *layer = NULL;
    wsic_matrix view;

    random_fill(&random, gradients, SAMPLES * A);
    for (size_t k = 0; k < SAMPLES * A; k++)
        gradients[k] = k % A < 5 ? 0.0 : gradients[k];
    for (size_t k = 0; k < A * A; k++) {
        g[k] = 0.0;
        for (size_t t = 0; t < SAMPLES; t++)
            g[k] += gradients[t * A + k / A] * gradients[t * A + k % A] / SAMPLES;
    }
    wsic_matrix_init(&view, sizeof view, gradients, WSIC_F64, SAMPLES, A, 0);
    ck_assert_int_eq(wsic_stats_create(f.context, A, &outputs), WSIC_OK);
    ck_assert_int_eq(wsic_stats_add_activations(outputs, &view, NULL), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, outputs_presets[_i]), WSIC_OK);
    outputs_set(&f, "rate", "3");
    outputs_set(&f, "outputs", "full");
    wsic_problem *const problem = outputs_problem(&f, outputs);
    ck_assert_int_ge(wsic_encoder_run_problem(f.encoder, problem, &layer), 0);
    const double truth = outputs_distortion(&f, g, layer);
    ck_assert_double_eq_tol(outputs_report(&f).output_distortion, truth, 1e-6 * truth);
    ck_assert_double_eq(outputs_report(&f).output_damping, 0.5);
    wsic_layer_destroy(layer);
    wsic_problem_destroy(problem);
    wsic_stats_destroy(outputs);
    layer_close(&f);
}
END_TEST

START_TEST(indefinite_statistics_are_refused)
{
    const double g[] = {1.0, 2.0, 2.0, 1.0};
    layer_fixture f = layer_open(2, 8, COVARIANCE_AR, 27);
    wsic_stats *const outputs = outputs_stats(&f, g, 2, 1000.0);
    wsic_layer *layer = NULL;

    outputs_set(&f, "rate", "3");
    wsic_problem *const problem = outputs_problem(&f, outputs);
    ck_assert_int_eq(wsic_encoder_run_problem(f.encoder, problem, &layer),
                     WSIC_ERROR_NOT_POSITIVE_DEFINITE);
    ck_assert_ptr_null(layer);
    ck_assert_ptr_nonnull(strstr(wsic_encoder_message(f.encoder), "row 0"));
    /* Nothing is lost: without them the problem is as good as before. */
    ck_assert_int_eq(wsic_problem_set_outputs(problem, NULL), WSIC_OK);
    ck_assert_int_ge(wsic_encoder_run_problem(f.encoder, problem, &layer), 0);
    wsic_layer_destroy(layer);
    wsic_problem_destroy(problem);
    wsic_stats_destroy(outputs);
    layer_close(&f);
}
END_TEST

static wsic_status try_outputs(layer_fixture *f, wsic_problem *problem, const double *g, size_t a,
                               const char *said)
{
    wsic_stats *const outputs = outputs_stats(f, g, a, 1000.0);
    const wsic_status status = wsic_problem_set_outputs(problem, outputs);

    ck_assert_msg(strstr(wsic_problem_message(problem), said) != NULL, "%s",
                  wsic_problem_message(problem));
    wsic_stats_destroy(outputs);
    return status;
}

START_TEST(bad_statistics_are_named)
{
    enum { A = 6, N = 8 };
    static const double zeros[A * A], ones[A * A] = {1.0};
    layer_fixture f = layer_open(A, N, COVARIANCE_AR, 28);
    wsic_stats *pairs = NULL, *empty = NULL;
    const double x[A] = {1.0};
    const double nan_row[A] = {0.0, NAN};
    wsic_matrix view, bad;

    wsic_problem *const problem = outputs_problem(&f, NULL);
    ck_assert_int_eq(wsic_problem_set_outputs(NULL, NULL), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(try_outputs(&f, problem, ones, A - 1, "5 columns, weights has 6 rows"),
                     WSIC_ERROR_SHAPE);
    ck_assert_int_eq(try_outputs(&f, problem, zeros, A, "no gradient"), WSIC_ERROR_RANGE);
    ck_assert_int_eq(wsic_stats_create(f.context, A, &empty), WSIC_OK);
    ck_assert_int_eq(wsic_problem_set_outputs(problem, empty), WSIC_ERROR_NO_SAMPLES);
    wsic_matrix_init(&bad, sizeof bad, nan_row, WSIC_F64, 1, A, 0);
    ck_assert_int_eq(wsic_stats_add_activations(empty, &bad, NULL), WSIC_ERROR_NOT_FINITE);
    ck_assert_int_eq(wsic_stats_create(f.context, A, &pairs), WSIC_OK);
    wsic_matrix_init(&view, sizeof view, x, WSIC_F64, 1, A, 0);
    ck_assert_int_eq(wsic_stats_add_pair(pairs, &view, &view, NULL, NULL), WSIC_OK);
    ck_assert_int_eq(wsic_problem_set_outputs(problem, pairs), WSIC_ERROR_STATE);
    ck_assert_int_eq(wsic_problem_set_outputs(problem, NULL), WSIC_OK);
    wsic_stats_destroy(pairs);
    wsic_stats_destroy(empty);
    wsic_problem_destroy(problem);
    layer_close(&f);
}
END_TEST

START_TEST(a_bad_diagonal_is_named)
{
    enum { A = 4, N = 8 };
    static const struct {
        double diagonal[A];
        size_t count;
        wsic_status status;
        const char *said;
    } cases[] = {
        {{1.0, 1.0, 1.0, 1.0}, A - 1, WSIC_ERROR_SHAPE, "diagonal has 3 numbers"},
        {{1.0, NAN, 1.0, 1.0}, A, WSIC_ERROR_NOT_FINITE, "diagonal[1] is nan"},
        {{1.0, 1.0, HUGE_VAL, 1.0}, A, WSIC_ERROR_NOT_FINITE, "diagonal[2] is inf"},
        {{1.0, 1.0, 1.0, -0.5}, A, WSIC_ERROR_ARGUMENT, "diagonal[3] is -0.5"},
        {{0.0, 0.0, 0.0, 0.0}, A, WSIC_ERROR_RANGE, "no gradient"},
    };
    const double good[A] = {1.0, 2.0, 3.0, 4.0};
    layer_fixture f = layer_open(A, N, COVARIANCE_AR, 42);
    wsic_layer *layer = NULL;

    outputs_set(&f, "rate", "3");
    wsic_problem *const problem = outputs_problem(&f, NULL);
    ck_assert_int_eq(wsic_problem_set_output_diagonal(NULL, good, A), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_problem_set_output_diagonal(problem, good, A), WSIC_OK);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        ck_assert_int_eq(
            wsic_problem_set_output_diagonal(problem, cases[k].diagonal, cases[k].count),
            cases[k].status);
        ck_assert_msg(strstr(wsic_problem_message(problem), cases[k].said) != NULL, "%s",
                      wsic_problem_message(problem));
    }
    /* The good one is still in use. */
    ck_assert_int_ge(wsic_encoder_run_problem(f.encoder, problem, &layer), 0);
    ck_assert_double_gt(outputs_report(&f).output_distortion, 0.0);
    wsic_layer_destroy(layer);
    ck_assert_int_eq(wsic_problem_set_output_diagonal(problem, NULL, 0), WSIC_OK);
    ck_assert_int_ge(wsic_encoder_run_problem(f.encoder, problem, &layer), 0);
    ck_assert_double_eq(outputs_report(&f).output_distortion, 0.0);
    wsic_layer_destroy(layer);
    wsic_problem_destroy(problem);
    layer_close(&f);
}
END_TEST

/* Every shape from one row or column on. */
START_TEST(small_shapes)
{
    static const size_t sizes[] = {1, 2, 3, 9, 33};

    for (size_t i = 0; i < 25; i++) {
        const size_t a = sizes[i / 5], n = sizes[i % 5];
        layer_fixture f = layer_open(a, n, COVARIANCE_AR, 32 + i);
        double *const g = malloc(a * a * sizeof *g);
        outputs_random(g, a, 33 + i);
        ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, outputs_presets[_i]), WSIC_OK);
        outputs_set(&f, "rate", "3");
        outputs_set(&f, "outputs", "full");
        wsic_layer *const layer = outputs_encode(&f, g);
        const double truth = outputs_distortion(&f, g, layer);
        ck_assert_double_eq_tol(outputs_report(&f).output_distortion, truth, 1e-6 * truth + 1e-300);
        wsic_layer_destroy(layer);
        free(g);
        layer_close(&f);
    }
}
END_TEST

/* Survivors of the recursion go through the columns of a row, and feedback from row to row. */
START_TEST(survivors_and_feedback_go_together)
{
    enum { A = 60, N = 30 };
    layer_fixture f = layer_open(A, N, COVARIANCE_AR, 36);
    double *const g = malloc(A * A * sizeof *g), distortion[2];

    outputs_random(g, A, 37);
    ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, "fast"), WSIC_OK);
    outputs_set(&f, "step", "0.8");
    outputs_set(&f, "rescale", "none");
    for (int k = 0; k < 2; k++) {
        outputs_set(&f, "survivors", k == 0 ? "1" : "16");
        wsic_layer *const layer = outputs_encode(&f, g);
        const double truth = outputs_distortion(&f, g, layer);
        ck_assert_double_eq_tol(outputs_report(&f).output_distortion, truth, 1e-6 * truth);
        distortion[k] = truth;
        wsic_layer_destroy(layer);
    }
    ck_assert_double_lt(distortion[1], distortion[0]);
    free(g);
    layer_close(&f);
}
END_TEST

/* --- what may go wrong ------------------------------------------------------------------ */

static counting_allocator counter;

/* A problem with statistics of outputs, and pairs of inputs where drift is set, from nothing. */
static wsic_status encode_small(void *data)
{
    enum { A = 20, N = 8, TOKENS = 30 };
    const int *const drift = data;
    static double x[TOKENS * N], w[A * N], g[TOKENS * A];
    const wsic_allocator hooks = {sizeof hooks, counting_allocate, counting_release, &counter};
    wsic_context *context = NULL;
    wsic_stats *inputs = NULL, *outputs = NULL;
    wsic_problem *problem = NULL;
    wsic_encoder *encoder = NULL;
    wsic_layer *layer = NULL;
    random_state random = {38};
    wsic_matrix view;

    random_fill(&random, x, TOKENS * N);
    random_fill(&random, w, A * N);
    random_fill(&random, g, TOKENS * A);
    wsic_status status = wsic_context_create(&hooks, &context);
    if (status == WSIC_OK)
        status = wsic_stats_create(context, N, &inputs);
    wsic_matrix_init(&view, sizeof view, x, WSIC_F64, TOKENS, N, 0);
    if (status == WSIC_OK)
        status = *drift ? wsic_stats_add_pair(inputs, &view, &view, NULL, NULL)
                        : wsic_stats_add_activations(inputs, &view, NULL);
    if (status == WSIC_OK)
        status = wsic_stats_create(context, A, &outputs);
    wsic_matrix_init(&view, sizeof view, g, WSIC_F64, TOKENS, A, 0);
    if (status == WSIC_OK)
        status = wsic_stats_add_activations(outputs, &view, NULL);
    wsic_matrix_init(&view, sizeof view, w, WSIC_F64, A, N, 0);
    if (status == WSIC_OK)
        status = wsic_problem_create(context, inputs, NULL, &view, &problem);
    if (status == WSIC_OK)
        status = wsic_problem_set_outputs(problem, outputs);
    if (status == WSIC_OK)
        status = wsic_encoder_create(context, &encoder);
    if (status == WSIC_OK)
        status = wsic_encoder_set_text(encoder, "trellis_states", "4");
    if (status == WSIC_OK)
        status = wsic_encoder_set_text(encoder, "step", "0.5");
    if (status == WSIC_OK)
        status = wsic_encoder_run_problem(encoder, problem, &layer);
    wsic_layer_destroy(layer);
    wsic_encoder_destroy(encoder);
    wsic_problem_destroy(problem);
    wsic_stats_destroy(outputs);
    wsic_stats_destroy(inputs);
    wsic_context_destroy(context);
    return status;
}

START_TEST(lack_of_memory_leaves_nothing_behind)
{
    int drift = _i;

    counting_hooks(&counter);
    refuse_every_allocation(&counter, encode_small, &drift);
    ck_assert_uint_eq(counter.live, 0);
}
END_TEST

static int32_t stop_at(void *user, double fraction, const char *stage)
{
    (void)stage;
    return fraction >= *(const double *)user;
}

START_TEST(a_run_may_be_stopped_anywhere)
{
    enum { A = 60, N = 30 };
    layer_fixture f = layer_open(A, N, COVARIANCE_AR, 39);
    double *const g = malloc(A * A * sizeof *g);
    wsic_layer *layer = NULL;

    outputs_random(g, A, 40);
    wsic_stats *const outputs = outputs_stats(&f, g, A, 1000.0);
    outputs_set(&f, "step", "0.5");
    wsic_problem *const problem = outputs_problem(&f, outputs);
    for (double part = 0.0; part < 0.4; part += 0.03) {
        wsic_context_set_progress(f.context, stop_at, &part);
        ck_assert_int_eq(wsic_encoder_run_problem(f.encoder, problem, &layer),
                         WSIC_ERROR_CANCELLED);
        ck_assert_ptr_null(layer);
    }
    wsic_context_set_progress(f.context, NULL, NULL);
    ck_assert_int_ge(wsic_encoder_run_problem(f.encoder, problem, &layer), 0);
    wsic_layer *const fresh = outputs_encode(&f, g);
    outputs_check_same(layer, fresh);
    wsic_layer_destroy(fresh);
    wsic_layer_destroy(layer);
    wsic_problem_destroy(problem);
    wsic_stats_destroy(outputs);
    free(g);
    layer_close(&f);
}
END_TEST

/* The bytes that a run may allocate are foretold. */
START_TEST(memory_is_within_what_was_foretold)
{
    enum { A = 200, N = 60 };
    layer_fixture f = layer_open(A, N, COVARIANCE_AR, 34);
    double *const g = malloc(A * A * sizeof *g);
    wsic_layer *layer = NULL;
    uint64_t foretold = 0;

    outputs_random(g, A, 35);
    wsic_stats *const outputs = outputs_stats(&f, g, A, 1000.0);
    ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, outputs_presets[_i]), WSIC_OK);
    outputs_set(&f, "rate", "2");
    outputs_set(&f, "outputs", "full");
    wsic_problem *const problem = outputs_problem(&f, outputs);
    ck_assert_int_eq(wsic_encoder_estimate_memory_problem(f.encoder, problem, &foretold), WSIC_OK);
    ck_assert_int_ge(wsic_encoder_run_problem(f.encoder, problem, &layer), 0);
    ck_assert_uint_le(outputs_report(&f).memory_peak, foretold);
    wsic_layer_destroy(layer);
    wsic_problem_destroy(problem);
    wsic_stats_destroy(outputs);
    free(g);
    layer_close(&f);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("outputs input");
    TCase *const hard = tcase_create("hard");

    tcase_add_loop_test(hard, rows_of_zeros_stay_zeros, 0, LAYER_VARIANTS);
    tcase_add_loop_test(hard, singular_statistics_are_damped, 0, OUTPUTS_PRESETS);
    tcase_add_test(hard, indefinite_statistics_are_refused);
    tcase_add_test(hard, bad_statistics_are_named);
    tcase_add_test(hard, a_bad_diagonal_is_named);
    tcase_add_loop_test(hard, small_shapes, 0, OUTPUTS_PRESETS);
    tcase_add_test(hard, survivors_and_feedback_go_together);
    tcase_add_loop_test(hard, lack_of_memory_leaves_nothing_behind, 0, 2);
    tcase_add_test(hard, a_run_may_be_stopped_anywhere);
    tcase_add_loop_test(hard, memory_is_within_what_was_foretold, 0, OUTPUTS_PRESETS);
    tcase_set_timeout(hard, 60);
    suite_add_tcase(suite, hard);
    return run_suite(suite);
}
