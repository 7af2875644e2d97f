/* SPDX-License-Identifier: MIT */
/* Drift and residuals: the distortion is that of the tokens, the target the best there is. */
#include "check_main.h"
#include "drift_fixture.h"

enum { R = DRIFT_ROWS, N = DRIFT_COLUMNS };

static drift_fixture f;

/* --- distortions -------------------------------------------------------------------- */

static const struct {
    const char *preset;
    double q, a, step;
    bool residual;
} mixtures[] = {
    {"paper", 0.0, 1.0, 0.3, false},   {"default", 0.0, 1.0, 0.3, false},
    {"paper", 0.0, 1.0, 0.3, true},    {"default", 0.0, 1.0, 0.05, true},
    {"default", 0.3, 1.0, 0.3, true},  {"paper", 0.4, 0.7, 0.3, false},
    {"default", 0.0, 0.0, 0.2, true},  {"default", 0.25, 0.5, 0.2, true},
    {"default", 1.0, 0.6, 0.2, false}, {"paper", 1.0, 0.0, 0.2, true},
};

/* The reported distortion, constants and all, is what the tokens say. */
START_TEST(distortion_is_that_of_the_tokens)
{
    float restored[R * N];

    drift_open(&f, mixtures[_i].residual, 1);
    wsic_problem *const problem = open_problem(&f, true);
    set_step(&f, mixtures[_i].preset, mixtures[_i].step);
    ck_assert_int_eq(wsic_problem_set_mix(problem, mixtures[_i].q, mixtures[_i].a), WSIC_OK);
    wsic_layer *const layer = run(&f, problem);
    drift_restore(layer, restored);
    const drift_mix mix = {mixtures[_i].q, mixtures[_i].a, mixtures[_i].residual, NULL};
    const double truth = drift_truth(&f, restored, mix);
    memset(restored, 0, sizeof restored);
    const double energy = drift_truth(&f, restored, mix);
    ck_assert_double_eq_tol(info_of(layer).distortion / truth, 1.0, 1e-9);
    ck_assert_double_eq_tol(info_of(layer).relative_distortion / (truth / energy), 1.0, 1e-6);
    /* A drifted input has no limit to report. */
    ck_assert_int_eq(info_of(layer).limit_rate == -1.0, mixtures[_i].q < 1.0);
    wsic_layer_destroy(layer);
    wsic_problem_destroy(problem);
    drift_close(&f);
}
END_TEST

/* The least-squares solution is the floor; a fine step comes close to it, and no layer below. */
START_TEST(fine_steps_reach_the_best_of_all_layers)
{
    double gram[N][N] = {{0.0}}, right[R][N] = {{0.0}};
    float best[R * N], restored[R * N];

    drift_open(&f, true, 2);
    for (size_t t = 0; t < DRIFT_TOKENS; t++) {
        double out[R];
        for (size_t r = 0; r < R; r++) {
            out[r] = f.dr[t][r];
            for (size_t j = 0; j < N; j++)
                out[r] += f.w[r][j] * f.x[t][j];
            for (size_t j = 0; j < N; j++)
                right[r][j] += out[r] * f.xq[t][j];
        }
        for (size_t i = 0; i < N; i++) {
            for (size_t j = 0; j < N; j++)
                gram[i][j] += f.xq[t][i] * f.xq[t][j];
        }
    }
    /* Gauss and Jordan; the Gram matrix needs no pivots. */
    for (size_t k = 0; k < N; k++) {
        for (size_t i = 0; i < N; i++) {
            const double factor = gram[i][k] / gram[k][k];
            if (i == k)
                continue;
            for (size_t j = 0; j < N; j++)
                gram[i][j] -= factor * gram[k][j];
            for (size_t r = 0; r < R; r++)
                right[r][i] -= factor * right[r][k];
        }
    }
    for (size_t r = 0; r < R; r++) {
        for (size_t j = 0; j < N; j++)
            best[r * N + j] = (float)(right[r][j] / gram[j][j]);
    }
    const drift_mix mix = {0.0, 1.0, 1, NULL};
    const double floor = drift_truth(&f, best, mix);
    double previous = HUGE_VAL;
    ck_assert_int_eq(wsic_encoder_set_number(f.encoder, WSIC_DAMPING, 0.0), WSIC_OK);
    for (double step = 0.4; step > 0.005; step *= 0.25) {
        wsic_layer *layer = NULL;
        ck_assert_int_eq(wsic_encoder_set_number(f.encoder, WSIC_STEP, step), WSIC_OK);
        ck_assert_int_eq(wsic_encoder_run(f.encoder, f.stats, &f.w_view, &layer), WSIC_OK);
        drift_restore(layer, restored);
        const double reached = drift_truth(&f, restored, mix);
        ck_assert_double_gt(reached, floor);
        ck_assert_double_lt(reached, previous);
        /* What is above the floor is quantization: c²/12, less what low rates save. */
        ck_assert_double_lt(reached - floor, 1.3 * step * step / 12.0 + 1e-9);
        previous = reached;
        wsic_layer_destroy(layer);
    }
    drift_close(&f);
}
END_TEST

