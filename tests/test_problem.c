/* SPDX-License-Identifier: MIT */
/* Prepared problems: mixtures and what is left out are what they are said to be, and what is kept
 * between runs changes no bit. */
#include <stdlib.h>

#include "check_main.h"
#include "drift_fixture.h"

enum { R = DRIFT_ROWS, N = DRIFT_COLUMNS };

static drift_fixture f;

/* --- mixtures and what is kept ------------------------------------------------------- */

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

    wsic_problem *const problem = open_problem(&f, true);
    for (int pass = 0; pass < 3; pass++) {
        ck_assert_int_eq(wsic_problem_set_mix(problem, 1.0, 1.0), WSIC_OK);
        wsic_layer *layer = run(&f, problem);
        check_same_bytes(layer, plain_layer);
        wsic_layer_destroy(layer);
        ck_assert_int_eq(wsic_problem_set_mix(problem, 0.2 * pass, 0.5), WSIC_OK);
        wsic_layer_destroy(run(&f, problem));
    }
    wsic_problem_destroy(problem);
    wsic_layer_destroy(plain_layer);
    wsic_stats_destroy(plain);
    drift_close(&f);
}
END_TEST

/* Both problems give the same bytes. */
static void check_alike(wsic_problem *kept, wsic_problem *fresh)
{
    wsic_layer *const first = run(&f, kept), *const second = run(&f, fresh);

    check_same_bytes(first, second);
    wsic_layer_destroy(first);
    wsic_layer_destroy(second);
}

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
    wsic_problem *const kept = open_problem(&f, true);
    for (size_t k = 0; k < sizeof runs / sizeof *runs; k++) {
        wsic_problem *const fresh = open_problem(&f, true);
        ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, runs[k].preset), WSIC_OK);
        ck_assert_int_eq(wsic_encoder_set_number(f.encoder, WSIC_RATE, runs[k].rate), WSIC_OK);
        ck_assert_int_eq(wsic_problem_set_mix(kept, runs[k].q, runs[k].a), WSIC_OK);
        ck_assert_int_eq(wsic_problem_set_mix(fresh, runs[k].q, runs[k].a), WSIC_OK);
        check_alike(kept, fresh);
        wsic_problem_destroy(fresh);
    }
    wsic_problem_destroy(kept);
    drift_close(&f);
}
END_TEST

/* Nor does a factor or a list of columns that was kept from a run with other parameters. */
START_TEST(what_was_kept_for_other_parameters_is_made_anew)
{
    static const struct {
        double damping, dead_threshold;
    } runs[] = {{1e-4, 1e-3}, {1e-2, 1e-3}, {1e-2, 0.9}, {1e-4, 0.9}, {1e-4, 0.0}};

    drift_open(&f, true, 17);
    wsic_problem *const kept = open_problem(&f, true);
    for (size_t k = 0; k < sizeof runs / sizeof *runs; k++) {
        wsic_problem *const fresh = open_problem(&f, true);
        set_step(&f, "fast", 0.2);
        ck_assert_int_eq(wsic_encoder_set_number(f.encoder, WSIC_DAMPING, runs[k].damping),
                         WSIC_OK);
        ck_assert_int_eq(
            wsic_encoder_set_number(f.encoder, WSIC_DEAD_THRESHOLD, runs[k].dead_threshold),
            WSIC_OK);
        check_alike(kept, fresh);
        wsic_problem_destroy(fresh);
    }
    wsic_problem_destroy(kept);
    drift_close(&f);
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
        wsic_problem *const problem = open_problem(&f, true);
        set_step(&f, "default", 0.2);
        ck_assert_int_eq(wsic_problem_set_mix(problem, 0.0, 0.5), WSIC_OK);
        wsic_layer *const layer = run(&f, problem);
        distortion[pass] = info_of(layer).distortion;
        wsic_layer_destroy(layer);
        wsic_problem_destroy(problem);
        drift_close(&f);
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
    const bool plain = _i % 4 >= 2;
    int dead[R] = {0};
    float restored[R * N];

    dead[0] = dead[7] = dead[39] = 1;
    drift_open(&f, !plain, 9);
    /* Outliers in what is left out must not matter. */
    for (size_t j = 0; j < N; j++)
        f.w[7][j] = 1e6;
    wsic_problem *const problem = open_problem(&f, false);
    set_step(&f, _i % 2 == 0 ? "paper" : "default", 0.3);
    if (_i >= 4) {
        ck_assert_int_eq(wsic_encoder_set_text(f.encoder, "quantizer", "trellis"), WSIC_OK);
        ck_assert_int_eq(wsic_encoder_set_text(f.encoder, "rescale", "none"), WSIC_OK);
    }
    ck_assert_int_eq(wsic_problem_set_mix(problem, plain ? 1.0 : 0.0, 0.0), WSIC_OK);
    leave_out(problem, true, true);
    wsic_layer *const layer = run(&f, problem);
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
    drift_close(&f);
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
        wsic_problem *const problem = open_problem(&f, false);
        set_step(&f, "paper", 0.3);
        ck_assert_int_eq(wsic_encoder_set_integer(f.encoder, WSIC_LIMIT, 0), WSIC_OK);
        leave_out(problem, pass == 0, false);
        wsic_layer *const made = run(&f, problem);
        const void *bytes;
        size_t size;
        ck_assert_int_eq(wsic_layer_get_bytes(made, &bytes, &size), WSIC_OK);
        wsic_context *own; /* the fixture's goes */
        ck_assert_int_eq(wsic_context_create(NULL, &own), WSIC_OK);
        ck_assert_int_eq(wsic_layer_create(own, bytes, size, &layer[pass]), WSIC_OK);
        wsic_context_destroy(own);
        wsic_layer_destroy(made);
        wsic_problem_destroy(problem);
        drift_close(&f);
    }
    check_same_bytes(layer[0], layer[1]);
    wsic_layer_destroy(layer[0]);
    wsic_layer_destroy(layer[1]);
}
END_TEST

