/* SPDX-License-Identifier: MIT */
/* The inverse of a falling curve, on curves whose inverse is known. */
#include <math.h>

#include "check_main.h"
#include "quant/curve.h"

typedef struct probe {
    int shape;
    int calls;
} probe;

static wsic_status evaluate(void *user, double x, double *value)
{
    probe *const p = user;

    p->calls++;
    switch (p->shape) {
    case 0: /* the high-rate law */
        *value = 5.0 - x;
        break;
    case 1: /* flattens at low rate, as entropies do */
        *value = log2(1.0 + exp2(5.0 - x));
        break;
    case 2: /* steps of 0.01 */
        *value = floor((5.0 - 0.7 * x) * 100.0) / 100.0;
        break;
    case 3: /* steeper than the law */
        *value = 8.0 - 2.5 * x;
        break;
    default:
        return WSIC_ERROR_CANCELLED;
    }
    return WSIC_OK;
}

START_TEST(finds_the_target)
{
    const double targets[] = {0.1, 1.0, 2.0, 4.0, 7.5};
    const double tolerance = 0.011;

    for (size_t k = 0; k < sizeof targets / sizeof *targets; k++) {
        probe p = {_i, 0};
        wsic_curve curve = {.evaluate = evaluate, .user = &p, .lowest = -20.0, .highest = 20.0};
        double x = 0.0, value = 0.0;
        ck_assert_int_eq(wsic_curve_solve(&curve, targets[k], tolerance, 1.0, &x, &value), WSIC_OK);
        ck_assert_double_le(fabs(value - targets[k]), tolerance);
        double again = 0.0;
        evaluate(&p, x, &again);
        ck_assert_double_eq(again, value);
        ck_assert_int_le(p.calls, 12);
    }
}
END_TEST

START_TEST(earlier_points_are_used_again)
{
    probe p = {0, 0};
    wsic_curve curve = {.evaluate = evaluate, .user = &p, .lowest = -20.0, .highest = 20.0};
    double x = 0.0, value = 0.0;

    ck_assert_int_eq(wsic_curve_solve(&curve, 2.0, 1e-6, 0.0, &x, &value), WSIC_OK);
    const int calls = p.calls;
    ck_assert_int_eq(wsic_curve_solve(&curve, 2.0, 1e-6, 0.0, &x, &value), WSIC_OK);
    ck_assert_int_eq(p.calls, calls);
    ck_assert_double_eq_tol(x, 3.0, 1e-5);
}
END_TEST

START_TEST(ends_of_the_range_are_the_nearest)
{
    probe p = {0, 0};
    wsic_curve curve = {.evaluate = evaluate, .user = &p, .lowest = 0.0, .highest = 3.0};
    double x = 0.0, value = 0.0;

    ck_assert_int_eq(wsic_curve_solve(&curve, 9.0, 1e-3, 1.0, &x, &value), WSIC_OK);
    ck_assert_double_eq(x, 0.0);
    ck_assert_int_eq(wsic_curve_solve(&curve, 1.0, 1e-3, 1.0, &x, &value), WSIC_OK);
    ck_assert_double_eq(x, 3.0);
    ck_assert_int_lt(p.calls, 12);
}
END_TEST

START_TEST(failures_are_handed_on)
{
    probe p = {99, 0};
    wsic_curve curve = {.evaluate = evaluate, .user = &p, .lowest = 0.0, .highest = 3.0};
    double x = 0.0, value = 0.0;

    ck_assert_int_eq(wsic_curve_solve(&curve, 1.0, 1e-3, 1.0, &x, &value), WSIC_ERROR_CANCELLED);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("curve");
    TCase *const tc = tcase_create("solve");

    tcase_add_loop_test(tc, finds_the_target, 0, 4);
    tcase_add_test(tc, earlier_points_are_used_again);
    tcase_add_test(tc, ends_of_the_range_are_the_nearest);
    tcase_add_test(tc, failures_are_handed_on);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
