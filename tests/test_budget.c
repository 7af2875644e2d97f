/* SPDX-License-Identifier: MIT */
/* The model of one budget for many matrices: against a search over all rates on a grid, and by
 * hand. */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "check_main.h"
#include "waterfill/allocate.h"
#include "waterfill/budget.h"
#include "waterfill/scalar_rate.h"

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

/* Each matrix in a unit of its own, which its sensitivity makes up for: not a digit changes. */
START_TEST(units_do_not_matter)
{
    const int powers[LAYERS] = {-14, 0, 37};
    model_layer layers[LAYERS];
    wsic_budget_share before[LAYERS], after[LAYERS];

    make_case(_i, layers, before);
    wsic_budget_waterfill(before, LAYERS, cases[_i].rate * total_weights(layers));
    memcpy(after, before, sizeof after);
    for (size_t l = 0; l < LAYERS; l++) {
        for (size_t j = 0; j < COLUMNS; j++)
            layers[l].sigma[j] = ldexp(layers[l].sigma[j], powers[l]);
        wsic_level_curve_make(layers[l].sigma, COLUMNS, &layers[l].curve);
        after[l].sensitivity = ldexp(before[l].sensitivity, -2 * powers[l]);
    }
    wsic_budget_waterfill(after, LAYERS, cases[_i].rate * total_weights(layers));
    for (size_t l = 0; l < LAYERS; l++)
        ck_assert(after[l].rate == before[l].rate);
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

int main(void)
{
    Suite *const suite = suite_create("budget");
    TCase *const tests = tcase_create("budget");
    const int count = (int)(sizeof cases / sizeof *cases);

    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, waterfill_is_the_best_of_all_rates, 0, count);
    tcase_add_loop_test(tests, sensitivity_times_the_water_level_is_the_same, 0, count);
    tcase_add_loop_test(tests, units_do_not_matter, 0, count);
    tcase_add_test(tests, levels_by_hand);
    tcase_add_test(tests, nothing_to_code_takes_the_least);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
