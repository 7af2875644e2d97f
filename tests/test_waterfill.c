/* SPDX-License-Identifier: MIT */
/* Reverse waterfilling against closed forms, against brute force, and against its own
 * inverse. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include <watersic/waterfill.h>

#include "check_main.h"

static double rate_of(const double *eigenvalues, size_t n, double variance, double distortion,
                      double *level)
{
    double rate = -1.0;
    ck_assert_int_eq(wsic_waterfill_rate(eigenvalues, n, variance, distortion, &rate, level),
                     WSIC_OK);
    return rate;
}

static double distortion_of(const double *eigenvalues, size_t n, double variance, double rate,
                            double *level)
{
    double distortion = -1.0;
    ck_assert_int_eq(wsic_waterfill_distortion(eigenvalues, n, variance, rate, &distortion, level),
                     WSIC_OK);
    return distortion;
}

static void assert_close(double found, double expected, double relative)
{
    ck_assert_double_le(fabs(found - expected), relative * fabs(expected));
}

/* A small generator of numbers in [0, 1); its only merit is to be the same everywhere. */
static double next_uniform(uint64_t *state)
{
    *state = *state * 6364136223846793005U + 1442695040888963407U;
    return (double)(*state >> 11) * 0x1p-53;
}

/* Spectrum over `decades` decades around 1. */
static void random_spectrum(double *eigenvalues, size_t n, double decades, uint64_t seed)
{
    for (size_t i = 0; i < n; i++)
        eigenvalues[i] = pow(10.0, decades * (next_uniform(&seed) - 0.5));
}

START_TEST(equal_eigenvalues_follow_the_gaussian_law)
{
    const double eigenvalues[] = {3.0, 3.0, 3.0, 3.0, 3.0};
    double level;

    for (double distortion = 1e-9; distortion < 6.0; distortion *= 1.7) {
        const double rate = rate_of(eigenvalues, 5, 2.0, distortion, &level);
        ck_assert_double_eq_tol(rate, 0.5 * log2(6.0 / distortion), 1e-13);
        assert_close(level, distortion, 1e-14);
    }
    ck_assert_double_eq(rate_of(eigenvalues, 5, 2.0, 6.0, &level), 0.0);
    ck_assert_double_eq(level, 6.0);
}
END_TEST

/* Powers 16 and 1. Above level 1 only the first is coded: D = (τ + 1) / 2, R = ½ · ½
 * log2(16 / τ). Below it both are: D = τ, R = ½ log2(4 / τ). */
START_TEST(two_levels_by_hand)
{
    const double eigenvalues[] = {1.0, 16.0};
    double level;

    ck_assert_double_eq_tol(rate_of(eigenvalues, 2, 1.0, 2.5, &level), 0.5, 1e-15);
    ck_assert_double_eq_tol(level, 4.0, 1e-14);
    ck_assert_double_eq_tol(rate_of(eigenvalues, 2, 1.0, 1.0, &level), 1.0, 1e-15);
    ck_assert_double_eq_tol(level, 1.0, 1e-15);
    ck_assert_double_eq_tol(rate_of(eigenvalues, 2, 1.0, 0.25, &level), 2.0, 1e-15);
    ck_assert_double_eq_tol(level, 0.25, 1e-15);

    ck_assert_double_eq_tol(distortion_of(eigenvalues, 2, 1.0, 0.5, &level), 2.5, 1e-14);
    ck_assert_double_eq_tol(distortion_of(eigenvalues, 2, 1.0, 1.0, &level), 1.0, 1e-14);
    ck_assert_double_eq_tol(distortion_of(eigenvalues, 2, 1.0, 2.0, &level), 0.25, 1e-14);
    ck_assert_double_eq_tol(level, 0.25, 1e-14);
}
END_TEST

START_TEST(zeros_cost_nothing_but_count)
{
    const double with_zeros[] = {0.0, 4.0, 0.0, 4.0};
    const double without[] = {4.0, 4.0};
    double level, expected;

    /* Each live component gets twice the mean distortion and twice the mean rate. */
    const double rate = rate_of(with_zeros, 4, 1.0, 0.125, &level);
    ck_assert_double_eq_tol(2.0 * rate, rate_of(without, 2, 1.0, 0.25, &expected), 1e-14);
    ck_assert_double_eq_tol(level, expected, 1e-15);
    ck_assert_double_eq_tol(2.0 * distortion_of(with_zeros, 4, 1.0, 1.0, NULL),
                            distortion_of(without, 2, 1.0, 2.0, NULL), 1e-14);
}
END_TEST

