/* SPDX-License-Identifier: MIT */
/* The rescalers: the loss they report is the loss, it never rises, and where they stop
 * the normal equations hold. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "env_fixture.h"
#include "plain.h"
#include "quant/rescale.h"
#include "random.h"

enum { ROWS = 60, COLUMNS = 14 };

typedef struct instance {
    double S[COLUMNS * COLUMNS], W[ROWS * COLUMNS], C[ROWS * COLUMNS], alpha[COLUMNS];
    int32_t codes[ROWS * COLUMNS];
    double t[ROWS], g[COLUMNS], g_columns[COLUMNS];
    double L[COLUMNS * COLUMNS], excess[COLUMNS];
    size_t order[COLUMNS];
    double K;
} instance;

/* A factor of S and a ridge, columns in reverse order. */
static void factor(instance *p)
{
    for (size_t k = 0; k < COLUMNS; k++) {
        p->order[k] = COLUMNS - 1 - k;
        p->excess[k] = 0.1 + 0.02 * (double)k;
        for (size_t i = 0; i < COLUMNS; i++)
            p->L[k * COLUMNS + i] = p->S[(COLUMNS - 1 - k) * COLUMNS + COLUMNS - 1 - i];
    }
    for (size_t k = 0; k < COLUMNS; k++)
        p->L[k * COLUMNS + k] += p->excess[p->order[k]];
    ck_assert(plain_cholesky(COLUMNS, p->L));
}

/* Coarsely rounded weights with rows of different size: there is much to fit. */
static void make_instance(instance *p, uint64_t seed)
{
    random_state random = {seed};

    plain_covariance(COLUMNS, p->S);
    random_fill(&random, p->W, ROWS * COLUMNS);
    p->K = 0.0;
    for (size_t j = 0; j < COLUMNS; j++) {
        p->alpha[j] = 0.9 + 0.1 * (double)(j % 3);
        p->g[j] = 1.0;
        for (size_t i = 0; i < ROWS; i++) {
            p->W[j * ROWS + i] *= 1.0 + (double)(i % 4);
            p->codes[j * ROWS + i] = (int32_t)nearbyint(p->W[j * ROWS + i] / p->alpha[j]);
        }
    }
    for (size_t i = 0; i < ROWS; i++)
        p->t[i] = 1.0;
    factor(p);
    plain_multiply_symmetric(ROWS, COLUMNS, p->W, p->S, p->C);
    for (size_t k = 0; k < ROWS * COLUMNS; k++)
        p->K += p->W[k] * p->C[k];
}

static wsic_rescale problem_of(instance *p, bool fit_rows, int64_t rounds, double tolerance)
{
    return (wsic_rescale){
        .rows = ROWS,
        .columns = COLUMNS,
        .codes = p->codes,
        .alpha = p->alpha,
        .S = {.lower = p->S, .ld = COLUMNS, .factor = 1.0},
        .L = p->L,
        .column_order = p->order,
        .excess = p->excess,
        .C = p->C,
        .K = p->K,
        .fit_rows = fit_rows,
        .rounds = rounds,
        .tolerance = tolerance,
        .g_columns = p->g_columns,
    };
}

static double plain(const instance *p)
{
    return plain_loss(ROWS, COLUMNS, p->codes, p->alpha, p->t, p->g, p->S, p->C, p->K);
}

START_TEST(reported_losses_are_true)
{
    env_fixture f = env_open();
    instance p;
    wsic_rescale_result result;

    make_instance(&p, 1);
    const double before = plain(&p);
    const wsic_rescale problem = problem_of(&p, _i != 0, 5, 0.0);
    ck_assert_int_eq(wsic_rescale_run(&f.env, NULL, &problem, p.t, p.g, &result), WSIC_OK);
    ck_assert_double_eq_tol(result.loss_before / before, 1.0, 1e-10);
    ck_assert_double_eq_tol(result.loss / plain(&p), 1.0, 1e-9);
    ck_assert_double_le(result.loss, result.loss_columns);
    ck_assert_double_lt(result.loss_columns, result.loss_before);
    env_close(&f);
}
END_TEST

/* Products in single precision on the way: by plain loops in double precision the loss is the same.
 * Where it is a small part of the energy they are not taken. */