/* At the same rate, knowing the drift leaves less error than not knowing it. */
START_TEST(every_ingredient_helps)
{
    float restored[R * N];
    double error[3];

    for (int kind = 0; kind < 3; kind++) { /* neither, drift, drift and residual */
        drift_open(&f, kind == 2, 3);
        wsic_problem *const problem = open_problem(&f, false);
        ck_assert_int_eq(wsic_encoder_set_number(f.encoder, WSIC_RATE, 3.0), WSIC_OK);
        ck_assert_int_eq(wsic_problem_set_mix(problem, kind == 0 ? 1.0 : 0.0, 1.0), WSIC_OK);
        wsic_layer *const layer = run(&f, problem);
        drift_restore(layer, restored);
        error[kind] = drift_truth(&f, restored, (drift_mix){0.0, 1.0, 1, NULL});
        wsic_layer_destroy(layer);
        wsic_problem_destroy(problem);
        drift_close(&f);
    }
    ck_assert_double_lt(error[1], 0.97 * error[0]);
    ck_assert_double_lt(error[2], 0.9 * error[1]);
}
END_TEST

START_TEST(a_distortion_above_the_floor_is_met)
{
    wsic_layer *layer = NULL;

    drift_open(&f, true, 4);
    ck_assert_int_eq(wsic_encoder_set_number(f.encoder, WSIC_STEP, 0.001), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_run(f.encoder, f.stats, &f.w_view, &layer), WSIC_OK);
    const double floor = info_of(layer).distortion;
    wsic_layer_destroy(layer);
    ck_assert_int_eq(wsic_encoder_set_number(f.encoder, WSIC_STEP, 0.0), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_number(f.encoder, WSIC_DISTORTION, 1.5 * floor), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_run(f.encoder, f.stats, &f.w_view, &layer), WSIC_OK);
    ck_assert_double_eq_tol(info_of(layer).distortion / (1.5 * floor), 1.0, 0.02);
    wsic_layer_destroy(layer);
    /* Below it nothing helps; the call still ends, and says so. */
    ck_assert_int_eq(wsic_encoder_set_number(f.encoder, WSIC_DISTORTION, 0.5 * floor), WSIC_OK);
    const wsic_status status = wsic_encoder_run(f.encoder, f.stats, &f.w_view, &layer);
    ck_assert_msg(status == WSIC_NOTICE_RATE || status == WSIC_ERROR_RANGE, "status %d",
                  (int)status);
    wsic_layer_destroy(layer);
    drift_close(&f);
}
END_TEST

/* With X̂ = X and without residual there is no drift: the same layer as from plain
 * statistics, up to the rounding of another way to the same target. */
