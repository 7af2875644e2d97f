/* SPDX-License-Identifier: MIT */
/* Drift, residuals, mixtures and what is left out: distortions are those of the tokens, what is
 * kept between runs changes no bit. */
#include <stdbool.h>
#include <stdlib.h>

#include "check_main.h"
#include "drift_fixture.h"

enum { R = DRIFT_ROWS, N = DRIFT_COLUMNS };

static drift_fixture f;

static void close_fixture(void)
{
    drift_close(&f);
}

static wsic_layer *run(wsic_problem *problem)
{
    wsic_layer *layer = NULL;
    const wsic_status status = wsic_encoder_run_problem(f.encoder, problem, &layer);

    ck_assert_msg(status >= 0, "%s: %s", wsic_status_name(status), wsic_encoder_message(f.encoder));
    return layer;
}

static wsic_problem *open_problem(bool weighted)
{
    wsic_problem *problem = NULL;

    ck_assert_int_eq(
        wsic_problem_create(f.context, f.stats, weighted ? f.weighted : NULL, &f.w_view, &problem),
        WSIC_OK);
    return problem;
}

static wsic_layer_info info_of(const wsic_layer *layer)
{
    wsic_layer_info info = {.size = sizeof info};

    ck_assert_int_eq(wsic_layer_get_info(layer, &info), WSIC_OK);
    return info;
}

static void check_same_bytes(const wsic_layer *a, const wsic_layer *b)
{
    const void *left, *right;
    size_t left_size, right_size;

    ck_assert_int_eq(wsic_layer_write(a, &left, &left_size), WSIC_OK);
    ck_assert_int_eq(wsic_layer_write(b, &right, &right_size), WSIC_OK);
    ck_assert_uint_eq(left_size, right_size);
    ck_assert_mem_eq(left, right, left_size);
}

static void set_step(const char *preset, double step)
{
    ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, preset), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_number(f.encoder, WSIC_RATE, 0.0), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_number(f.encoder, WSIC_STEP, step), WSIC_OK);
}

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
    wsic_problem *const problem = open_problem(true);
    set_step(mixtures[_i].preset, mixtures[_i].step);
    ck_assert_int_eq(wsic_problem_set_mix(problem, mixtures[_i].q, mixtures[_i].a), WSIC_OK);
    wsic_layer *const layer = run(problem);
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
    close_fixture();
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
    close_fixture();
}
END_TEST

/* At the same rate, knowing the drift leaves less error than not knowing it. */
START_TEST(every_ingredient_helps)
{
    float restored[R * N];
    double error[3];

    for (int kind = 0; kind < 3; kind++) { /* neither, drift, drift and residual */
        drift_open(&f, kind == 2, 3);
        wsic_problem *const problem = open_problem(false);
        ck_assert_int_eq(wsic_encoder_set_number(f.encoder, WSIC_RATE, 3.0), WSIC_OK);
        ck_assert_int_eq(wsic_problem_set_mix(problem, kind == 0 ? 1.0 : 0.0, 1.0), WSIC_OK);
        wsic_layer *const layer = run(problem);
        drift_restore(layer, restored);
        error[kind] = drift_truth(&f, restored, (drift_mix){0.0, 1.0, 1, NULL});
        wsic_layer_destroy(layer);
        wsic_problem_destroy(problem);
        close_fixture();
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
    close_fixture();
}
END_TEST

/* --- mixtures and what is kept ------------------------------------------------------- */

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
    set_step(_i == 0 ? "paper" : "default", 0.3);
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
    close_fixture();
}
END_TEST

/* q = 1 and a = 1 leave plain statistics: the same bytes, also on a problem that has been run
 * with other mixtures and targets before. */
START_TEST(pure_mixtures_are_plain_bit_for_bit)
{
    wsic_layer *plain_layer = NULL;
    wsic_stats *plain;

    drift_open(&f, true, 6);
    ck_assert_int_eq(wsic_stats_create(f.context, N, &plain), WSIC_OK);
    ck_assert_int_eq(wsic_stats_add_activations(plain, &f.x_view, NULL), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, _i == 0 ? "paper" : "default"), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_number(f.encoder, WSIC_RATE, 2.5), WSIC_OK);
    ck_assert_int_ge(wsic_encoder_run(f.encoder, plain, &f.w_view, &plain_layer), 0);

    wsic_problem *const problem = open_problem(true);
    for (int pass = 0; pass < 3; pass++) {
        ck_assert_int_eq(wsic_problem_set_mix(problem, 1.0, 1.0), WSIC_OK);
        wsic_layer *layer = run(problem);
        check_same_bytes(layer, plain_layer);
        wsic_layer_destroy(layer);
        ck_assert_int_eq(wsic_problem_set_mix(problem, 0.2 * pass, 0.5), WSIC_OK);
        wsic_layer_destroy(run(problem));
    }
    wsic_problem_destroy(problem);
    wsic_layer_destroy(plain_layer);
    wsic_stats_destroy(plain);
    close_fixture();
}
END_TEST

