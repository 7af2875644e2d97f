/* SPDX-License-Identifier: MIT */
/* One budget for many matrices, as plans see it: against equal rates, and in the bytes of finished
 * layers. */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "check_main.h"
#include "random.h"
#include "watersic/encoder.h"

enum { ROWS = 160, WIDTH = 96, MATRICES = 6 };

typedef struct model {
    wsic_context *context;
    wsic_plan *plan;
    wsic_encoder *encoder;
    wsic_stats *stats[MATRICES];
    double weights[MATRICES][ROWS * WIDTH];
    wsic_matrix matrix[MATRICES];
} model;

static model m;

/* Matrices of different scale and spread; every fourth input of the last is dead. */
static void open_model(void)
{
    random_state state = {77};
    static double covariance[WIDTH * WIDTH];
    wsic_matrix view;

    memset(&m, 0, sizeof m);
    ck_assert_int_eq(wsic_context_create(NULL, &m.context), WSIC_OK);
    ck_assert_int_eq(wsic_plan_create(m.context, &m.plan), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_create(m.context, &m.encoder), WSIC_OK);
    wsic_matrix_init(&view, sizeof view, covariance, WSIC_F64, WIDTH, WIDTH, 0);
    for (size_t l = 0; l < MATRICES; l++) {
        const double scale = exp2((double)l - 3.0), spread = 0.02 * (double)l;
        random_fill(&state, m.weights[l], ROWS * WIDTH);
        for (size_t i = 0; i < WIDTH; i++) {
            for (size_t j = 0; j < WIDTH; j++) {
                const bool dead = l == MATRICES - 1 && (i % 4 == 0 || j % 4 == 0);
                covariance[i * WIDTH + j] = dead ? 0.0
                                                 : scale * pow(0.9, fabs((double)i - (double)j)) *
                                                       exp2(-spread * (double)(i + j));
            }
        }
        ck_assert_int_eq(wsic_stats_create(m.context, WIDTH, &m.stats[l]), WSIC_OK);
        ck_assert_int_eq(wsic_stats_add_covariance(m.stats[l], &view, 100.0), WSIC_OK);
        wsic_matrix_init(&m.matrix[l], sizeof *m.matrix, m.weights[l], WSIC_F64, ROWS, WIDTH, 0);
    }
}

static void close_model(void)
{
    wsic_plan_destroy(m.plan);
    wsic_encoder_destroy(m.encoder);
    for (size_t l = 0; l < MATRICES; l++)
        wsic_stats_destroy(m.stats[l]);
    ck_assert_uint_eq(wsic_context_memory(m.context, NULL), 0);
    wsic_context_destroy(m.context);
}

static void add_all(void)
{
    for (size_t l = 0; l < MATRICES; l++)
        ck_assert_int_eq(wsic_plan_add(m.plan, m.stats[l], &m.matrix[l], NULL), WSIC_OK);
}

static wsic_plan_layer layer_of(size_t index)
{
    wsic_plan_layer layer = {.size = sizeof layer};

    ck_assert_int_eq(wsic_plan_get_layer(m.plan, index, &layer), WSIC_OK);
    return layer;
}

/* Quantize matrix l as planned. */
static wsic_layer_info make_layer(size_t l)
{
    wsic_layer_info info = {.size = sizeof info};
    wsic_layer *layer = NULL;

    ck_assert_int_eq(wsic_encoder_set_plan(m.encoder, m.plan, l), WSIC_OK);
    const wsic_status status = wsic_encoder_run(m.encoder, m.stats[l], &m.matrix[l], &layer);
    ck_assert_msg(status >= 0, "%s", wsic_encoder_message(m.encoder));
    ck_assert_int_eq(wsic_layer_get_info(layer, &info), WSIC_OK);
    wsic_layer_destroy(layer);
    return info;
}

static const double sensitivities[MATRICES] = {1.0, 4.0, 0.3, 1.0, 10.0, 1.0};