START_TEST(lists_can_be_taken_back)
{
    drift_open(&f, true, 11);
    wsic_problem *const problem = open_problem(&f, false), *const fresh = open_problem(&f, false);
    set_step(&f, "default", 0.3);
    leave_out(problem, true, true);
    wsic_layer_destroy(run(&f, problem));
    ck_assert_int_eq(wsic_problem_set_dead_rows(problem, NULL, 0), WSIC_OK);
    ck_assert_int_eq(wsic_problem_set_dead_columns(problem, NULL, 0), WSIC_OK);
    wsic_layer *const first = run(&f, problem), *const second = run(&f, fresh);
    check_same_bytes(first, second);
    wsic_layer_destroy(first);
    wsic_layer_destroy(second);
    wsic_problem_destroy(problem);
    wsic_problem_destroy(fresh);
    drift_close(&f);
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
    wsic_problem *const problem = open_problem(&f, false);
    set_step(&f, "default", 0.3);
    wsic_layer *const layer = run(&f, problem);
    drift_restore(layer, restored);
    ck_assert_uint_eq(info_of(layer).dead_columns, 1);
    for (size_t r = 0; r < R; r++)
        ck_assert(restored[r * N + 5] == 0.0F);
    ck_assert_double_eq_tol(info_of(layer).distortion /
                                drift_truth(&f, restored, (drift_mix){0.0, 1.0, 0, NULL}),
                            1.0, 1e-9);
    wsic_layer_destroy(layer);
    wsic_problem_destroy(problem);
    drift_close(&f);
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
    f.w_view.columns--;
    ck_assert_int_eq(wsic_problem_create(f.context, f.stats, NULL, &f.w_view, &problem),
                     WSIC_ERROR_SHAPE);
    f.w_view.columns++;
    wsic_stats *without;
    ck_assert_int_eq(wsic_stats_create(f.context, N + 1, &without), WSIC_OK);
    ck_assert_int_eq(wsic_stats_add_pair_flat(without, f.x, f.x, NULL, 0, WSIC_F64, 2, NULL),
                     WSIC_OK);
    ck_assert_int_eq(wsic_problem_create(f.context, f.stats, without, &f.w_view, &problem),
                     WSIC_ERROR_SHAPE);
    ck_assert_ptr_nonnull(strstr(wsic_context_message(f.context), "weighted is of"));
    wsic_stats_destroy(without);
    ck_assert_int_eq(wsic_stats_create(f.context, N, &without), WSIC_OK);
    ck_assert_int_eq(wsic_stats_add_pair(without, &f.x_view, &f.xq_view, NULL, NULL), WSIC_OK);
    ck_assert_int_eq(wsic_problem_create(f.context, f.stats, without, &f.w_view, &problem),
                     WSIC_ERROR_STATE);
    ck_assert_ptr_nonnull(strstr(wsic_context_message(f.context), "residuals"));
    wsic_stats_destroy(without);
    ck_assert_ptr_null(problem);

    problem = open_problem(&f, true);
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
    drift_close(&f);
}
END_TEST

/* All columns dead: nothing can be fitted, and the error is all of the output. */
START_TEST(nothing_left)
{
    size_t all[N];
    float restored[R * N] = {0.0F};
    wsic_layer *layer = NULL;

    drift_open(&f, true, 14);
    wsic_problem *const problem = open_problem(&f, false);
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
    drift_close(&f);
}
END_TEST

/* A quantized model that feeds the layer nothing: whatever it is, the output is what is lost. The
 * clean input is still there for another mixture. */