/* Whatever was run before, a problem gives the bytes of a fresh one. */
START_TEST(what_is_kept_changes_no_bit)
{
    static const struct {
        const char *preset;
        double rate, q, a;
    } runs[] = {
        {"default", 2.0, 0.0, 0.5}, {"default", 3.0, 0.0, 0.5}, {"paper", 3.0, 0.0, 0.5},
        {"paper", 2.0, 0.3, 0.5},   {"default", 2.0, 0.3, 1.0}, {"paper", 2.0, 0.3, 1.0},
        {"default", 2.0, 0.0, 0.5},
    };

    drift_open(&f, true, 7);
    wsic_problem *const kept = open_problem(true);
    for (size_t k = 0; k < sizeof runs / sizeof *runs; k++) {
        wsic_problem *const fresh = open_problem(true);
        ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, runs[k].preset), WSIC_OK);
        ck_assert_int_eq(wsic_encoder_set_number(f.encoder, WSIC_RATE, runs[k].rate), WSIC_OK);
        ck_assert_int_eq(wsic_problem_set_mix(kept, runs[k].q, runs[k].a), WSIC_OK);
        ck_assert_int_eq(wsic_problem_set_mix(fresh, runs[k].q, runs[k].a), WSIC_OK);
        wsic_layer *const first = run(kept), *const second = run(fresh);
        check_same_bytes(first, second);
        wsic_layer_destroy(first);
        wsic_layer_destroy(second);
        wsic_problem_destroy(fresh);
    }
    wsic_problem_destroy(kept);
    close_fixture();
}
END_TEST

/* Weights of tokens are normalised by their sum: a thousand times smaller ones mix alike. */
START_TEST(the_scale_of_importance_does_not_matter)
{
    double distortion[2];

    for (int pass = 0; pass < 2; pass++) {
        drift_open(&f, false, 8);
        for (size_t t = 0; t < DRIFT_TOKENS && pass == 1; t++)
            f.importance[t] *= 0x1p-10;
        drift_refresh(&f, false);
        wsic_problem *const problem = open_problem(true);
        set_step("default", 0.2);
        ck_assert_int_eq(wsic_problem_set_mix(problem, 0.0, 0.5), WSIC_OK);
        wsic_layer *const layer = run(problem);
        distortion[pass] = info_of(layer).distortion;
        wsic_layer_destroy(layer);
        wsic_problem_destroy(problem);
        close_fixture();
    }
    ck_assert_double_eq_tol(distortion[1] / distortion[0], 1.0, 1e-9);
}
END_TEST

/* --- rows and columns that are left out ----------------------------------------------- */

static const size_t dead_rows[] = {7, 0, 39, 7};
static const size_t dead_columns[] = {3, 22};

static void leave_out(wsic_problem *problem, bool rows, bool columns)
{
    if (rows)
        ck_assert_int_eq(wsic_problem_set_dead_rows(problem, dead_rows, 4), WSIC_OK);
    if (columns)
        ck_assert_int_eq(wsic_problem_set_dead_columns(problem, dead_columns, 2), WSIC_OK);
}

START_TEST(what_is_left_out_comes_back_as_zeros)
{
    const bool plain = _i >= 2;
    int dead[R] = {0};
    float restored[R * N];

    dead[0] = dead[7] = dead[39] = 1;
    drift_open(&f, !plain, 9);
    /* Outliers in what is left out must not matter. */
    for (size_t j = 0; j < N; j++)
        f.w[7][j] = 1e6;
    wsic_problem *const problem = open_problem(false);
    set_step(_i % 2 == 0 ? "paper" : "default", 0.3);
    ck_assert_int_eq(wsic_problem_set_mix(problem, plain ? 1.0 : 0.0, 0.0), WSIC_OK);
    leave_out(problem, true, true);
    wsic_layer *const layer = run(problem);
    drift_restore(layer, restored);
    for (size_t r = 0; r < R; r++) {
        for (size_t j = 0; j < N; j++) {
            if (dead[r] || j == 3 || j == 22)
                ck_assert(restored[r * N + j] == 0.0F);
        }
    }
    const drift_mix mix = {plain ? 1.0 : 0.0, 1.0, 1, dead};
    ck_assert_double_eq_tol(info_of(layer).distortion / drift_truth(&f, restored, mix), 1.0, 1e-9);
    ck_assert_uint_eq(info_of(layer).dead_rows, 3);
    ck_assert_uint_eq(info_of(layer).dead_columns, 2);
    wsic_layer_destroy(layer);
    wsic_problem_destroy(problem);
    close_fixture();
}
END_TEST