/* Quantize the whole model as planned, layer after layer; returns the weighted distortion. */
static double make_model(uint64_t *bytes)
{
    double sum = 0.0;

    *bytes = 0;
    for (size_t l = 0; l < MATRICES; l++) {
        const wsic_layer_info info = make_layer(l);
        *bytes += info.bytes;
        sum += sensitivities[l] * info.distortion * ROWS * WIDTH;
        ck_assert_int_eq(wsic_plan_commit(m.plan, l, info.bytes), WSIC_OK);
        ck_assert_uint_eq(layer_of(l).bytes, info.bytes);
        ck_assert_uint_eq(layer_of(l).committed, 1);
    }
    return sum;
}

/* In bytes that were really written: both modes meet the budget, and one level for all gives
 * less distortion than one rate for all. */
START_TEST(budgets_are_met_and_waterfill_wins)
{
    static const double rates[] = {1.5, 2.5, 4.0};
    const uint64_t budget = (uint64_t)(rates[_i] * MATRICES * ROWS * WIDTH / 8.0);
    double distortion[2];

    for (int32_t mode = WSIC_PLAN_EQUAL; mode <= WSIC_PLAN_WATERFILL; mode++) {
        uint64_t bytes;
        open_model();
        add_all();
        for (size_t l = 0; l < MATRICES; l++)
            ck_assert_int_eq(wsic_plan_set_sensitivity(m.plan, l, sensitivities[l]), WSIC_OK);
        ck_assert_int_eq(wsic_plan_solve_budget(m.plan, mode, budget), WSIC_OK);
        distortion[mode - 1] = make_model(&bytes);
        /* The last of six meets its rate within 0.5 % or 0.005 bit. */
        ck_assert_double_eq_tol((double)bytes / (double)budget, 1.0, 0.001);
        close_model();
    }
    ck_assert_double_lt(distortion[1], 0.9 * distortion[0]);
}
END_TEST

/* The same rate for every live weight: a quarter of the last matrix is dead. */
START_TEST(equal_is_equal_for_live_weights)
{
    open_model();
    add_all();
    ck_assert_int_eq(wsic_plan_solve_budget(m.plan, WSIC_PLAN_EQUAL, MATRICES * ROWS * WIDTH / 4),
                     WSIC_OK);
    const double rate = layer_of(0).target_rate;
    ck_assert_double_eq_tol(rate * (MATRICES - 0.25), 2.0 * MATRICES, 1e-6);
    for (size_t l = 1; l < MATRICES - 1; l++)
        ck_assert_double_eq_tol(layer_of(l).target_rate, rate, 1e-9);
    ck_assert_double_eq_tol(layer_of(MATRICES - 1).target_rate, 0.75 * rate, 1e-9);
    close_model();
}
END_TEST

START_TEST(what_a_layer_did_not_need_goes_to_the_others)
{
    const uint64_t budget = MATRICES * ROWS * WIDTH / 4;

    for (int32_t mode = WSIC_PLAN_EQUAL; mode <= WSIC_PLAN_WATERFILL; mode++) {
        double before[MATRICES];
        uint64_t planned = 0;
        open_model();
        add_all();
        ck_assert_int_eq(wsic_plan_solve_budget(m.plan, mode, budget), WSIC_OK);
        for (size_t l = 0; l < MATRICES; l++)
            before[l] = layer_of(l).target_rate;
        const uint64_t took = layer_of(2).bytes / 2;
        ck_assert_int_eq(wsic_plan_commit(m.plan, 2, took), WSIC_OK);
        for (size_t l = 0; l < MATRICES; l++) {
            planned += layer_of(l).bytes;
            if (l != 2)
                ck_assert_double_gt(layer_of(l).target_rate, before[l]);
        }
        ck_assert_uint_eq(layer_of(2).bytes, took);
        ck_assert_double_eq_tol(layer_of(2).target_rate, 8.0 * (double)took / (ROWS * WIDTH), 1e-9);
        /* Bytes are whole numbers. */
        ck_assert_uint_le(planned, budget);
        ck_assert_uint_ge(planned + MATRICES, budget);
        /* Another question in between does not change what was taken. */
        ck_assert_int_eq(wsic_plan_solve_rate(m.plan, 3.0), WSIC_OK);
        ck_assert_uint_eq(layer_of(2).bytes, took);
        ck_assert_int_eq(wsic_plan_solve_budget(m.plan, mode, budget), WSIC_OK);
        ck_assert_uint_eq(layer_of(2).bytes, took);
        ck_assert_double_eq_tol(layer_of(2).target_rate, 8.0 * (double)took / (ROWS * WIDTH), 1e-9);
        close_model();
    }
}
END_TEST