START_TEST(quick_products_lose_nothing)
{
    env_fixture f = env_open();
    instance careful, quick;
    wsic_rescale_result result;

    make_instance(&careful, 5);
    make_instance(&quick, 5);
    careful.K += _i == 0 ? 0.0 : 1e5 * careful.K;
    quick.K = careful.K;
    wsic_rescale problem = problem_of(&careful, true, 5, 0.0);
    ck_assert_int_eq(wsic_rescale_run(&f.env, NULL, &problem, careful.t, careful.g, &result),
                     WSIC_OK);
    problem = problem_of(&quick, true, 5, 0.0);
    problem.quick = true;
    problem.residual = _i == 0 ? 0.0 : 1.0; /* of the loss, what K was raised by is the floor */
    ck_assert_int_eq(wsic_rescale_run(&f.env, NULL, &problem, quick.t, quick.g, &result), WSIC_OK);
    const bool same = memcmp(quick.t, careful.t, sizeof quick.t) == 0;
    ck_assert_int_eq(same, _i != 0);
    ck_assert_double_eq_tol(plain(&quick) / plain(&careful), 1.0, 1e-7);
    env_close(&f);
}
END_TEST

START_TEST(loss_never_rises)
{
    env_fixture f = env_open();
    double previous = INFINITY;

    for (int64_t rounds = 1; rounds < 30; rounds++) {
        instance p;
        wsic_rescale_result result;
        make_instance(&p, (uint64_t)_i + 2);
        const wsic_rescale problem = problem_of(&p, true, rounds, 0.0);
        ck_assert_int_eq(wsic_rescale_run(&f.env, NULL, &problem, p.t, p.g, &result), WSIC_OK);
        ck_assert_double_le(result.loss, previous * (1.0 + 1e-12));
        previous = result.loss;
    }
    env_close(&f);
}
END_TEST

/* At the end no single scale can be moved to lower the loss: central differences. */
START_TEST(normal_equations_hold)
{
    env_fixture f = env_open();
    instance p;
    wsic_rescale_result result;
    const double h = 1e-4;

    make_instance(&p, 7);
    const wsic_rescale problem = problem_of(&p, true, 1000, 1e-14);
    ck_assert_int_eq(wsic_rescale_run(&f.env, NULL, &problem, p.t, p.g, &result), WSIC_OK);
    for (size_t k = 0; k < ROWS + COLUMNS; k++) {
        double *const scale = k < ROWS ? &p.t[k] : &p.g[k - ROWS];
        const double middle = *scale;
        *scale = middle + h;
        const double above = plain(&p);
        *scale = middle - h;
        const double below = plain(&p);
        *scale = middle;
        const double here = plain(&p);
        const double slope = (above - below) / (2.0 * h);
        const double curvature = (above - 2.0 * here + below) / (h * h);
        /* distance to this scale's own minimum */
        ck_assert_double_lt(fabs(slope / curvature), 1e-5);
    }
    env_close(&f);
}
END_TEST

START_TEST(scales_are_normalised)
{
    env_fixture f = env_open();
    instance p;
    wsic_rescale_result result;
    double sum = 0.0;

    make_instance(&p, 8);
    const wsic_rescale problem = problem_of(&p, true, 50, 3e-4);
    ck_assert_int_eq(wsic_rescale_run(&f.env, NULL, &problem, p.t, p.g, &result), WSIC_OK);
    for (size_t r = 0; r < ROWS; r++)
        sum += fabs(p.t[r]);
    ck_assert_double_eq_tol(sum, ROWS, 1e-9);
    env_close(&f);
}
END_TEST

/* Codes that are exact up to scales: the fit finds them and the loss vanishes. */
START_TEST(exact_scales_are_found)
{
    env_fixture f = env_open();
    instance p;
    wsic_rescale_result result;

    make_instance(&p, 9);
    p.K = 0.0;
    for (size_t j = 0; j < COLUMNS; j++) {
        for (size_t i = 0; i < ROWS; i++)
            p.W[j * ROWS + i] = (0.8 + 0.02 * (double)(i % 7)) * p.alpha[j] *
                                (0.9 + 0.03 * (double)j) * p.codes[j * ROWS + i];
    }
    plain_multiply_symmetric(ROWS, COLUMNS, p.W, p.S, p.C);
    for (size_t k = 0; k < ROWS * COLUMNS; k++)
        p.K += p.W[k] * p.C[k];
    const wsic_rescale problem = problem_of(&p, true, 1000, 0.0);
    ck_assert_int_eq(wsic_rescale_run(&f.env, NULL, &problem, p.t, p.g, &result), WSIC_OK);
    ck_assert_double_lt(plain(&p), 1e-9 * p.K);
    env_close(&f);
}
END_TEST

