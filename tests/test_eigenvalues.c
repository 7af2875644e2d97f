/* SPDX-License-Identifier: MIT */
/* Eigenvalues against matrices whose eigenvalues are known: closed forms, and spectra that are
 * hidden by reflections. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/sort.h"
#include "check_main.h"
#include "env_fixture.h"
#include "linalg/eigenvalues.h"
#include "plain.h"

/* On both sides of the width of a band, of its panels and of the tasks. */
static const size_t sizes[] = {1,  2,  3,  31, 32, 33, 34,  35,  48,  63,
                               64, 65, 66, 96, 97, 98, 127, 160, 161, 300};
enum { SIZES = sizeof sizes / sizeof *sizes };

static void expect_close(const double *found, const double *expected, size_t n, double tolerance)
{
    for (size_t i = 0; i < n; i++)
        ck_assert_double_le(fabs(found[i] - expected[i]), tolerance);
}

/* H A H, H = I - 2 v vᵀ / ||v||². */
static void reflect(double *a, size_t n, const double *v)
{
    double norm = 0.0;

    for (size_t i = 0; i < n; i++)
        norm += v[i] * v[i];
    for (int side = 0; side < 2; side++) {
        for (size_t j = 0; j < n; j++) {
            const size_t start = side == 0 ? j * n : j, step = side == 0 ? 1 : n;
            double sum = 0.0;
            for (size_t i = 0; i < n; i++)
                sum += v[i] * a[start + i * step];
            for (size_t i = 0; i < n; i++)
                a[start + i * step] -= 2.0 * sum / norm * v[i];
        }
    }
}

/* A dense matrix of a known spectrum. */
static double *hide(const double *spectrum, size_t n)
{
    double *const a = calloc(n * n, sizeof *a), *const v = malloc(n * sizeof *v);

    for (size_t i = 0; i < n; i++)
        a[i * n + i] = spectrum[i];
    for (int k = 0; k < 5; k++) {
        for (size_t i = 0; i < n; i++)
            v[i] = sin(1.0 + (double)(i * i) + 3.0 * k);
        reflect(a, n, v);
    }
    free(v);
    return a;
}

/* Of 1 + min(i, j): the inverse is tridiagonal, and its eigenvalues are known. */
START_TEST(closed_form_of_the_smaller_number)
{
    env_fixture f = env_open();
    const size_t n = sizes[_i];
    double *const a = malloc(n * n * sizeof *a), *const found = malloc(n * sizeof *found);
    double *const expected = malloc(n * sizeof *expected);

    for (size_t j = 0; j < n; j++) {
        for (size_t i = 0; i < n; i++)
            a[j * n + i] = 1.0 + (double)(i < j ? i : j);
        const double root = 2.0 * sin(((double)j + 0.5) * acos(-1.0) / (2.0 * (double)n + 1.0));
        expected[n - 1 - j] = 1.0 / (root * root);
    }
    ck_assert_int_eq(wsic_eigenvalues(&f.env, n, a, found), WSIC_OK);
    expect_close(found, expected, n, 4e-15 * expected[n - 1]);
    free(expected);
    free(found);
    free(a);
    env_close(&f);
}
END_TEST

/* Of either sign, equal ones and zeros among them. */
START_TEST(spectrum_is_found_behind_reflections)
{
    env_fixture f = env_open();
    const size_t n = sizes[_i];
    double *const spectrum = malloc(n * sizeof *spectrum), *const found = malloc(n * sizeof *found);

    for (size_t i = 0; i < n; i++)
        spectrum[i] = i % 5 == 0 ? 0.0 : i % 7 == 0 ? 2.0 : cos((double)i) * exp(-0.02 * (double)i);
    double *const a = hide(spectrum, n);
    for (size_t j = 0; j < n; j++) {
        for (size_t i = 0; i < j; i++)
            a[j * n + i] = nan(""); /* not to be looked at */
    }
    qsort(spectrum, n, sizeof *spectrum, wsic_ascending_double);
    ck_assert_int_eq(wsic_eigenvalues(&f.env, n, a, found), WSIC_OK);
    expect_close(found, spectrum, n, 2e-14);
    free(a);
    free(found);
    free(spectrum);
    env_close(&f);
}
END_TEST

