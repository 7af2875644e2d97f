/* SPDX-License-Identifier: MIT */
/* One budget for many matrices: against a search over all rates on a grid, against equal rates,
 * and in the bytes of finished layers. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "random.h"
#include "waterfill/allocate.h"
#include "waterfill/budget.h"
#include "waterfill/scalar_rate.h"
#include "watersic/encoder.h"

/* --- the model: curves and shares ---------------------------------------------------- */

enum { COLUMNS = 24, LAYERS = 3 };

/* Standard deviations that fall over so many octaves, scaled. */
static void make_sigma(double octaves, double scale, double *sigma)
{
    for (size_t j = 0; j < COLUMNS; j++)
        sigma[j] = scale * exp2(-octaves * (double)j / (COLUMNS - 1));
}

typedef struct model_layer {
    double sigma[COLUMNS];
    double weights, sensitivity;
    wsic_level_curve curve;
} model_layer;

static double model_distortion(const model_layer *layer, double rate)
{
    wsic_allocation allocation;

    wsic_allocate_rate(layer->sigma, COLUMNS, rate, &allocation);
    return layer->sensitivity * layer->weights * allocation.distortion;
}

static const struct {
    double octaves[LAYERS], scale[LAYERS], weights[LAYERS], sensitivity[LAYERS];
    double rate;
} cases[] = {
    {{0, 0, 0}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, 2.0},
    {{0, 3, 6}, {1, 4, 1}, {1, 2, 1}, {1, 1, 5}, 2.0},
    {{8, 0, 4}, {1, 1, 2}, {3, 1, 2}, {0.1, 1, 10}, 1.0},
    {{12, 2, 0}, {30, 1, 0.3}, {1, 4, 2}, {1, 1, 1}, 3.0},
    {{1, 5, 9}, {1, 2, 8}, {1, 1, 6}, {1, 1e-2, 1e-4}, 1.5},
};

static void make_case(int number, model_layer layers[LAYERS], wsic_budget_share shares[LAYERS])
{
    for (size_t l = 0; l < LAYERS; l++) {
        make_sigma(cases[number].octaves[l], cases[number].scale[l], layers[l].sigma);
        layers[l].weights = 1000.0 * cases[number].weights[l];
        layers[l].sensitivity = cases[number].sensitivity[l];
        wsic_level_curve_make(layers[l].sigma, COLUMNS, &layers[l].curve);
        shares[l] = (wsic_budget_share){
            .weights = layers[l].weights,
            .live = 1.0,
            .live_rows = 1.0,
            .sensitivity = layers[l].sensitivity,
            .curve = &layers[l].curve,
        };
    }
}

static double total_weights(const model_layer layers[LAYERS])
{
    return layers[0].weights + layers[1].weights + layers[2].weights;
}

/* The best of all pairs of rates on a grid of 1/32 bit, the third taking what is left. */
static double best_on_grid(const model_layer layers[LAYERS], double bits)
{
    enum { POINTS = 320 };
    static double first[POINTS], second[POINTS];
    double best = HUGE_VAL;

    for (size_t i = 0; i < POINTS; i++) {
        const double rate = WSIC_BUDGET_LEAST_RATE + (double)i / 32.0;
        first[i] = model_distortion(&layers[0], rate);
        second[i] = model_distortion(&layers[1], rate);
    }
    for (size_t i = 0; i < POINTS; i++) {
        double previous = HUGE_VAL;
        for (size_t j = 0; j < POINTS; j++) {
            const double used = layers[0].weights * (WSIC_BUDGET_LEAST_RATE + (double)i / 32.0) +
                                layers[1].weights * (WSIC_BUDGET_LEAST_RATE + (double)j / 32.0);
            const double rest = (bits - used) / layers[2].weights;
            if (rest < WSIC_BUDGET_LEAST_RATE)
                break;
            const double sum = first[i] + second[j] + model_distortion(&layers[2], rest);
            if (sum > previous) /* convex in the second rate: it only rises from here */
                break;
            previous = sum;
            best = fmin(best, sum);
        }
    }
    return best;
}

START_TEST(waterfill_is_the_best_of_all_rates)
{
    model_layer layers[LAYERS];
    wsic_budget_share shares[LAYERS];

    make_case(_i, layers, shares);
    const double bits = cases[_i].rate * total_weights(layers);
    wsic_budget_waterfill(shares, LAYERS, bits);
    double spent = 0.0, distortion = 0.0, equal = 0.0;
    for (size_t l = 0; l < LAYERS; l++) {
        spent += layers[l].weights * shares[l].rate;
        distortion += model_distortion(&layers[l], shares[l].rate);
        equal += model_distortion(&layers[l], cases[_i].rate);
    }
    ck_assert_double_eq_tol(spent / bits, 1.0, 1e-9);
    ck_assert_double_le(distortion, equal * (1.0 + 1e-9));
    /* The grid is at most half its width off the best, which costs 3e-4 of it. */
    const double best = best_on_grid(layers, bits);
    ck_assert_double_le(distortion, best * (1.0 + 1e-4));
    ck_assert_double_ge(distortion, best * (1.0 - 1e-3));
}
END_TEST