/* Columns and rows of zeros neither spoil the fit nor get scales. */
START_TEST(zero_columns_and_rows_are_harmless)
{
    env_fixture f = env_open();
    instance p;
    wsic_rescale_result result;

    make_instance(&p, 10);
    for (size_t i = 0; i < ROWS; i++)
        p.codes[3 * ROWS + i] = p.codes[(COLUMNS - 1) * ROWS + i] = 0;
    for (size_t j = 0; j < COLUMNS; j++)
        p.codes[j * ROWS + 5] = 0;
    const wsic_rescale problem = problem_of(&p, true, 20, 3e-4);
    ck_assert_int_eq(wsic_rescale_run(&f.env, NULL, &problem, p.t, p.g, &result), WSIC_OK);
    ck_assert_double_eq(p.t[5], 0.0);
    ck_assert_double_eq_tol(p.g[3], 0.0, 1e-12);
    ck_assert_double_eq_tol(result.loss / plain(&p), 1.0, 1e-9);
    ck_assert_double_lt(result.loss, result.loss_before);
    env_close(&f);
}
END_TEST

/* A constant that no scales lower, however large, changes neither fit nor number of rounds. */
START_TEST(floor_does_not_count)
{
    env_fixture f = env_open();
    instance plain_instance, raised;
    wsic_rescale_result expected, result;
    wsic_rescale problem;

    make_instance(&plain_instance, 12);
    problem = problem_of(&plain_instance, true, 100, 1e-4);
    ck_assert_int_eq(
        wsic_rescale_run(&f.env, NULL, &problem, plain_instance.t, plain_instance.g, &expected),
        WSIC_OK);
    ck_assert_uint_gt(expected.rounds, 2);
    ck_assert_double_eq(expected.floor, 0.0);

    make_instance(&raised, 12);
    raised.K += 1000.0 * expected.loss_before;
    problem = problem_of(&raised, true, 100, 1e-4);
    problem.residual = expected.loss_before;
    ck_assert_int_eq(wsic_rescale_run(&f.env, NULL, &problem, raised.t, raised.g, &result),
                     WSIC_OK);
    ck_assert_double_eq_tol(result.floor / expected.loss_before, 1000.0, 1e-6);
    ck_assert_uint_eq(result.rounds, expected.rounds);
    for (size_t r = 0; r < ROWS; r++)
        ck_assert_double_eq_tol(raised.t[r], plain_instance.t[r], 1e-9);
    env_close(&f);
}
END_TEST

START_TEST(rows_alone_are_least_squares)
{
    env_fixture f = env_open();
    instance p;
    double numerators[ROWS], denominators[ROWS];

    make_instance(&p, 11);
    const wsic_rescale problem = problem_of(&p, true, 1, 0.0);
    ck_assert_int_eq(wsic_rescale_rows(&f.env, &problem, p.g, p.t, numerators, denominators),
                     WSIC_OK);
    const double loss = wsic_rescale_loss(&problem, p.t, numerators, denominators);
    ck_assert_double_eq_tol(loss / plain(&p), 1.0, 1e-9);
    for (size_t r = 0; r < ROWS; r++) {
        double numerator = 0.0, denominator = 0.0;
        for (size_t j = 0; j < COLUMNS; j++) {
            const double w = p.alpha[j] * p.codes[j * ROWS + r];
            numerator += w * p.C[j * ROWS + r];
            for (size_t l = 0; l < COLUMNS; l++)
                denominator += w * p.S[j * COLUMNS + l] * p.alpha[l] * p.codes[l * ROWS + r];
        }
        ck_assert_double_eq_tol(p.t[r], denominator > 0.0 ? numerator / denominator : 0.0, 1e-9);
    }
    env_close(&f);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("rescale");
    TCase *const tc = tcase_create("fit");

    tcase_add_loop_test(tc, reported_losses_are_true, 0, 2);
    tcase_add_loop_test(tc, quick_products_lose_nothing, 0, 2);
    tcase_add_loop_test(tc, loss_never_rises, 0, 3);
    tcase_add_test(tc, normal_equations_hold);
    tcase_add_test(tc, scales_are_normalised);
    tcase_add_test(tc, exact_scales_are_found);
    tcase_add_test(tc, zero_columns_and_rows_are_harmless);
    tcase_add_test(tc, floor_does_not_count);
    tcase_add_test(tc, rows_alone_are_least_squares);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
