/* SPDX-License-Identifier: MIT */
/* The recursion with survivors: one is the plain recursion, enough of them find the best
 * of all ways. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "env_fixture.h"
#include "quant/kbest.h"
#include "recursion_instance.h"

static wsic_status run(const wsic_env *env, instance *p, size_t survivors)
{
    const wsic_zsic problem = instance_problem(p, false);

    memcpy(p->y, p->target, p->m * p->n * sizeof *p->y);
    return wsic_kbest_run(env, NULL, &problem, survivors, p->y, p->codes, p->gamma, &p->residual);
}

/* ||Y - Z diag(α) L||² of one row. */
static double row_error(const instance *p, size_t row, const int32_t *codes, size_t ld)
{
    double sum = 0.0;

    for (size_t j = 0; j < p->n; j++) {
        double error = p->target[j * p->m + row];
        for (size_t k = j; k < p->n; k++)
            error -= p->alpha[k] * codes[k * ld] * p->L[j * p->n + k];
        sum += error * error;
    }
    return sum;
}

START_TEST(one_survivor_is_the_plain_recursion)
{
    const size_t shapes[][2] = {{1, 1}, {3, 40}, {40, 3}, {50, 33}, {1500, 70}};
    env_fixture f = env_open();
    instance p = make_instance(shapes[_i][0], shapes[_i][1], 1.1, false, (uint64_t)_i + 1);
    const size_t count = p.m * p.n;
    int32_t *const codes = malloc(count * sizeof *codes);
    double *const y = malloc(count * sizeof *y);

    memcpy(y, p.target, count * sizeof *y);
    plain_recursion(p.m, p.n, p.L, p.alpha, false, y, codes, p.gamma);
    ck_assert_int_eq(run(&f.env, &p, 1), WSIC_OK);
    ck_assert_mem_eq(codes, p.codes, count * sizeof *codes);
    free(codes);
    free(y);
    free_instance(&p);
    env_close(&f);
}
END_TEST

START_TEST(residual_and_reconstruction_are_those_of_the_codes)
{
    env_fixture f = env_open();
    instance p = make_instance(90, 75, 1.3, false, 7);
    double sum = 0.0;

    ck_assert_int_eq(run(&f.env, &p, 5), WSIC_OK);
    for (size_t r = 0; r < p.m; r++)
        sum += row_error(&p, r, p.codes + r, p.m);
    ck_assert_double_eq_tol(p.residual / sum, 1.0, 1e-10);
    for (size_t j = 0; j < p.n; j++) {
        for (size_t i = 0; i < p.m; i++)
            ck_assert_double_eq_tol(p.y[j * p.m + i], p.alpha[j] * p.codes[j * p.m + i], 1e-12);
    }
    free_instance(&p);
    env_close(&f);
}
END_TEST

/* The least error of a row over all ways that take, at each column, the nearest or the second
 * nearest integer: by recursion over the tree. y is the row's targets less what was taken
 * out. */
static double best_of_tree(const instance *p, const double *y, size_t columns)
{
    double best = HUGE_VAL;

    if (columns == 0)
        return 0.0;
    const size_t j = columns - 1;
    const double step = p->alpha[j] * p->L[j * p->n + j], scaled = y[j] / step;
    const double nearest = nearbyint(scaled);
    for (int which = 0; which < 2; which++) {
        double left[16];
        const double z = nearest + (which == 0 ? 0.0 : scaled < nearest ? -1.0 : 1.0);
        for (size_t k = 0; k <= j; k++)
            left[k] = y[k] - p->alpha[j] * z * p->L[k * p->n + j];
        best = fmin(best, left[j] * left[j] + best_of_tree(p, left, j));
    }
    return best;
}

START_TEST(enough_survivors_find_the_best_way)
{
    enum { N = 6 }; /* 2^6 ways: 64 survivors keep them all */
    env_fixture f = env_open();
    instance p = make_instance(40, N, 1.5, false, 11);

    ck_assert_int_eq(run(&f.env, &p, 64), WSIC_OK);
    for (size_t r = 0; r < p.m; r++) {
        double y[16];
        for (size_t j = 0; j < N; j++)
            y[j] = p.target[j * p.m + r];
        ck_assert_double_eq_tol(row_error(&p, r, p.codes + r, p.m), best_of_tree(&p, y, N), 1e-9);
    }
    free_instance(&p);
    env_close(&f);
}
END_TEST

START_TEST(more_survivors_leave_less)
{
    env_fixture f = env_open();
    instance p = make_instance(200, 80, 2.0, false, 13);
    double previous = HUGE_VAL;

    for (size_t survivors = 1; survivors <= 16; survivors *= 4) {
        ck_assert_int_eq(run(&f.env, &p, survivors), WSIC_OK);
        ck_assert_double_lt(p.residual, 0.99 * previous);
        previous = p.residual;
    }
    free_instance(&p);
    env_close(&f);
}
END_TEST

START_TEST(threads_change_nothing)
{
    env_fixture f = env_open();
    instance p = make_instance(700, 40, 1.2, false, 17), q = make_instance(700, 40, 1.2, false, 17);

    ck_assert_int_eq(run(&f.env, &p, 8), WSIC_OK);
    ck_assert_int_eq(wsic_context_set_threads(f.context, 4), WSIC_OK);
    ck_assert_int_eq(run(&f.env, &q, 8), WSIC_OK);
    ck_assert_mem_eq(p.codes, q.codes, p.m * p.n * sizeof *p.codes);
    ck_assert_double_eq(p.residual, q.residual);
    free_instance(&p);
    free_instance(&q);
    env_close(&f);
}
END_TEST

START_TEST(failures_leave_nothing_behind)
{
    env_fixture f = env_open();
    instance p = make_instance(20, 12, 1e-12, false, 19);

    ck_assert_int_eq(run(&f.env, &p, 4), WSIC_ERROR_RANGE);
    wsic_context_set_memory_limit(f.context, 2000);
    ck_assert_int_eq(run(&f.env, &p, 4), WSIC_ERROR_MEMORY_LIMIT);
    wsic_context_set_memory_limit(f.context, 0);
    wsic_context_stop(f.context);
    ck_assert_int_eq(run(&f.env, &p, 4), WSIC_ERROR_CANCELLED);
    free_instance(&p);
    env_close(&f);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("kbest");
    TCase *const tc = tcase_create("survivors");

    tcase_add_loop_test(tc, one_survivor_is_the_plain_recursion, 0, 5);
    tcase_add_test(tc, residual_and_reconstruction_are_those_of_the_codes);
    tcase_add_test(tc, enough_survivors_find_the_best_way);
    tcase_add_test(tc, more_survivors_leave_less);
    tcase_add_test(tc, threads_change_nothing);
    tcase_add_test(tc, failures_leave_nothing_behind);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
