/* SPDX-License-Identifier: MIT */
/* Dead columns, damping and its ladder. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "env_fixture.h"
#include "plain.h"
#include "quant/prepare.h"

static const wsic_factor_options usual = {1e-4, 6};
static const wsic_dead_rule rule = {1e-3, NULL};

static wsic_status factorize(const wsic_env *env, size_t n, const double *sum, double samples,
                             const wsic_factor_options *options, wsic_factor *factor)
{
    ck_assert_int_eq(wsic_factor_columns(env, n, sum, &rule, factor), WSIC_OK);
    return wsic_factorize(env, sum, samples, options, factor);
}

START_TEST(factor_times_its_transpose_is_the_damped_covariance)
{
    enum { N = 23 };
    env_fixture f = env_open();
    double sum[N * N], mean = 0.0;
    wsic_factor factor;
    const double samples = 37.0;

    plain_covariance(N, sum);
    for (size_t k = 0; k < N * N; k++)
        sum[k] *= samples;
    for (size_t j = 0; j < N; j++)
        mean += sum[j * N + j] / samples / N;
    ck_assert_int_eq(factorize(&f.env, N, sum, samples, &usual, &factor), WSIC_OK);
    ck_assert_uint_eq(factor.live, N);
    ck_assert_uint_eq(factor.retries, 0);
    ck_assert_double_eq_tol(factor.damping * factor.unit / (1e-4 * mean), 1.0, 1e-12);
    for (size_t j = 0; j < N; j++) {
        for (size_t i = j; i < N; i++) {
            double product = 0.0;
            for (size_t k = 0; k <= j; k++)
                product += factor.L[k * N + i] * factor.L[k * N + j];
            const double expected = sum[j * N + i] / samples + (i == j ? 1e-4 * mean : 0.0);
            ck_assert_double_eq_tol(product * factor.unit, expected, 1e-12 * mean);
        }
    }
    wsic_factor_release(&f.env, &factor);
    env_close(&f);
}
END_TEST

/* Diagonals 1, 2, 3, 1000, 0, 0.0009, -1: the lower median is 1, a mean would be 144. */
START_TEST(dead_columns_are_those_below_the_median)
{
    enum { N = 7 };
    env_fixture f = env_open();
    const double diagonal[N] = {1.0, 2.0, 3.0, 1000.0, 0.0, 0.0009, -1.0};
    const size_t expected[] = {0, 1, 2, 3};
    double sum[N * N] = {0.0};
    wsic_factor factor;

    for (size_t j = 0; j < N; j++)
        sum[j * N + j] = diagonal[j];
    ck_assert_int_eq(factorize(&f.env, N, sum, 1.0, &usual, &factor), WSIC_OK);
    ck_assert_uint_eq(factor.live, 4);
    ck_assert_mem_eq(factor.live_index, expected, sizeof expected);
    wsic_factor_release(&f.env, &factor);
    env_close(&f);
}
END_TEST

START_TEST(all_columns_may_be_dead)
{
    env_fixture f = env_open();
    const double sum[4] = {0.0};
    wsic_factor factor;

    ck_assert_int_eq(factorize(&f.env, 2, sum, 1.0, &usual, &factor), WSIC_OK);
    ck_assert_uint_eq(factor.live, 0);
    wsic_factor_release(&f.env, &factor);
    env_close(&f);
}
END_TEST

/* Slightly indefinite: the smallest eigenvalue is -0.01. */
static void indefinite(double sum[4])
{
    sum[0] = sum[3] = 1.0;
    sum[1] = sum[2] = 1.01;
}

START_TEST(damping_is_raised_as_often_as_needed)
{
    env_fixture f = env_open();
    double sum[4];
    wsic_factor factor;

    indefinite(sum);
    ck_assert_int_eq(factorize(&f.env, 2, sum, 1.0, &usual, &factor), WSIC_OK);
    /* 1e-4, 1e-3 and 1e-2 are too little, 1e-1 is enough. */
    ck_assert_uint_eq(factor.retries, 3);
    ck_assert_double_eq_tol(factor.damping * factor.unit, 0.1, 1e-12);
    wsic_factor_release(&f.env, &factor);
    env_close(&f);
}
END_TEST

START_TEST(forbidden_retries_are_an_error_that_names_the_pivot)
{
    env_fixture f = env_open();
    const wsic_factor_options strict = {1e-4, 0};
    double sum[4];
    wsic_factor factor;

    indefinite(sum);
    ck_assert_int_eq(factorize(&f.env, 2, sum, 1.0, &strict, &factor),
                     WSIC_ERROR_NOT_POSITIVE_DEFINITE);
    ck_assert_ptr_nonnull(strstr(wsic_context_message(f.context), "column 1"));
    wsic_factor_release(&f.env, &factor);
    env_close(&f);
}
END_TEST