/* One layer: its rate is the budget, in both modes, and the layer is that of this rate. */
START_TEST(one_layer_takes_all)
{
    wsic_layer *layer = NULL;
    wsic_layer_info info = {.size = sizeof info};

    open_model();
    ck_assert_int_eq(wsic_plan_add(m.plan, m.stats[1], &m.matrix[1], NULL), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_number(m.encoder, WSIC_RATE, 3.0), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_run(m.encoder, m.stats[1], &m.matrix[1], &layer), WSIC_OK);
    ck_assert_int_eq(wsic_layer_get_info(layer, &info), WSIC_OK);
    wsic_layer_destroy(layer);
    for (int32_t mode = WSIC_PLAN_EQUAL; mode <= WSIC_PLAN_WATERFILL; mode++) {
        ck_assert_int_eq(wsic_plan_solve_budget(m.plan, mode, ROWS * WIDTH * 3 / 8), WSIC_OK);
        ck_assert_double_eq_tol(layer_of(0).target_rate, 3.0, 1e-9);
        ck_assert_int_eq(wsic_encoder_set_plan(m.encoder, m.plan, 0), WSIC_OK);
        ck_assert_int_eq(wsic_encoder_run(m.encoder, m.stats[1], &m.matrix[1], &layer), WSIC_OK);
        wsic_layer_info again = {.size = sizeof again};
        ck_assert_int_eq(wsic_layer_get_info(layer, &again), WSIC_OK);
        ck_assert_double_eq_tol((double)again.bytes, (double)info.bytes,
                                0.005 * (double)info.bytes);
        wsic_layer_destroy(layer);
    }
    close_model();
}
END_TEST

/* Rows and columns that are left out have no part in an equal rate. */
START_TEST(problems_bring_what_they_leave_out)
{
    size_t dead_rows[ROWS / 4], dead_columns[WIDTH / 2];
    wsic_problem *problem;
    size_t index = 0;

    open_model();
    for (size_t k = 0; k < ROWS / 4; k++)
        dead_rows[k] = 4 * k;
    for (size_t k = 0; k < WIDTH / 2; k++)
        dead_columns[k] = 2 * k;
    ck_assert_int_eq(wsic_problem_create(m.context, m.stats[0], NULL, &m.matrix[0], &problem),
                     WSIC_OK);
    ck_assert_int_eq(wsic_problem_set_dead_rows(problem, dead_rows, ROWS / 4), WSIC_OK);
    ck_assert_int_eq(wsic_problem_set_dead_columns(problem, dead_columns, WIDTH / 2), WSIC_OK);
    ck_assert_int_eq(wsic_plan_add_problem(m.plan, problem, &index), WSIC_OK);
    ck_assert_int_eq(wsic_plan_add(m.plan, m.stats[0], &m.matrix[0], NULL), WSIC_OK);
    ck_assert_int_eq(wsic_plan_solve_budget(m.plan, WSIC_PLAN_EQUAL, ROWS * WIDTH / 4), WSIC_OK);
    ck_assert_uint_eq(layer_of(index).dead_columns, WIDTH / 2);
    ck_assert_double_eq_tol(layer_of(index).target_rate / layer_of(1).target_rate, 0.375, 1e-9);
    /* The codes of a row that is not left out get what the model says of 3/4 of the rows. */
    ck_assert_int_eq(wsic_plan_solve_rate(m.plan, 1.5), WSIC_OK);
    ck_assert_double_eq_tol(layer_of(index).rate, 1.5, 1e-6);
    double rates[WIDTH], mean = 0.0;
    ck_assert_int_eq(wsic_plan_get_column_rates(m.plan, index, rates, WIDTH), WSIC_OK);
    for (size_t j = 0; j < WIDTH; j++)
        mean += rates[j] / WIDTH;
    ck_assert_double_eq_tol(mean, 1.5, 1e-6);
    ck_assert_int_eq(wsic_plan_add_problem(m.plan, NULL, NULL), WSIC_ERROR_ARGUMENT);
    wsic_problem_destroy(problem);
    close_model();
}
END_TEST