START_TEST(nothing_to_code)
{
    const double zeros[] = {0.0, 0.0, 0.0};
    const double ones[] = {1.0, 1.0};
    double level = -1.0;

    ck_assert_double_eq(rate_of(zeros, 3, 1.0, 1e-9, &level), 0.0);
    ck_assert_double_eq(level, 0.0);
    ck_assert_double_eq(distortion_of(zeros, 3, 1.0, 2.0, &level), 0.0);
    ck_assert_double_eq(level, 0.0);
    ck_assert_double_eq(rate_of(ones, 2, 0.0, 1e-9, NULL), 0.0);
    ck_assert_double_eq(distortion_of(ones, 2, 0.0, 3.0, NULL), 0.0);
}
END_TEST

START_TEST(rate_zero_is_the_mean_and_the_largest_power)
{
    const double eigenvalues[] = {1.0, 7.0, 4.0};
    double level;

    ck_assert_double_eq_tol(distortion_of(eigenvalues, 3, 0.5, 0.0, &level), 2.0, 1e-15);
    ck_assert_double_eq(level, 3.5);
    ck_assert_double_eq(rate_of(eigenvalues, 3, 0.5, 5.0, &level), 0.0);
    ck_assert_double_eq(level, 3.5);
    ck_assert_double_eq(rate_of(eigenvalues, 3, 0.5, HUGE_VAL, &level), 0.0);
}
END_TEST

START_TEST(one_component)
{
    const double eigenvalue = 8.0;

    ck_assert_double_eq_tol(rate_of(&eigenvalue, 1, 2.0, 1.0, NULL), 2.0, 1e-15);
    ck_assert_double_eq_tol(distortion_of(&eigenvalue, 1, 2.0, 2.0, NULL), 1.0, 1e-15);
}
END_TEST

START_TEST(distortion_and_rate_are_inverse)
{
    enum { N = 300 };
    double eigenvalues[N];

    for (uint64_t seed = 1; seed <= 6; seed++) {
        random_spectrum(eigenvalues, N, 2.0 * (double)(seed * seed), seed);
        for (double rate = 0.01; rate < 40.0; rate *= 1.9) {
            double level, level_again;
            const double distortion = distortion_of(eigenvalues, N, 0.7, rate, &level);
            const double again = rate_of(eigenvalues, N, 0.7, distortion, &level_again);
            assert_close(again, rate, 1e-10);
            assert_close(level_again, level, 1e-10);
        }
    }
}
END_TEST

START_TEST(rate_falls_and_is_convex_in_distortion)
{
    enum { N = 40, STEPS = 200 };
    double eigenvalues[N], rates[STEPS];

    random_spectrum(eigenvalues, N, 3.0, 5);
    const double energy = distortion_of(eigenvalues, N, 1.0, 0.0, NULL);
    for (int k = 0; k < STEPS; k++)
        rates[k] = rate_of(eigenvalues, N, 1.0, energy * (k + 1) / STEPS, NULL);
    for (int k = 1; k < STEPS; k++)
        ck_assert_double_lt(rates[k], rates[k - 1]);
    for (int k = 1; k + 1 < STEPS; k++)
        ck_assert_double_le(rates[k], 0.5 * (rates[k - 1] + rates[k + 1]) + 1e-14);
}
END_TEST

/* R depends on the ratios only, and on σ² and λ only through their product. */
START_TEST(scale_and_order_do_not_matter)
{
    enum { N = 64 };
    double eigenvalues[N], scaled[N];
    double level, level_scaled;

    random_spectrum(eigenvalues, N, 6.0, 11);
    for (size_t i = 0; i < N; i++)
        scaled[i] = 1024.0 * eigenvalues[N - 1 - i];
    const double rate = rate_of(eigenvalues, N, 1.0, 0.01, &level);
    assert_close(rate_of(scaled, N, 1.0, 10.24, &level_scaled), rate, 1e-13);
    assert_close(level_scaled, 1024.0 * level, 1e-13);
    assert_close(rate_of(scaled, N, 0x1p-10, 0.01, NULL), rate, 1e-13);
}
END_TEST

