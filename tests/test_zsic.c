/* SPDX-License-Identifier: MIT */
/* The recursion against a plain one, closed forms and invariances. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "env_fixture.h"
#include "recursion_instance.h"

static wsic_status run(const wsic_env *env, instance *p, bool lmmse)
{
    const wsic_zsic problem = instance_problem(p, lmmse);

    return wsic_zsic_run(env, NULL, &problem, (wsic_reals){.f64 = p->y}, p->codes, p->gamma,
                         &p->residual);
}

/* Y now holds Y - Ŵ L for the reconstruction before rescaling. */
static void expect_error(const instance *p)
{
    const size_t count = p->m * p->n;
    double *const restored = malloc(count * sizeof *restored);
    double *const product = malloc(count * sizeof *product);

    for (size_t k = 0; k < count; k++)
        restored[k] = p->alpha[k / p->m] * p->gamma[k / p->m] * p->codes[k];
    plain_multiply_lower(p->m, p->n, restored, p->L, product);
    for (size_t k = 0; k < count; k++)
        ck_assert_double_eq_tol(p->y[k], p->target[k] - product[k], 1e-11);
    free(restored);
    free(product);
}

static const struct {
    size_t m, n;
    double c;
    bool uniform, lmmse;
} cases[] = {
    {1, 1, 0.5, false, true},     {1, 17, 0.7, false, true},   {17, 1, 0.7, false, true},
    {5, 8, 0.9, false, false},    {6, 9, 1.1, false, true},    {33, 40, 0.3, false, true},
    {40, 33, 2.5, false, true},   {64, 130, 1.0, true, false}, {130, 64, 1.0, true, true},
    {2500, 19, 0.8, false, true},
};

START_TEST(equals_the_plain_recursion)
{
    env_fixture f = env_open();
    instance p =
        make_instance(cases[_i].m, cases[_i].n, cases[_i].c, cases[_i].uniform, (uint64_t)_i + 1);
    const size_t count = p.m * p.n;
    double *const target = malloc(count * sizeof *target);
    double *const gamma = malloc(p.n * sizeof *gamma);
    int32_t *const codes = malloc(count * sizeof *codes);

    memcpy(target, p.y, count * sizeof *target);
    plain_recursion(p.m, p.n, p.L, p.alpha, cases[_i].lmmse, target, codes, gamma);
    ck_assert_int_eq(run(&f.env, &p, cases[_i].lmmse), WSIC_OK);
    ck_assert_mem_eq(codes, p.codes, count * sizeof *codes);
    for (size_t j = 0; j < p.n; j++)
        ck_assert_double_eq_tol(gamma[j], p.gamma[j], 1e-10);
    expect_error(&p);
    free(target);
    free(gamma);
    free(codes);
    free_instance(&p);
    env_close(&f);
}
END_TEST

/* Also where it is 1e-12 of the target's energy. */
START_TEST(residual_is_the_error_of_the_reconstruction)
{
    env_fixture f = env_open();
    instance p = make_instance(60, 21, _i == 0 ? 0.8 : 1e-6, false, 3);
    double *const difference = malloc(p.m * p.n * sizeof *difference);
    double *const product = malloc(p.m * p.n * sizeof *product);
    double error = 0.0;

    ck_assert_int_eq(run(&f.env, &p, true), WSIC_OK);
    for (size_t k = 0; k < p.m * p.n; k++)
        difference[k] = p.w[k] - p.alpha[k / p.m] * p.gamma[k / p.m] * p.codes[k];
    plain_multiply_lower(p.m, p.n, difference, p.L, product);
    for (size_t k = 0; k < p.m * p.n; k++)
        error += product[k] * product[k];
    ck_assert_double_eq_tol(p.residual / error, 1.0, _i == 0 ? 1e-10 : 1e-7);
    free(difference);
    free(product);
    free_instance(&p);
    env_close(&f);
}
END_TEST

/* Diagonal Σ: nothing is coupled, so every weight is rounded on its own. */
START_TEST(diagonal_covariance_rounds_each_weight)
{
    env_fixture f = env_open();
    instance p = make_instance(50, 12, 1.0, false, 4);

    for (size_t j = 0; j < p.n; j++) {
        for (size_t i = 0; i < p.n; i++)
            p.L[j * p.n + i] = i == j ? (_i == 0 ? 1.0 : 1.0 + (double)j) : 0.0;
        p.alpha[j] = 0.6 / p.L[j * p.n + j];
    }
    plain_multiply_lower(p.m, p.n, p.w, p.L, p.y);
    ck_assert_int_eq(run(&f.env, &p, true), WSIC_OK);
    for (size_t j = 0; j < p.n; j++) {
        double zw = 0.0, zz = 0.0;
        for (size_t i = 0; i < p.m; i++) {
            const double w = p.w[j * p.m + i];
            const double z = nearbyint(w / p.alpha[j]);
            ck_assert_double_eq((double)p.codes[j * p.m + i], z);
            zw += z * w;
            zz += z * z;
        }
        ck_assert_double_eq_tol(p.gamma[j], zw / (zz * p.alpha[j]), 1e-12);
    }
    free_instance(&p);
    env_close(&f);
}
END_TEST