START_TEST(bad_calls)
{
    open_model();
    ck_assert_int_eq(wsic_plan_solve_budget(m.plan, WSIC_PLAN_EQUAL, 1000), WSIC_ERROR_STATE);
    add_all();
    ck_assert_int_eq(wsic_plan_commit(m.plan, 0, 100), WSIC_ERROR_STATE);
    ck_assert_int_eq(wsic_plan_solve_budget(m.plan, 0, 100000), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_plan_solve_budget(m.plan, 3, 100000), WSIC_ERROR_ARGUMENT);
    /* 0.05 bit for 92160 weights are 576 bytes. */
    ck_assert_int_eq(wsic_plan_solve_budget(m.plan, WSIC_PLAN_EQUAL, 575), WSIC_ERROR_RANGE);
    ck_assert_ptr_nonnull(strstr(wsic_plan_message(m.plan), "576"));
    ck_assert_int_eq(wsic_plan_solve_budget(m.plan, WSIC_PLAN_EQUAL, 576), WSIC_OK);
    ck_assert_int_eq(wsic_plan_set_sensitivity(m.plan, 0, 0.0), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_plan_set_sensitivity(m.plan, 0, HUGE_VAL), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_plan_set_sensitivity(m.plan, MATRICES, 1.0), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_plan_set_sensitivity(m.plan, 0, 2.0), WSIC_OK);
    ck_assert_int_eq(wsic_plan_commit(m.plan, 0, 100), WSIC_ERROR_STATE);
    ck_assert_int_eq(wsic_plan_solve_budget(m.plan, WSIC_PLAN_WATERFILL, 50000), WSIC_OK);
    ck_assert_int_eq(wsic_plan_commit(m.plan, MATRICES, 100), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_plan_commit(m.plan, 0, 100), WSIC_OK);
    ck_assert_int_eq(wsic_plan_commit(m.plan, 0, 100), WSIC_ERROR_STATE);
    /* Nothing is left: the others get the least. */
    ck_assert_int_eq(wsic_plan_commit(m.plan, 1, 50000), WSIC_OK);
    ck_assert_double_eq_tol(layer_of(2).target_rate, 0.05, 1e-9);
    ck_assert_int_eq(wsic_plan_solve_rate(m.plan, 2.0), WSIC_OK);
    ck_assert_double_eq(layer_of(2).target_rate, 0.0);
    ck_assert_int_eq(wsic_plan_commit(m.plan, 2, 100), WSIC_ERROR_STATE);
    close_model();
}
END_TEST

START_TEST(memory_limits)
{
    wsic_status status = WSIC_ERROR_MEMORY_LIMIT;

    open_model();
    add_all();
    const uint64_t before = wsic_context_memory(m.context, NULL);
    for (uint64_t more = 0; status == WSIC_ERROR_MEMORY_LIMIT; more += 512) {
        wsic_context_set_memory_limit(m.context, before + more + 1);
        status = wsic_plan_solve_budget(m.plan, WSIC_PLAN_WATERFILL, 50000);
    }
    ck_assert_int_eq(status, WSIC_OK);
    wsic_context_set_memory_limit(m.context, 1);
    ck_assert_int_eq(wsic_plan_commit(m.plan, 0, 100), WSIC_ERROR_MEMORY_LIMIT);
    ck_assert_uint_eq(layer_of(0).committed, 0);
    wsic_context_set_memory_limit(m.context, 0);
    ck_assert_int_eq(wsic_plan_commit(m.plan, 0, 100), WSIC_OK);
    close_model();
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("plan_budget");
    TCase *const tests = tcase_create("plan_budget");

    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, budgets_are_met_and_waterfill_wins, 0, 3);
    tcase_add_test(tests, equal_is_equal_for_live_weights);
    tcase_add_test(tests, what_a_layer_did_not_need_goes_to_the_others);
    tcase_add_test(tests, one_layer_takes_all);
    tcase_add_test(tests, problems_bring_what_they_leave_out);
    tcase_add_test(tests, bad_calls);
    tcase_add_test(tests, memory_limits);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