START_TEST(equal_pairs_are_plain)
{
    wsic_layer *plain_layer = NULL, *layer = NULL;
    float plain_restored[R * N], restored[R * N];
    wsic_stats *plain;

    drift_open(&f, false, 5);
    f.xq_view.data = f.x;
    drift_refresh(&f, false);
    ck_assert_int_eq(wsic_stats_create(f.context, N, &plain), WSIC_OK);
    ck_assert_int_eq(wsic_stats_add_activations(plain, &f.x_view, NULL), WSIC_OK);
    set_step(&f, _i == 0 ? "paper" : "default", 0.3);
    ck_assert_int_eq(wsic_encoder_run(f.encoder, plain, &f.w_view, &plain_layer), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_run(f.encoder, f.stats, &f.w_view, &layer), WSIC_OK);
    drift_restore(plain_layer, plain_restored);
    drift_restore(layer, restored);
    for (size_t k = 0; k < R * N; k++)
        ck_assert_float_eq_tol(restored[k], plain_restored[k], 0.02F);
    ck_assert_double_eq_tol(info_of(layer).distortion / info_of(plain_layer).distortion, 1.0, 1e-3);
    wsic_layer_destroy(plain_layer);
    wsic_layer_destroy(layer);
    wsic_stats_destroy(plain);
    drift_close(&f);
}
END_TEST

/* --- both sides ----------------------------------------------------------------------- */

/* Gradients of outputs that go together, one for each token. */
static wsic_stats *gradients_of(double g[DRIFT_ROWS][DRIFT_ROWS])
{
    static double gradients[DRIFT_TOKENS][DRIFT_ROWS];
    random_state random = {77};
    wsic_stats *outputs = NULL;
    wsic_matrix view;

    memset(g, 0, sizeof(double) * DRIFT_ROWS * DRIFT_ROWS);
    for (size_t t = 0; t < DRIFT_TOKENS; t++) {
        const double common = random_normal(&random), other = random_normal(&random);
        for (size_t r = 0; r < DRIFT_ROWS; r++)
            gradients[t][r] = common + (r % 3 == 0 ? other : 0.0) + 0.5 * random_normal(&random);
        for (size_t r = 0; r < DRIFT_ROWS; r++) {
            for (size_t s = 0; s < DRIFT_ROWS; s++)
                g[r][s] += gradients[t][r] * gradients[t][s] / DRIFT_TOKENS;
        }
    }
    wsic_matrix_init(&view, sizeof view, gradients, WSIC_F64, DRIFT_TOKENS, DRIFT_ROWS, 0);
    ck_assert_int_eq(wsic_stats_create(f.context, DRIFT_ROWS, &outputs), WSIC_OK);
    ck_assert_int_eq(wsic_stats_add_activations(outputs, &view, NULL), WSIC_OK);
    return outputs;
}

/* E (W x + (R-R̂) - Ŵ x̂)ᵀ G (...) / (a n), token by token. */
static double truth_in_metric(double g[DRIFT_ROWS][DRIFT_ROWS], const float *restored,
                              bool residual)
{
    double sum = 0.0, e[DRIFT_ROWS];

    for (size_t t = 0; t < DRIFT_TOKENS; t++) {
        for (size_t r = 0; r < DRIFT_ROWS; r++) {
            e[r] = residual ? f.dr[t][r] : 0.0;
            for (size_t j = 0; j < DRIFT_COLUMNS; j++)
                e[r] +=
                    f.w[r][j] * f.x[t][j] - (double)restored[r * DRIFT_COLUMNS + j] * f.xq[t][j];
        }
        for (size_t r = 0; r < DRIFT_ROWS; r++) {
            for (size_t s = 0; s < DRIFT_ROWS; s++)
                sum += e[r] * g[r][s] * e[s] / DRIFT_TOKENS;
        }
    }
    return sum / (DRIFT_ROWS * DRIFT_COLUMNS);
}