/* Left out or zero, it is the same at a given step. */
START_TEST(dead_rows_are_rows_of_zeros)
{
    wsic_layer *layer[2];

    for (int pass = 0; pass < 2; pass++) {
        drift_open(&f, false, 10);
        for (size_t k = 0; k < 3 && pass == 1; k++)
            memset(f.w[dead_rows[k]], 0, sizeof *f.w);
        wsic_problem *const problem = open_problem(false);
        set_step("paper", 0.3);
        ck_assert_int_eq(wsic_encoder_set_integer(f.encoder, WSIC_LIMIT, 0), WSIC_OK);
        leave_out(problem, pass == 0, false);
        wsic_layer *const made = run(problem);
        const void *bytes;
        size_t size;
        ck_assert_int_eq(wsic_layer_write(made, &bytes, &size), WSIC_OK);
        wsic_context *own; /* the fixture's goes */
        ck_assert_int_eq(wsic_context_create(NULL, &own), WSIC_OK);
        ck_assert_int_eq(wsic_layer_read(own, bytes, size, &layer[pass]), WSIC_OK);
        wsic_context_destroy(own);
        wsic_layer_destroy(made);
        wsic_problem_destroy(problem);
        close_fixture();
    }
    check_same_bytes(layer[0], layer[1]);
    wsic_layer_destroy(layer[0]);
    wsic_layer_destroy(layer[1]);
}
END_TEST

START_TEST(lists_can_be_taken_back)
{
    drift_open(&f, true, 11);
    wsic_problem *const problem = open_problem(false), *const fresh = open_problem(false);
    set_step("default", 0.3);
    leave_out(problem, true, true);
    wsic_layer_destroy(run(problem));
    ck_assert_int_eq(wsic_problem_set_dead_rows(problem, NULL, 0), WSIC_OK);
    ck_assert_int_eq(wsic_problem_set_dead_columns(problem, NULL, 0), WSIC_OK);
    wsic_layer *const first = run(problem), *const second = run(fresh);
    check_same_bytes(first, second);
    wsic_layer_destroy(first);
    wsic_layer_destroy(second);
    wsic_problem_destroy(problem);
    wsic_problem_destroy(fresh);
    close_fixture();
}
END_TEST

/* Columns are dead by what the original model feeds them, whatever the quantized one does. */
START_TEST(dead_columns_are_those_of_the_clean_input)
{
    float restored[R * N];

    drift_open(&f, false, 12);
    for (size_t t = 0; t < DRIFT_TOKENS; t++) {
        f.x[t][5] = 0.0;
        f.xq[t][9] = 0.0;
    }
    drift_refresh(&f, false);
    wsic_problem *const problem = open_problem(false);
    set_step("default", 0.3);
    wsic_layer *const layer = run(problem);
    drift_restore(layer, restored);
    ck_assert_uint_eq(info_of(layer).dead_columns, 1);
    for (size_t r = 0; r < R; r++)
        ck_assert(restored[r * N + 5] == 0.0F);
    ck_assert_double_eq_tol(info_of(layer).distortion /
                                drift_truth(&f, restored, (drift_mix){0.0, 1.0, 0, NULL}),
                            1.0, 1e-9);
    wsic_layer_destroy(layer);
    wsic_problem_destroy(problem);
    close_fixture();
}
END_TEST

/* --- arguments ------------------------------------------------------------------------ */