START_TEST(extreme_ranges)
{
    const double wide[] = {1e-300, 1e300, 1.0};
    const double huge = 1e300, tiny = 1e-300;
    double level;

    /* Only the largest is coded: 3 D = τ + 1. */
    ck_assert_double_eq_tol(rate_of(wide, 3, 1.0, 1e100, &level), log2(1e300 / 3e100) / 6.0, 1e-11);
    assert_close(level, 3e100, 1e-14);
    /* All three are: R is the mean of three logarithms, although ratios overflow. */
    const double all = (log2(1e300) + log2(1e-300) - 3.0 * log2(1e-301)) / 6.0;
    ck_assert_double_eq_tol(rate_of(wide, 3, 1.0, 1e-301, &level), all, 1e-11);
    assert_close(level, 1e-301, 1e-13);
    assert_close(distortion_of(wide, 3, 1.0, all, NULL), 1e-301, 1e-10);

    /* σ² λ itself beyond the range of double, and below it. */
    ck_assert_double_eq_tol(rate_of(&huge, 1, 1e300, 1e300, NULL), 0.5 * log2(1e300), 1e-11);
    ck_assert_double_eq_tol(rate_of(&tiny, 1, 1e300, 0.25, NULL), 1.0, 1e-12);
    ck_assert_double_eq(rate_of(&tiny, 1, 1e-300, 0.25, NULL), 0.0);
}
END_TEST

START_TEST(large_spectrum)
{
    enum { N = 100000 };
    double *const eigenvalues = malloc(N * sizeof *eigenvalues);

    ck_assert_ptr_nonnull(eigenvalues);
    for (size_t i = 0; i < N; i++) /* a power law, shuffled by a stride prime to N */
        eigenvalues[i * 77777 % N] = 1.0 / (double)(i + 1);
    const double distortion = distortion_of(eigenvalues, N, 1.0, 2.0, NULL);
    assert_close(rate_of(eigenvalues, N, 1.0, distortion, NULL), 2.0, 1e-12);

    /* All are coded at 2 bits, so D is the geometric mean, here N!^(-1/N), over 16. */
    assert_close(distortion, exp(-lgamma(N + 1.0) / N) / 16.0, 1e-11);
    free(eigenvalues);
}
END_TEST

/* Kuhn and Tucker: an allocation D_i <= v_i of the same mean distortion never has a lower
 * rate. Allocations are drawn at random around the optimum and far from it. */
START_TEST(no_random_allocation_is_better)
{
    enum { N = 12, DRAWS = 20000 };
    double powers[N], parts[N];
    double level;
    uint64_t state = 99;

    random_spectrum(powers, N, 3.0, 7);
    const double distortion = 0.05;
    const double best = rate_of(powers, N, 1.0, distortion, &level);
    for (int draw = 0; draw < DRAWS; draw++) {
        const double spread = next_uniform(&state);
        double sum = 0.0, rate = 0.0;
        for (size_t i = 0; i < N; i++) {
            parts[i] = fmin(level, powers[i]) * exp(spread * (next_uniform(&state) - 0.5));
            sum += parts[i];
        }
        for (size_t i = 0; i < N; i++) {
            const double part = parts[i] * N * distortion / sum;
            rate += 0.5 * log2(fmax(1.0, powers[i] / part)) / N;
        }
        /* A part above its power only wastes distortion: the rate is still a bound. */
        ck_assert_double_ge(rate, best - 1e-12);
    }
}
END_TEST

/* Minimise R + D / (2 τ ln 2) component by component on a fine grid of distortions: the sums
 * must meet R(D) at the level τ. */
START_TEST(lagrangian_search_finds_the_same)
{
    enum { N = 9, GRID = 20000 };
    double powers[N];

    random_spectrum(powers, N, 2.0, 3);
    for (double level = 0.02; level < 8.0; level *= 3.0) {
        double rate = 0.0, distortion = 0.0;
        for (size_t i = 0; i < N; i++) {
            double best_cost = HUGE_VAL, best_part = 0.0;
            for (int k = 0; k < GRID; k++) {
                const double part = powers[i] * exp2(-16.0 * k / GRID);
                const double cost = 0.5 * log2(powers[i] / part) + part / (2.0 * level * log(2.0));
                if (cost < best_cost) {
                    best_cost = cost;
                    best_part = part;
                }
            }
            rate += 0.5 * log2(powers[i] / best_part) / N;
            distortion += best_part / N;
        }
        ck_assert_double_eq_tol(rate_of(powers, N, 1.0, distortion, NULL), rate, 1e-6);
    }
}
END_TEST