START_TEST(zeros_and_multiples_of_the_identity)
{
    env_fixture f = env_open();
    enum { N = 70 };
    static double a[N * N], found[N], expected[N];

    for (int k = 0; k < 3; k++) {
        memset(a, 0, sizeof a);
        for (size_t i = 0; i < N; i++)
            a[i * N + i] = expected[i] = 1.5 * k;
        ck_assert_int_eq(wsic_eigenvalues(&f.env, N, a, found), WSIC_OK);
        expect_close(found, expected, N, 0.0);
    }
    env_close(&f);
}
END_TEST

/* A power of two changes nothing but the exponents, at the ends of double precision too. */
START_TEST(powers_of_two_are_exact)
{
    static const int exponents[] = {-1030, -960, -3, 1, 1000, 1020};
    env_fixture f = env_open();
    enum { N = 50 };
    static double plain[N], found[N];
    double *const unit = malloc(N * sizeof *unit);

    for (size_t i = 0; i < N; i++)
        unit[i] = 1.0 + (double)i / N;
    double *const a = hide(unit, N);
    double *const copy = malloc(N * N * sizeof *copy);
    memcpy(copy, a, N * N * sizeof *copy);
    ck_assert_int_eq(wsic_eigenvalues(&f.env, N, copy, plain), WSIC_OK);
    for (size_t k = 0; k < sizeof exponents / sizeof *exponents; k++) {
        for (size_t i = 0; i < N * N; i++)
            copy[i] = ldexp(a[i], exponents[k]);
        ck_assert_int_eq(wsic_eigenvalues(&f.env, N, copy, found), WSIC_OK);
        for (size_t i = 0; i < N; i++) {
            const double expected = ldexp(plain[i], exponents[k]);
            const double lost = exponents[k] < -1000 ? 0x1p-1065 : 0.0; /* subnormal elements */
            ck_assert_double_le(fabs(found[i] - expected), lost);
        }
    }
    free(copy);
    free(a);
    free(unit);
    env_close(&f);
}
END_TEST

START_TEST(what_is_not_finite_is_refused)
{
    env_fixture f = env_open();
    enum { N = 40 };
    static double a[N * N], found[N];

    a[3 * N + 5] = _i == 0 ? nan("") : -INFINITY;
    ck_assert_int_eq(wsic_eigenvalues(&f.env, N, a, found), WSIC_ERROR_NOT_FINITE);
    env_close(&f);
}
END_TEST

START_TEST(threads_and_kernels_change_nothing)
{
    env_fixture f = env_open();
    enum { N = 300 };
    double *const a = malloc(N * N * sizeof *a), *const copy = malloc(N * N * sizeof *copy);
    static double alone[N], together[N];

    plain_covariance(N, a);
    memcpy(copy, a, N * N * sizeof *copy);
    ck_assert_int_eq(wsic_eigenvalues(&f.env, N, a, alone), WSIC_OK);
    ck_assert_int_eq(wsic_context_set_threads(f.context, 3), WSIC_OK);
    ck_assert_int_eq(wsic_context_set_kernels(f.context, WSIC_KERNELS_C), WSIC_OK);
    ck_assert_int_eq(wsic_eigenvalues(&f.env, N, copy, together), WSIC_OK);
    ck_assert_mem_eq(alone, together, sizeof alone);
    free(copy);
    free(a);
    env_close(&f);
}
END_TEST

START_TEST(memory_stays_within_the_bound)
{
    env_fixture f = env_open();
    const size_t n = sizes[_i];
    double *const a = calloc(n * n, sizeof *a), *const found = malloc(n * sizeof *found);
    uint64_t peak = 0;

    ck_assert_int_eq(wsic_eigenvalues(&f.env, n, a, found), WSIC_OK);
    wsic_context_memory(f.context, &peak);
    ck_assert_double_le((double)peak, wsic_eigenvalues_memory(n));
    free(found);
    free(a);
    env_close(&f);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("eigenvalues");
    TCase *const tc = tcase_create("eigenvalues");

    tcase_add_loop_test(tc, closed_form_of_the_smaller_number, 0, SIZES);
    tcase_add_loop_test(tc, spectrum_is_found_behind_reflections, 0, SIZES);
    tcase_add_test(tc, zeros_and_multiples_of_the_identity);
    tcase_add_test(tc, powers_of_two_are_exact);
    tcase_add_loop_test(tc, what_is_not_finite_is_refused, 0, 2);
    tcase_add_test(tc, threads_and_kernels_change_nothing);
    tcase_add_loop_test(tc, memory_stays_within_the_bound, 0, SIZES);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