START_TEST(bad_arguments)
{
    const size_t beyond[] = {1, R};
    size_t all[R];
    wsic_problem *problem = NULL;
    wsic_layer *layer = NULL;
    wsic_stats *other;
    wsic_context *elsewhere;

    drift_open(&f, true, 13);
    ck_assert_int_eq(wsic_problem_create(NULL, f.stats, NULL, &f.w_view, &problem),
                     WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_problem_create(f.context, NULL, NULL, &f.w_view, &problem),
                     WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_problem_create(f.context, f.stats, NULL, NULL, &problem),
                     WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_problem_create(f.context, f.stats, NULL, &f.w_view, NULL),
                     WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_stats_create(f.context, N, &other), WSIC_OK);
    ck_assert_int_eq(wsic_problem_create(f.context, other, NULL, &f.w_view, &problem),
                     WSIC_ERROR_NO_SAMPLES);
    ck_assert_int_eq(wsic_stats_add_activations(other, &f.x_view, NULL), WSIC_OK);
    ck_assert_int_eq(wsic_problem_create(f.context, f.stats, other, &f.w_view, &problem),
                     WSIC_ERROR_STATE);
    ck_assert_ptr_nonnull(strstr(wsic_context_message(f.context), "pairs"));
    f.w_view.rows--;
    ck_assert_int_eq(wsic_problem_create(f.context, f.stats, NULL, &f.w_view, &problem),
                     WSIC_ERROR_SHAPE);
    ck_assert_int_eq(wsic_encoder_set_number(f.encoder, WSIC_RATE, 2.0), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_run(f.encoder, f.stats, &f.w_view, &layer), WSIC_ERROR_SHAPE);
    ck_assert_ptr_nonnull(strstr(wsic_encoder_message(f.encoder), "residuals of 40 outputs"));
    f.w_view.rows++;
    ck_assert_ptr_null(problem);

    problem = open_problem(true);
    ck_assert_int_eq(wsic_problem_set_mix(problem, -0.1, 0.0), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_problem_set_mix(problem, 0.0, 1.1), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_problem_set_mix(problem, nan(""), 0.0), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_problem_set_dead_rows(problem, beyond, 2), WSIC_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(wsic_problem_message(problem), "rows[1] is 40"));
    ck_assert_int_eq(wsic_problem_set_dead_columns(problem, NULL, 1), WSIC_ERROR_ARGUMENT);
    for (size_t r = 0; r < R; r++)
        all[r] = r;
    ck_assert_int_eq(wsic_problem_set_dead_rows(problem, all, R), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_encoder_run_problem(f.encoder, NULL, &layer), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_context_create(NULL, &elsewhere), WSIC_OK);
    wsic_encoder *stranger;
    ck_assert_int_eq(wsic_encoder_create(elsewhere, &stranger), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_number(stranger, WSIC_RATE, 2.0), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_run_problem(stranger, problem, &layer), WSIC_ERROR_ARGUMENT);
    ck_assert_ptr_null(layer);
    wsic_encoder_destroy(stranger);
    wsic_context_destroy(elsewhere);
    wsic_problem_destroy(problem);
    wsic_problem_destroy(NULL);
    wsic_stats_destroy(other);
    close_fixture();
}
END_TEST

/* All columns dead: nothing can be fitted, and the error is all of the output. */
START_TEST(nothing_left)
{
    size_t all[N];
    float restored[R * N] = {0.0F};
    wsic_layer *layer = NULL;

    drift_open(&f, true, 14);
    wsic_problem *const problem = open_problem(false);
    for (size_t j = 0; j < N; j++)
        all[j] = j;
    ck_assert_int_eq(wsic_problem_set_dead_columns(problem, all, N), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_number(f.encoder, WSIC_RATE, 2.0), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_run_problem(f.encoder, problem, &layer), WSIC_NOTICE_RATE);
    ck_assert_double_eq_tol(info_of(layer).distortion /
                                drift_truth(&f, restored, (drift_mix){0.0, 1.0, 1, NULL}),
                            1.0, 1e-9);
    wsic_layer_destroy(layer);
    wsic_problem_destroy(problem);
    close_fixture();
}
END_TEST

/* With a little more memory each time, until it is enough: nothing is lost on the way, and the
 * problem works afterwards. */
START_TEST(memory_limits)
{
    wsic_status status = WSIC_ERROR_MEMORY_LIMIT;
    wsic_layer *layer = NULL;

    drift_open(&f, true, 15);
    wsic_problem *const problem = open_problem(true);
    set_step("default", 0.3);
    ck_assert_int_eq(wsic_problem_set_mix(problem, 0.3, 0.5), WSIC_OK);
    const uint64_t before = wsic_context_memory(f.context, NULL);
    for (uint64_t more = 0; status == WSIC_ERROR_MEMORY_LIMIT; more += 20000) {
        wsic_context_set_memory_limit(f.context, before + more);
        status = wsic_encoder_run_problem(f.encoder, problem, &layer);
    }
    ck_assert_int_eq(status, WSIC_OK);
    wsic_context_set_memory_limit(f.context, 0);
    wsic_problem *const fresh = open_problem(true);
    ck_assert_int_eq(wsic_problem_set_mix(fresh, 0.3, 0.5), WSIC_OK);
    wsic_layer *const again = run(fresh);
    check_same_bytes(layer, again);
    wsic_layer_destroy(again);
    wsic_layer_destroy(layer);
    wsic_problem_destroy(fresh);
    wsic_problem_destroy(problem);
    close_fixture();
}
END_TEST