/* What drift leaves is the same for all layers: two of them differ by what is reported. */
START_TEST(both_sides_count_what_quantization_adds)
{
    static const char *const presets[] = {"fast", "default", "paper"};
    const bool residual = _i % 2 == 1;
    double g[DRIFT_ROWS][DRIFT_ROWS], truth[2], reported[2];
    float restored[R * N];

    drift_open(&f, residual, 6);
    wsic_stats *const outputs = gradients_of(g);
    wsic_problem *const problem = open_problem(&f, false);
    ck_assert_int_eq(wsic_problem_set_outputs(problem, outputs), WSIC_OK);
    for (int k = 0; k < 2; k++) {
        wsic_encoder_report report = {.size = sizeof report};
        set_step(&f, presets[_i / 2], k == 0 ? 0.2 : 1.0);
        ck_assert_int_eq(wsic_encoder_set_text(f.encoder, "outputs", "full"), WSIC_OK);
        ck_assert_int_eq(wsic_encoder_set_text(f.encoder, "damping", "1e-9"), WSIC_OK);
        wsic_layer *const layer = run(&f, problem);
        drift_restore(layer, restored);
        ck_assert_int_eq(wsic_encoder_get_report(f.encoder, &report), WSIC_OK);
        ck_assert_uint_eq(report.output_feedback, 1);
        ck_assert_double_eq(report.output_limit_rate, -1.0);
        ck_assert_double_nan(report.output_gap);
        truth[k] = truth_in_metric(g, restored, residual);
        reported[k] = report.output_distortion;
        wsic_layer_destroy(layer);
    }
    ck_assert_double_gt(reported[1], 5.0 * reported[0]);
    ck_assert_double_eq_tol(reported[1] - reported[0], truth[1] - truth[0],
                            1e-4 * (truth[1] - truth[0]));
    wsic_problem_destroy(problem);
    wsic_stats_destroy(outputs);
    drift_close(&f);
}
END_TEST

/* At the same bytes the statistics help, with drift and residual too. */
START_TEST(both_sides_help_behind_quantized_layers)
{
    double g[DRIFT_ROWS][DRIFT_ROWS], truth[2], reported[2];
    float restored[R * N];

    drift_open(&f, true, 7);
    wsic_stats *const outputs = gradients_of(g);
    wsic_problem *const problem = open_problem(&f, false);
    ck_assert_int_eq(wsic_problem_set_outputs(problem, outputs), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, _i == 0 ? "fast" : "default"), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_text(f.encoder, "rate", "3"), WSIC_OK);
    for (int k = 0; k < 2; k++) {
        ck_assert_int_eq(wsic_encoder_set_text(f.encoder, "outputs", k == 0 ? "none" : "full"),
                         WSIC_OK);
        wsic_encoder_report report = {.size = sizeof report};
        wsic_layer *const layer = run(&f, problem);
        drift_restore(layer, restored);
        ck_assert_int_eq(wsic_encoder_get_report(f.encoder, &report), WSIC_OK);
        reported[k] = report.output_distortion;
        truth[k] = truth_in_metric(g, restored, true);
        wsic_layer_destroy(layer);
    }
    ck_assert_double_lt(truth[1], truth[0]);
    ck_assert_double_lt(reported[1], 0.8 * reported[0]);
    wsic_problem_destroy(problem);
    wsic_stats_destroy(outputs);
    drift_close(&f);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("drift");
    TCase *const tests = tcase_create("drift");

    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, distortion_is_that_of_the_tokens, 0,
                        sizeof mixtures / sizeof *mixtures);
    tcase_add_test(tests, fine_steps_reach_the_best_of_all_layers);
    tcase_add_test(tests, every_ingredient_helps);
    tcase_add_test(tests, a_distortion_above_the_floor_is_met);
    tcase_add_loop_test(tests, equal_pairs_are_plain, 0, 2);
    tcase_add_loop_test(tests, both_sides_count_what_quantization_adds, 0, 6);
    tcase_add_loop_test(tests, both_sides_help_behind_quantized_layers, 0, 2);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