START_TEST(component_rates_add_up)
{
    enum { N = 50 };
    double eigenvalues[N], rates[N];
    double level, sum = 0.0;

    random_spectrum(eigenvalues, N, 4.0, 21);
    const double rate = rate_of(eigenvalues, N, 0.3, 0.02, &level);
    ck_assert_int_eq(wsic_waterfill_component_rates(eigenvalues, N, 0.3, level, rates), WSIC_OK);
    for (size_t i = 0; i < N; i++) {
        const double expected = 0.5 * log2(fmax(1.0, 0.3 * eigenvalues[i] / level));
        ck_assert_double_eq_tol(rates[i], expected, 1e-14);
        sum += rates[i];
    }
    ck_assert_double_eq_tol(sum / N, rate, 1e-13);
}
END_TEST

START_TEST(bad_arguments)
{
    const double good[] = {1.0, 2.0};
    double out = 7.0, level = 8.0, rates[2];

    ck_assert_int_eq(wsic_waterfill_rate(NULL, 2, 1.0, 1.0, &out, &level), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_waterfill_rate(good, 2, 1.0, 1.0, NULL, &level), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_waterfill_rate(good, 0, 1.0, 1.0, &out, &level), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_waterfill_rate(good, 2, -1.0, 1.0, &out, &level), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_waterfill_rate(good, 2, nan(""), 1.0, &out, &level), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_waterfill_rate(good, 2, 1.0, 0.0, &out, &level), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_waterfill_rate(good, 2, 1.0, nan(""), &out, &level), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_waterfill_distortion(NULL, 2, 1.0, 1.0, &out, &level),
                     WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_waterfill_distortion(good, 2, 1.0, 1.0, NULL, &level),
                     WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_waterfill_distortion(good, 2, 1.0, -0.1, &out, &level),
                     WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_waterfill_distortion(good, 2, 1.0, HUGE_VAL, &out, &level),
                     WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_waterfill_component_rates(good, 2, 1.0, 0.0, rates), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_waterfill_component_rates(good, 2, 1.0, 1.0, NULL), WSIC_ERROR_ARGUMENT);
    ck_assert_double_eq(out, 7.0);
    ck_assert_double_eq(level, 8.0);
}
END_TEST

START_TEST(bad_eigenvalues)
{
    const double bad[] = {-1e-9, nan(""), HUGE_VAL};
    double out = 7.0, level = 8.0, rates[2] = {5.0, 6.0};

    for (size_t i = 0; i < 3; i++) {
        const double eigenvalues[] = {1.0, bad[i]};
        const wsic_status expected = bad[i] < 0.0 ? WSIC_ERROR_ARGUMENT : WSIC_ERROR_NOT_FINITE;
        ck_assert_int_eq(wsic_waterfill_rate(eigenvalues, 2, 1.0, 1.0, &out, &level), expected);
        ck_assert_int_eq(wsic_waterfill_distortion(eigenvalues, 2, 1.0, 1.0, &out, &level),
                         expected);
        ck_assert_int_eq(wsic_waterfill_component_rates(eigenvalues, 2, 1.0, 1.0, rates), expected);
    }
    ck_assert_double_eq(out, 7.0);
    ck_assert_double_eq(level, 8.0);
    ck_assert_double_eq(rates[0], 5.0);
}
END_TEST

/* --- two spectra --------------------------------------------------------------------- */

static int descending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

static void random_descending(double *values, size_t n, double decades, uint64_t seed)
{
    random_spectrum(values, n, decades, seed);
    qsort(values, n, sizeof *values, descending);
}

/* Bisection for the level over all products, one by one. */
static double brute_product_rate(const double *outputs, size_t a, const double *inputs, size_t n,
                                 double variance, double distortion)
{
    double low = -700.0, high = 700.0, rate = 0.0;

    for (int step = 0; step < 200; step++) {
        const double level = exp(0.5 * (low + high));
        double sum = 0.0;
        for (size_t k = 0; k < a * n; k++)
            sum += fmin(level, variance * outputs[k / n] * inputs[k % n]);
        if (sum / (double)(a * n) < distortion)
            low = log(level);
        else
            high = log(level);
    }
    for (size_t k = 0; k < a * n; k++) {
        const double power = variance * outputs[k / n] * inputs[k % n];
        rate += 0.5 * log2(fmax(power / exp(0.5 * (low + high)), 1.0)) / (double)(a * n);
    }
    return rate;
}