enum { WIDE = 700 };

static wsic_stats *wide_pairs(wsic_context *context)
{
    double *const values = calloc((size_t)WIDE * WIDE, sizeof *values);
    wsic_matrix square;
    wsic_stats *stats;

    for (size_t j = 0; j < WIDE; j++)
        values[j * WIDE + j] = 1.0;
    wsic_matrix_init(&square, sizeof square, values, WSIC_F64, WIDE, WIDE, 0);
    const wsic_pair_moments moments = {
        .size = sizeof moments, .input = &square, .quantized = &square, .cross = &square};
    ck_assert_int_eq(wsic_stats_create(context, WIDE, &stats), WSIC_OK);
    ck_assert_int_eq(wsic_stats_add_pair_moments(stats, &moments, 10.0), WSIC_OK);
    free(values);
    return stats;
}

/* What is foretold is enough, in a shape where n x n matrices are most of it; with a dead column,
 * which takes a copy of everything. */
START_TEST(memory_is_foretold)
{
    const size_t dead = 13;
    double weights[4 * WIDE];
    wsic_encoder_report report = {.size = sizeof report};
    random_state state = {16};
    wsic_problem *problem;
    uint64_t foretold = 0;

    drift_open(&f, true, 16);
    random_fill(&state, weights, 4 * WIDE);
    wsic_matrix_init(&f.w_view, sizeof f.w_view, weights, WSIC_F64, 4, WIDE, 0);
    wsic_stats *const stats = wide_pairs(f.context), *const other = wide_pairs(f.context);
    for (int kind = 0; kind < 3; kind++) { /* plain, with drift, mixed with drift */
        ck_assert_int_eq(
            wsic_problem_create(f.context, stats, kind == 2 ? other : NULL, &f.w_view, &problem),
            WSIC_OK);
        set_step("default", 0.3);
        ck_assert_int_eq(wsic_problem_set_mix(problem, kind == 0 ? 1.0 : 0.0, 0.5), WSIC_OK);
        ck_assert_int_eq(wsic_problem_set_dead_columns(problem, &dead, 1), WSIC_OK);
        ck_assert_int_eq(wsic_encoder_memusage_problem(f.encoder, problem, &foretold), WSIC_OK);
        wsic_layer_destroy(run(problem));
        ck_assert_int_eq(wsic_encoder_get_report(f.encoder, &report), WSIC_OK);
        ck_assert_uint_le(report.memory_peak, foretold);
        ck_assert_uint_ge(report.memory_peak, foretold / 4);
        wsic_problem_destroy(problem);
    }
    ck_assert_int_eq(wsic_encoder_memusage_problem(f.encoder, NULL, &foretold),
                     WSIC_ERROR_ARGUMENT);
    wsic_stats_destroy(stats);
    wsic_stats_destroy(other);
    close_fixture();
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("problem");
    TCase *const tests = tcase_create("problem");

    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, distortion_is_that_of_the_tokens, 0,
                        sizeof mixtures / sizeof *mixtures);
    tcase_add_test(tests, fine_steps_reach_the_best_of_all_layers);
    tcase_add_test(tests, every_ingredient_helps);
    tcase_add_test(tests, a_distortion_above_the_floor_is_met);
    tcase_add_loop_test(tests, equal_pairs_are_plain, 0, 2);
    tcase_add_loop_test(tests, pure_mixtures_are_plain_bit_for_bit, 0, 2);
    tcase_add_test(tests, what_is_kept_changes_no_bit);
    tcase_add_test(tests, the_scale_of_importance_does_not_matter);
    tcase_add_loop_test(tests, what_is_left_out_comes_back_as_zeros, 0, 4);
    tcase_add_test(tests, dead_rows_are_rows_of_zeros);
    tcase_add_test(tests, lists_can_be_taken_back);
    tcase_add_test(tests, dead_columns_are_those_of_the_clean_input);
    tcase_add_test(tests, bad_arguments);
    tcase_add_test(tests, nothing_left);
    tcase_add_test(tests, memory_limits);
    tcase_add_test(tests, memory_is_foretold);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