START_TEST(rows_are_permuted_with_their_codes)
{
    env_fixture f = env_open();
    instance p = make_instance(37, 20, 0.8, false, 5), q = make_instance(37, 20, 0.8, false, 5);

    for (size_t j = 0; j < p.n; j++) {
        for (size_t i = 0; i < p.m; i++)
            q.y[j * p.m + (i * 5 + 3) % p.m] = p.y[j * p.m + i];
    }
    ck_assert_int_eq(run(&f.env, &p, true), WSIC_OK);
    ck_assert_int_eq(run(&f.env, &q, true), WSIC_OK);
    for (size_t j = 0; j < p.n; j++) {
        for (size_t i = 0; i < p.m; i++)
            ck_assert_int_eq(q.codes[j * p.m + (i * 5 + 3) % p.m], p.codes[j * p.m + i]);
    }
    free_instance(&p);
    free_instance(&q);
    env_close(&f);
}
END_TEST

/* Powers of two change no bit of the arithmetic. */
START_TEST(scales_of_two_change_nothing)
{
    env_fixture f = env_open();
    instance p = make_instance(31, 26, 0.8, false, 6), q = make_instance(31, 26, 0.8, false, 6);
    const double scale = _i == 0 ? 0x1p-300 : 0x1p300;

    for (size_t k = 0; k < p.n * p.n; k++)
        q.L[k] *= scale;
    for (size_t k = 0; k < p.m * p.n; k++)
        q.y[k] *= scale;
    ck_assert_int_eq(run(&f.env, &p, true), WSIC_OK);
    ck_assert_int_eq(run(&f.env, &q, true), WSIC_OK);
    ck_assert_mem_eq(p.codes, q.codes, p.m * p.n * sizeof *p.codes);
    free_instance(&p);
    free_instance(&q);
    env_close(&f);
}
END_TEST

START_TEST(ties_go_to_even)
{
    env_fixture f = env_open();
    const double values[] = {0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 3.4999, 3.5};
    const int32_t expected[] = {0, 2, 2, 0, -2, -2, 3, 4};
    double L = 1.0, alpha = 1.0, gamma, residual, y[8];
    int32_t codes[8];
    const wsic_zsic problem = {
        .rows = 8, .columns = 1, .L = &L, .alpha = &alpha, .quantizer = &wsic_quantizer_scalar};

    memcpy(y, values, sizeof y);
    ck_assert_int_eq(
        wsic_zsic_run(&f.env, NULL, &problem, (wsic_reals){.f64 = y}, codes, &gamma, &residual),
        WSIC_OK);
    ck_assert_mem_eq(codes, expected, sizeof codes);
    env_close(&f);
}
END_TEST

START_TEST(column_of_zeros_changes_nothing_else)
{
    env_fixture f = env_open();
    instance p = make_instance(20, 3, 0.5, false, 7);

    for (size_t i = 0; i < p.m; i++)
        p.y[1 * p.m + i] = 0.0;
    p.L[0 * 3 + 1] = p.L[0 * 3 + 2] = p.L[1 * 3 + 2] = 0.0;
    ck_assert_int_eq(run(&f.env, &p, true), WSIC_OK);
    ck_assert_double_eq(p.gamma[1], 0.0);
    for (size_t i = 0; i < p.m; i++)
        ck_assert_int_eq(p.codes[1 * p.m + i], 0);
    ck_assert_double_gt(p.gamma[0], 0.5);
    free_instance(&p);
    env_close(&f);
}
END_TEST

START_TEST(codes_beyond_32_bits_are_refused)
{
    env_fixture f = env_open();
    instance p = make_instance(4, 2, 1e-12, false, 8);

    ck_assert_int_eq(run(&f.env, &p, true), WSIC_ERROR_RANGE);
    ck_assert_ptr_nonnull(strstr(wsic_context_message(f.context), "column"));
    free_instance(&p);
    env_close(&f);
}
END_TEST

START_TEST(cancelled_between_blocks)
{
    env_fixture f = env_open();
    instance p = make_instance(4, 2, 1.0, false, 9);

    wsic_context_cancel(f.context);
    ck_assert_int_eq(run(&f.env, &p, true), WSIC_ERROR_CANCELLED);
    ck_assert_int_eq(run(&f.env, &p, true), WSIC_OK);
    free_instance(&p);
    env_close(&f);
}
END_TEST

START_TEST(threads_change_nothing)
{
    env_fixture f = env_open();
    instance p = make_instance(4000, 10, 0.8, false, 10),
             q = make_instance(4000, 10, 0.8, false, 10);

    ck_assert_int_eq(run(&f.env, &p, true), WSIC_OK);
    ck_assert_int_eq(wsic_context_set_threads(f.context, 4), WSIC_OK);
    ck_assert_int_eq(run(&f.env, &q, true), WSIC_OK);
    ck_assert_mem_eq(p.codes, q.codes, p.m * p.n * sizeof *p.codes);
    ck_assert_mem_eq(p.gamma, q.gamma, p.n * sizeof *p.gamma);
    ck_assert_double_eq(p.residual, q.residual);
    free_instance(&p);
    free_instance(&q);
    env_close(&f);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("zsic");
    TCase *const tc = tcase_create("recursion");

    tcase_add_loop_test(tc, equals_the_plain_recursion, 0, (int)(sizeof cases / sizeof *cases));
    tcase_add_loop_test(tc, residual_is_the_error_of_the_reconstruction, 0, 2);
    tcase_add_loop_test(tc, diagonal_covariance_rounds_each_weight, 0, 2);
    tcase_add_test(tc, rows_are_permuted_with_their_codes);
    tcase_add_loop_test(tc, scales_of_two_change_nothing, 0, 2);
    tcase_add_test(tc, ties_go_to_even);
    tcase_add_test(tc, column_of_zeros_changes_nothing_else);
    tcase_add_test(tc, codes_beyond_32_bits_are_refused);
    tcase_add_test(tc, cancelled_between_blocks);
    tcase_add_test(tc, threads_change_nothing);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