/* What is definite at first may not be in another order; here it is another sum. The ladder goes
 * on, and begins anew with the next: the past leaves no trace. */
START_TEST(damping_is_raised_in_another_order)
{
    env_fixture f = env_open();
    const wsic_factor_form form = {.pivot = _i == 1};
    const double definite[4] = {1.0, 0.0, 0.0, 1.0};
    double sum[4];
    wsic_factor factor;

    indefinite(sum);
    ck_assert_int_eq(factorize(&f.env, 2, definite, 1.0, &usual, &factor), WSIC_OK);
    for (int time = 0; time < 2; time++) {
        ck_assert_int_eq(wsic_refactorize(&f.env, sum, 1.0, &usual, &form, &factor), WSIC_OK);
        ck_assert_uint_eq(factor.retries, 3);
        ck_assert_double_eq_tol(factor.damping * factor.unit, 0.1, 1e-12);
        ck_assert_double_eq_tol(factor.L[0] * factor.L[0] * factor.unit, 1.1, 1e-12);
        ck_assert_double_eq_tol(factor.L[0] * factor.L[1] * factor.unit, 1.01, 1e-12);
    }
    ck_assert_int_eq(wsic_refactorize(&f.env, definite, 1.0, &usual, &form, &factor), WSIC_OK);
    ck_assert_uint_eq(factor.retries, 0);
    ck_assert_double_eq_tol(factor.damping * factor.unit, 1e-4, 1e-15);
    wsic_factor_release(&f.env, &factor);
    env_close(&f);
}
END_TEST

/* Column 1 comes first, column 3 fails. */
START_TEST(failure_in_another_order_names_the_pivot)
{
    env_fixture f = env_open();
    const wsic_factor_options strict = {1e-4, 0};
    const wsic_factor_form form = {.pivot = true};
    double sum[4 * 4] = {0.0};
    wsic_factor factor;

    for (size_t j = 0; j < 4; j++)
        sum[j * 4 + j] = j == 1 ? 2.0 : 1.0;
    ck_assert_int_eq(factorize(&f.env, 4, sum, 1.0, &strict, &factor), WSIC_OK);
    sum[1 * 4 + 3] = sum[3 * 4 + 1] = 1.5;
    ck_assert_int_eq(wsic_refactorize(&f.env, sum, 1.0, &strict, &form, &factor),
                     WSIC_ERROR_NOT_POSITIVE_DEFINITE);
    ck_assert_ptr_nonnull(strstr(wsic_context_message(f.context), "column 3"));
    wsic_factor_release(&f.env, &factor);
    env_close(&f);
}
END_TEST

/* Rank one: damping alone makes it definite, without a retry. */
START_TEST(singular_covariance_is_damped)
{
    enum { N = 9 };
    env_fixture f = env_open();
    double sum[N * N];
    wsic_factor factor;

    for (size_t k = 0; k < N * N; k++)
        sum[k] = 2.0;
    ck_assert_int_eq(factorize(&f.env, N, sum, 1.0, &usual, &factor), WSIC_OK);
    ck_assert_uint_eq(factor.retries, 0);
    wsic_factor_release(&f.env, &factor);
    env_close(&f);
}
END_TEST

START_TEST(even_powers_of_two)
{
    ck_assert_double_eq(wsic_even_power_of_two(0.0), 1.0);
    ck_assert_double_eq(wsic_even_power_of_two(1.0), 1.0);
    ck_assert_double_eq(wsic_even_power_of_two(3.99), 1.0);
    ck_assert_double_eq(wsic_even_power_of_two(4.0), 4.0);
    ck_assert_double_eq(wsic_even_power_of_two(0.9), 0.25);
    ck_assert_double_eq(wsic_even_power_of_two(0x1p-1000), 0x1p-1000);
    ck_assert_double_eq(wsic_even_power_of_two(0x1p1001), 0x1p1000);
    ck_assert_double_eq(wsic_even_power_of_two(0x1p-1022), 0x1p-1022);
    ck_assert_double_eq(wsic_even_power_of_two(0x1p-1060), 0x1p-1022);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("prepare");
    TCase *const tc = tcase_create("factor");

    tcase_add_test(tc, factor_times_its_transpose_is_the_damped_covariance);
    tcase_add_test(tc, dead_columns_are_those_below_the_median);
    tcase_add_test(tc, all_columns_may_be_dead);
    tcase_add_test(tc, damping_is_raised_as_often_as_needed);
    tcase_add_test(tc, forbidden_retries_are_an_error_that_names_the_pivot);
    tcase_add_loop_test(tc, damping_is_raised_in_another_order, 0, 2);
    tcase_add_test(tc, failure_in_another_order_names_the_pivot);
    tcase_add_test(tc, singular_covariance_is_damped);
    tcase_add_test(tc, even_powers_of_two);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
