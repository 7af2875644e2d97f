/* SPDX-License-Identifier: MIT */
/* Factors against the matrix that they are of, and orders against their definition. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "env_fixture.h"
#include "linalg/cholesky.h"
#include "plain.h"

/* On both sides of the blocks, and of their tasks. */
static const size_t sizes[] = {1, 2, 63, 64, 65, 127, 128, 129, 200, 300};
enum { SIZES = sizeof sizes / sizeof *sizes };

/* Variances in no order. */
static double *make_covariance(size_t n)
{
    double *const s = malloc(n * n * sizeof *s);

    plain_covariance(n, s);
    for (size_t j = 0; j < n; j++) {
        for (size_t i = 0; i < n; i++)
            s[j * n + i] *= (1.0 + (double)(i * 7 % 5)) * (1.0 + (double)(j * 7 % 5));
    }
    return s;
}

static double *copy_of(const double *s, size_t n)
{
    double *const copy = malloc(n * n * sizeof *copy);

    memcpy(copy, s, n * n * sizeof *copy);
    return copy;
}

static void expect_factor(const double *l, const double *s, const size_t *order, size_t n)
{
    for (size_t j = 0; j < n; j++) {
        for (size_t i = j; i < n; i++) {
            double sum = 0.0;
            for (size_t k = 0; k <= j; k++)
                sum += l[k * n + i] * l[k * n + j];
            const size_t row = order ? order[i] : i, column = order ? order[j] : j;
            ck_assert_double_eq_tol(sum, s[column * n + row], 1e-11);
        }
    }
}

static void expect_untouched(const double *l, const double *s, size_t n)
{
    for (size_t j = 0; j < n; j++) {
        for (size_t i = 0; i < j; i++)
            ck_assert_double_eq(l[j * n + i], s[j * n + i]);
    }
}

START_TEST(product_of_the_factor_is_the_matrix)
{
    env_fixture f = env_open();
    const size_t n = sizes[_i];
    double *const s = make_covariance(n), *const l = copy_of(s, n);

    ck_assert_uint_eq(wsic_cholesky(&f.env, n, l), 0);
    expect_factor(l, s, NULL, n);
    expect_untouched(l, s, n);
    free(l);
    free(s);
    env_close(&f);
}
END_TEST

START_TEST(pivoted_factor_is_of_the_matrix_in_its_order)
{
    env_fixture f = env_open();
    const size_t n = sizes[_i];
    double *const s = make_covariance(n), *const l = copy_of(s, n);
    size_t *const order = malloc(n * sizeof *order), pivot = 1;

    ck_assert_int_eq(wsic_cholesky_pivoted(&f.env, n, l, order, &pivot), WSIC_OK);
    ck_assert_uint_eq(pivot, 0);
    expect_factor(l, s, order, n);
    expect_untouched(l, s, n);
    /* The largest variance that is left: of later columns, less what is known of them. */
    for (size_t k = 0; k < n; k++) {
        for (size_t i = k; i < n; i++) {
            double left = s[order[i] * n + order[i]];
            for (size_t j = 0; j < k; j++)
                left -= l[j * n + i] * l[j * n + i];
            ck_assert_double_le(left, l[k * n + k] * l[k * n + k] * (1.0 + 1e-9));
        }
    }
    free(order);
    free(l);
    free(s);
    env_close(&f);
}
END_TEST

START_TEST(failing_pivot_is_named)
{
    env_fixture f = env_open();
    const size_t n = 200, bad[] = {0, 100, 128, 199};
    double *const s = make_covariance(n);

    for (size_t k = 0; k < n * n; k++)
        s[k] = k % (n + 1) == 0 ? 1.0 : 0.0;
    s[bad[_i] * (n + 1)] = -1.0;
    ck_assert_uint_eq(wsic_cholesky(&f.env, n, s), bad[_i] + 1);
    free(s);
    env_close(&f);
}
END_TEST

START_TEST(pivots_end_where_nothing_is_left)
{
    env_fixture f = env_open();
    const size_t n = 100;
    double *const s = make_covariance(n);
    size_t order[100], pivot = 0;

    for (size_t k = 0; k < n * n; k++)
        s[k] = k % (n + 1) == 0 && k < 70 * n ? 1.0 : 0.0;
    ck_assert_int_eq(wsic_cholesky_pivoted(&f.env, n, s, order, &pivot), WSIC_OK);
    ck_assert_uint_eq(pivot, 71);
    free(s);
    env_close(&f);
}
END_TEST

START_TEST(threads_change_nothing)
{
    env_fixture f = env_open();
    const size_t n = 300;
    double *const s = make_covariance(n);
    double *const l[] = {copy_of(s, n), copy_of(s, n), copy_of(s, n), copy_of(s, n)};
    size_t order[2][300], pivot;

    wsic_cholesky(&f.env, n, l[0]);
    wsic_cholesky_pivoted(&f.env, n, l[1], order[0], &pivot);
    ck_assert_int_eq(wsic_context_set_threads(f.context, 3), WSIC_OK);
    wsic_cholesky(&f.env, n, l[2]);
    wsic_cholesky_pivoted(&f.env, n, l[3], order[1], &pivot);
    ck_assert_mem_eq(l[0], l[2], n * n * sizeof **l);
    ck_assert_mem_eq(l[1], l[3], n * n * sizeof **l);
    ck_assert_mem_eq(order[0], order[1], sizeof order[0]);
    for (size_t k = 0; k < 4; k++)
        free(l[k]);
    free(s);
    env_close(&f);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("cholesky");
    TCase *const tc = tcase_create("factors");

    tcase_add_loop_test(tc, product_of_the_factor_is_the_matrix, 0, SIZES);
    tcase_add_loop_test(tc, pivoted_factor_is_of_the_matrix_in_its_order, 0, SIZES);
    tcase_add_loop_test(tc, failing_pivot_is_named, 0, 4);
    tcase_add_test(tc, pivots_end_where_nothing_is_left);
    tcase_add_test(tc, threads_change_nothing);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