START_TEST(products_follow_brute_force)
{
    enum { A = 13, N = 29 };
    double outputs[A], inputs[N], rate, level;

    random_descending(outputs, A, 1.0 + (double)_i, 40 + (uint64_t)_i);
    random_descending(inputs, N, 6.0 - (double)_i, 50 + (uint64_t)_i);
    if (_i == 2)
        outputs[A - 1] = inputs[N - 1] = 0.0;
    for (double distortion = 1e-8; distortion < 1e4; distortion *= 7.0) {
        ck_assert_int_eq(
            wsic_waterfill_product_rate(outputs, A, inputs, N, 0.7, distortion, &rate, &level),
            WSIC_OK);
        const double expected = brute_product_rate(outputs, A, inputs, N, 0.7, distortion);
        if (expected < 1e-9)
            ck_assert_double_le(rate, 1e-9);
        else
            assert_close(rate, expected, 1e-9);
    }
}
END_TEST

/* With one output of weight μ it is the one-sided problem of variance μ σ²; and the two sides may
 * change places. */
START_TEST(one_output_is_the_one_sided_problem)
{
    enum { N = 40 };
    const double output = 0.3;
    double inputs[N], rate, distortion, level, one_level;

    random_descending(inputs, N, 5.0, 60);
    for (double given = 1e-7; given < 1.0; given *= 3.0) {
        wsic_waterfill_product_rate(&output, 1, inputs, N, 2.0, given, &rate, &level);
        const double expected = rate_of(inputs, N, 0.6, given, &one_level);
        ck_assert_double_eq_tol(rate, expected, 1e-12);
        assert_close(level, one_level, 1e-12);
        wsic_waterfill_product_rate(inputs, N, &output, 1, 2.0, given, &rate, NULL);
        ck_assert_double_eq_tol(rate, expected, 1e-12);
        wsic_waterfill_product_distortion(&output, 1, inputs, N, 2.0, 1.0 + given, &distortion,
                                          &level);
        assert_close(distortion, distortion_of(inputs, N, 0.6, 1.0 + given, &one_level), 1e-12);
        assert_close(level, one_level, 1e-12);
    }
}
END_TEST

START_TEST(distortion_and_rate_of_products_are_inverse)
{
    enum { A = 50, N = 30 };
    double outputs[A], inputs[N], distortion, rate;

    random_descending(outputs, A, 4.0, 61);
    random_descending(inputs, N, 4.0, 62);
    for (double given = 0.05; given < 20.0; given *= 1.7) {
        wsic_waterfill_product_distortion(outputs, A, inputs, N, 0.5, given, &distortion, NULL);
        wsic_waterfill_product_rate(outputs, A, inputs, N, 0.5, distortion, &rate, NULL);
        assert_close(rate, given, 1e-9);
    }
}
END_TEST

/* Above the water R = ½ log2(σ² (det G)^(1/a) (det Σ)^(1/n) / D): knowing G is worth ½ log2 of the
 * ratio of the two means of μ. */
START_TEST(at_high_rates_two_geometric_means_count)
{
    enum { A = 20, N = 30 };
    double outputs[A], inputs[N], distortion, logarithms = 0.0;

    random_descending(outputs, A, 3.0, 63);
    random_descending(inputs, N, 2.0, 64);
    for (size_t k = 0; k < A; k++)
        logarithms += log(outputs[k]) / A;
    for (size_t i = 0; i < N; i++)
        logarithms += log(inputs[i]) / N;
    wsic_waterfill_product_distortion(outputs, A, inputs, N, 3.0, 12.0, &distortion, NULL);
    assert_close(distortion, 3.0 * exp(logarithms) * 0x1p-24, 1e-11);
}
END_TEST