/* s times the slope of each matrix is the same, wherever its rate is within the bounds. */
START_TEST(sensitivity_times_the_water_level_is_the_same)
{
    model_layer layers[LAYERS];
    wsic_budget_share shares[LAYERS];
    double common = 0.0;

    make_case(_i, layers, shares);
    wsic_budget_waterfill(shares, LAYERS, cases[_i].rate * total_weights(layers));
    for (size_t l = 0; l < LAYERS; l++) {
        wsic_allocation at;
        if (shares[l].rate <= WSIC_BUDGET_LEAST_RATE)
            continue;
        wsic_allocate_rate(layers[l].sigma, COLUMNS, shares[l].rate, &at);
        const double level =
            shares[l].sensitivity * wsic_marginal_level(layers[l].sigma, COLUMNS, at.step);
        common = common > 0.0 ? common : level;
        ck_assert_double_eq_tol(level / common, 1.0, 0.01);
    }
}
END_TEST

/* Of one column of variance 1 far above the water: D = τ, R = ½ log2(1/τ) + 0.2546, and the worth
 * of a bit is the level. At low rates it is less than c²/12, and never more than the variance. */
START_TEST(levels_by_hand)
{
    const double sigma = 1.0;
    const double loss = 0.5 * log2(2.0 * 3.14159265358979324 * exp(1.0) / 12.0);
    wsic_level_curve curve;

    wsic_level_curve_make(&sigma, 1, &curve);
    for (double level = 1e-4; level > 1e-12; level *= 0.1)
        ck_assert_double_eq_tol(wsic_level_curve_rate(&curve, level),
                                0.5 * log2(1.0 / level) + loss, 2e-3);
    ck_assert_double_eq_tol(wsic_marginal_level(&sigma, 1, 1e-3) / (1e-6 / 12.0), 1.0, 1e-3);
    ck_assert_double_eq(wsic_level_curve_rate(&curve, 1.0), 0.0);
    /* As docs/algorithm.md says, of steps with these rates. */
    static const struct {
        double step, rate, part;
    } low[] = {{1.0, 2.105, 0.923}, {2.0, 1.241, 0.743}, {4.0, 0.313, 0.387}};
    for (size_t k = 0; k < 3; k++) {
        const double uniform = low[k].step * low[k].step / 12.0;
        ck_assert_double_eq_tol(wsic_scalar_entropy(1.0 / low[k].step), low[k].rate, 1e-3);
        ck_assert_double_eq_tol(wsic_marginal_level(&sigma, 1, low[k].step) / uniform, low[k].part,
                                2e-3);
    }
    ck_assert_double_lt(wsic_marginal_level(&sigma, 1, 16.0), 1.0);
    ck_assert_double_gt(wsic_marginal_level(&sigma, 1, 16.0), 0.85);
    ck_assert_double_eq(wsic_marginal_level(&sigma, 1, 0.0), 0.0);
}
END_TEST

START_TEST(nothing_to_code_takes_the_least)
{
    const double zeros[COLUMNS] = {0.0};
    double sigma[COLUMNS];
    wsic_level_curve nothing, something;

    make_sigma(2.0, 1.0, sigma);
    wsic_level_curve_make(zeros, COLUMNS, &nothing);
    wsic_level_curve_make(sigma, COLUMNS, &something);
    ck_assert_uint_eq(nothing.count, 0);
    wsic_budget_share shares[2] = {
        {.weights = 100, .live = 0, .live_rows = 1, .sensitivity = 1, .curve = &nothing},
        {.weights = 100, .live = 0.5, .live_rows = 1, .sensitivity = 1, .curve = &something}};
    wsic_budget_waterfill(shares, 2, 400.0);
    ck_assert_double_eq_tol(shares[0].rate, WSIC_BUDGET_LEAST_RATE, 1e-12);
    ck_assert_double_eq_tol(shares[1].rate, 4.0 - WSIC_BUDGET_LEAST_RATE, 1e-6);
    wsic_budget_equal(shares, 2, 400.0);
    ck_assert_double_eq_tol(shares[1].rate, 4.0 - WSIC_BUDGET_LEAST_RATE, 1e-6);
    /* More than anyone may take, and less than the least. */
    wsic_budget_equal(shares, 2, 1e9);
    ck_assert_double_eq_tol(shares[1].rate, WSIC_BUDGET_MOST_RATE, 1e-12);
    wsic_budget_waterfill(shares, 2, 0.0);
    ck_assert_double_eq_tol(shares[1].rate, WSIC_BUDGET_LEAST_RATE, 1e-12);
}
END_TEST

/* --- plans --------------------------------------------------------------------------- */

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

    ck_assert_int_eq(wsic_plan_get(m.plan, index, &layer), WSIC_OK);
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
    ck_assert_uint_eq(layer_of(index).dead, WIDTH / 2);
    ck_assert_double_eq_tol(layer_of(index).target_rate / layer_of(1).target_rate, 0.375, 1e-9);
    /* The codes of a row that is not left out get what the model says of 3/4 of the rows. */
    ck_assert_int_eq(wsic_plan_solve_rate(m.plan, 1.5), WSIC_OK);
    ck_assert_double_eq_tol(layer_of(index).rate, 1.5, 1e-6);
    double rates[WIDTH], mean = 0.0;
    ck_assert_int_eq(wsic_plan_column_rates(m.plan, index, rates, WIDTH), WSIC_OK);
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
    Suite *const suite = suite_create("budget");
    TCase *const tests = tcase_create("budget");
    const int count = (int)(sizeof cases / sizeof *cases);

    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, waterfill_is_the_best_of_all_rates, 0, count);
    tcase_add_loop_test(tests, sensitivity_times_the_water_level_is_the_same, 0, count);
    tcase_add_test(tests, levels_by_hand);
    tcase_add_test(tests, nothing_to_code_takes_the_least);
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