START_TEST(a_silent_input_leaves_zeros)
{
    float restored[R * N] = {0.0F};
    wsic_layer *layer = NULL;

    drift_open(&f, true, 18);
    memset(f.xq, 0, sizeof f.xq);
    drift_refresh(&f, true);
    wsic_problem *const problem = open_problem(&f, _i == 1);
    wsic_problem *const fresh = open_problem(&f, _i == 1);
    ck_assert_int_eq(wsic_encoder_set_number(f.encoder, WSIC_RATE, 2.0), WSIC_OK);
    for (int pass = 0; pass < 2; pass++) {
        ck_assert_int_eq(wsic_problem_set_mix(problem, 0.0, 0.5), WSIC_OK);
        ck_assert_int_eq(wsic_encoder_run_problem(f.encoder, problem, &layer), WSIC_NOTICE_RATE);
        ck_assert_uint_eq(info_of(layer).dead_columns, N);
        const drift_mix mix = {0.0, _i == 1 ? 0.5 : 1.0, 1, NULL};
        ck_assert_double_eq_tol(info_of(layer).distortion / drift_truth(&f, restored, mix), 1.0,
                                1e-9);
        wsic_layer_destroy(layer);
        ck_assert_int_eq(wsic_problem_set_mix(problem, 0.5, 0.5), WSIC_OK);
        ck_assert_int_eq(wsic_problem_set_mix(fresh, 0.5, 0.5), WSIC_OK);
        wsic_layer *const first = run(&f, problem), *const second = run(&f, fresh);
        ck_assert_uint_eq(info_of(first).dead_columns, 0);
        check_same_bytes(first, second);
        wsic_layer_destroy(first);
        wsic_layer_destroy(second);
    }
    wsic_problem_destroy(fresh);
    wsic_problem_destroy(problem);
    drift_close(&f);
}
END_TEST

/* With a little more memory each time, until it is enough: nothing is lost on the way, and the
 * problem works afterwards. */
START_TEST(memory_limits)
{
    wsic_status status = WSIC_ERROR_MEMORY_LIMIT;
    wsic_layer *layer = NULL;

    drift_open(&f, true, 15);
    wsic_problem *const problem = open_problem(&f, true);
    set_step(&f, "default", 0.3);
    ck_assert_int_eq(wsic_problem_set_mix(problem, 0.3, 0.5), WSIC_OK);
    const uint64_t before = wsic_context_memory(f.context, NULL);
    for (uint64_t more = 0; status == WSIC_ERROR_MEMORY_LIMIT; more += 20000) {
        wsic_context_set_memory_limit(f.context, before + more);
        status = wsic_encoder_run_problem(f.encoder, problem, &layer);
    }
    ck_assert_int_eq(status, WSIC_OK);
    wsic_context_set_memory_limit(f.context, 0);
    wsic_problem *const fresh = open_problem(&f, true);
    ck_assert_int_eq(wsic_problem_set_mix(fresh, 0.3, 0.5), WSIC_OK);
    wsic_layer *const again = run(&f, fresh);
    check_same_bytes(layer, again);
    wsic_layer_destroy(again);
    wsic_layer_destroy(layer);
    wsic_problem_destroy(fresh);
    wsic_problem_destroy(problem);
    drift_close(&f);
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
        set_step(&f, "default", 0.3);
        ck_assert_int_eq(wsic_problem_set_mix(problem, kind == 0 ? 1.0 : 0.0, 0.5), WSIC_OK);
        ck_assert_int_eq(wsic_problem_set_dead_columns(problem, &dead, 1), WSIC_OK);
        ck_assert_int_eq(wsic_encoder_estimate_memory_problem(f.encoder, problem, &foretold),
                         WSIC_OK);
        wsic_layer_destroy(run(&f, problem));
        ck_assert_int_eq(wsic_encoder_get_report(f.encoder, &report), WSIC_OK);
        ck_assert_uint_le(report.memory_peak, foretold);
        ck_assert_uint_ge(report.memory_peak, foretold / 4);
        wsic_problem_destroy(problem);
    }
    ck_assert_int_eq(wsic_encoder_estimate_memory_problem(f.encoder, NULL, &foretold),
                     WSIC_ERROR_ARGUMENT);
    wsic_stats_destroy(stats);
    wsic_stats_destroy(other);
    drift_close(&f);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("problem");
    TCase *const tests = tcase_create("problem");

    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, pure_mixtures_are_plain_bit_for_bit, 0, 2);
    tcase_add_test(tests, what_is_kept_changes_no_bit);
    tcase_add_test(tests, what_was_kept_for_other_parameters_is_made_anew);
    tcase_add_test(tests, the_scale_of_importance_does_not_matter);
    tcase_add_loop_test(tests, what_is_left_out_comes_back_as_zeros, 0, 8);
    tcase_add_test(tests, dead_rows_are_rows_of_zeros);
    tcase_add_test(tests, lists_can_be_taken_back);
    tcase_add_test(tests, dead_columns_are_those_of_the_clean_input);
    tcase_add_test(tests, bad_arguments);
    tcase_add_test(tests, nothing_left);
    tcase_add_loop_test(tests, a_silent_input_leaves_zeros, 0, 2);
    tcase_add_test(tests, memory_limits);
    tcase_add_test(tests, memory_is_foretold);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