START_TEST(products_of_nothing_and_of_extremes)
{
    const double zeros[] = {0.0, 0.0}, ones[] = {1.0, 1.0}, huge[] = {1e300, 1e300};
    const double tiny[] = {1e-300, 1e-300};
    double rate = -1.0, level = -1.0, distortion = -1.0;

    ck_assert_int_eq(wsic_waterfill_product_rate(zeros, 2, ones, 2, 1.0, 0.1, &rate, &level),
                     WSIC_OK);
    ck_assert_double_eq(rate, 0.0);
    ck_assert_double_eq(level, 0.0);
    wsic_waterfill_product_distortion(ones, 2, ones, 2, 0.0, 1.0, &distortion, &level);
    ck_assert_double_eq(distortion, 0.0);
    wsic_waterfill_product_rate(ones, 2, ones, 2, 4.0, 4.0, &rate, &level);
    ck_assert_double_eq(rate, 0.0);
    ck_assert_double_eq(level, 4.0);
    wsic_waterfill_product_rate(huge, 2, tiny, 2, 1.0, 0.25, &rate, &level);
    ck_assert_double_eq_tol(rate, 1.0, 1e-9);
    wsic_waterfill_product_rate(huge, 2, huge, 2, 1.0, 1e300, &rate, NULL);
    ck_assert(isfinite(rate));
}
END_TEST

START_TEST(bad_products_are_refused)
{
    const double good[] = {2.0, 1.0}, rising[] = {1.0, 2.0}, negative[] = {1.0, -1.0};
    const double infinite[] = {HUGE_VAL, 1.0};
    double out;

    ck_assert_int_eq(wsic_waterfill_product_rate(NULL, 2, good, 2, 1.0, 0.1, &out, NULL),
                     WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_waterfill_product_rate(good, 2, good, 0, 1.0, 0.1, &out, NULL),
                     WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_waterfill_product_rate(good, 2, good, 2, 1.0, 0.0, &out, NULL),
                     WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_waterfill_product_rate(good, 2, good, 2, -1.0, 0.1, &out, NULL),
                     WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_waterfill_product_rate(good, 2, good, 2, 1.0, 0.1, NULL, NULL),
                     WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_waterfill_product_rate(rising, 2, good, 2, 1.0, 0.1, &out, NULL),
                     WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_waterfill_product_rate(good, 2, rising, 2, 1.0, 0.1, &out, NULL),
                     WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_waterfill_product_rate(good, 2, negative, 2, 1.0, 0.1, &out, NULL),
                     WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_waterfill_product_rate(infinite, 2, good, 2, 1.0, 0.1, &out, NULL),
                     WSIC_ERROR_NOT_FINITE);
    ck_assert_int_eq(wsic_waterfill_product_distortion(good, 2, good, 2, 1.0, -1.0, &out, NULL),
                     WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_waterfill_product_distortion(good, 2, good, 2, 1.0, NAN, &out, NULL),
                     WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_waterfill_product_distortion(good, 2, good, 2, 1.0, 1.0, NULL, NULL),
                     WSIC_ERROR_ARGUMENT);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("waterfill");
    TCase *const cases = tcase_create("waterfill");

    tcase_add_test(cases, equal_eigenvalues_follow_the_gaussian_law);
    tcase_add_test(cases, two_levels_by_hand);
    tcase_add_test(cases, zeros_cost_nothing_but_count);
    tcase_add_test(cases, nothing_to_code);
    tcase_add_test(cases, rate_zero_is_the_mean_and_the_largest_power);
    tcase_add_test(cases, one_component);
    tcase_add_test(cases, distortion_and_rate_are_inverse);
    tcase_add_test(cases, rate_falls_and_is_convex_in_distortion);
    tcase_add_test(cases, scale_and_order_do_not_matter);
    tcase_add_test(cases, extreme_ranges);
    tcase_add_test(cases, large_spectrum);
    tcase_add_test(cases, no_random_allocation_is_better);
    tcase_add_test(cases, lagrangian_search_finds_the_same);
    tcase_add_test(cases, component_rates_add_up);
    tcase_add_test(cases, bad_arguments);
    tcase_add_test(cases, bad_eigenvalues);
    tcase_add_loop_test(cases, products_follow_brute_force, 0, 4);
    tcase_add_test(cases, one_output_is_the_one_sided_problem);
    tcase_add_test(cases, distortion_and_rate_of_products_are_inverse);
    tcase_add_test(cases, at_high_rates_two_geometric_means_count);
    tcase_add_test(cases, products_of_nothing_and_of_extremes);
    tcase_add_test(cases, bad_products_are_refused);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
