/* SPDX-License-Identifier: MIT */
/* The methods that WaterSIC is compared with, against brute force. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "common/baselines.h"
#include "common/rotation.h"
#include "common/rounding.h"

START_TEST(baseline_never_has_fewer_bytes)
{
    for (uint64_t budget = 1200; budget < 12000; budget += 77) {
        const uint32_t levels = grid_levels(50, 120, budget);
        ck_assert_uint_ge(levels, 2);
        ck_assert_uint_ge(grid_bytes(50, 120, levels), budget);
        if (levels > 2)
            ck_assert_uint_lt(grid_bytes(50, 120, levels - 1), budget);
    }
    ck_assert_uint_eq(grid_bytes(50, 120, 4), 50 * 120 * 2 / 8 + 50 * 2);
    ck_assert_uint_eq(grid_levels(50, 120, 1), 2);
}
END_TEST

START_TEST(grids_are_symmetric_and_nearest)
{
    for (uint32_t levels = 2; levels <= 9; levels++) {
        const struct grid grid = {.levels = levels, .step = 0.5F};
        for (double value = -4.01; value < 4; value += 0.0625) {
            double nearest = INFINITY;
            for (uint32_t k = 0; k < levels; k++) {
                const double level = ((double)k - ((double)levels - 1) / 2) * 0.5;
                if (fabs(value - level) < fabs(value - nearest))
                    nearest = level;
            }
            ck_assert_double_eq(grid_round(grid, value), nearest);
            ck_assert_double_eq(grid_round(grid, -value), -nearest);
        }
    }
}
END_TEST

START_TEST(fitted_grid_beats_the_plain_one)
{
    float row[64];
    double plain_error = 0;
    double fitted_error = 0;

    for (int i = 0; i < 64; i++)
        row[i] = sinf((float)(i * i)) * expf(sinf((float)(3 * i)));
    row[7] = 9;
    const struct grid fitted = grid_fit(row, 64, 4);
    const struct grid plain = {.levels = 4, .step = 6};
    for (int i = 0; i < 64; i++) {
        plain_error += pow((double)row[i] - grid_round(plain, (double)row[i]), 2);
        fitted_error += pow((double)row[i] - grid_round(fitted, (double)row[i]), 2);
    }
    ck_assert_double_lt(fitted_error, plain_error / 2);

    memset(row, 0, sizeof row);
    ck_assert_double_eq(grid_round(grid_fit(row, 64, 4), 1), 0);
}
END_TEST

enum { small = 5 };

static double weighted_error(const float *w, const float *q, const double *covariance)
{
    double error = 0;

    for (int i = 0; i < small; i++)
        for (int j = 0; j < small; j++)
            error += (double)(w[i] - q[i]) * covariance[i * small + j] * (double)(w[j] - q[j]);
    return error;
}

/* With a covariance that is diagonal GPTQ is rounding to nearest; with a correlated one it lowers
 * the weighted error, and its last column is always rounded to nearest. */
START_TEST(gptq_cancels_errors)
{
    const struct grid grid = {.levels = 9, .step = 0.25F};
    double covariance[small * small];
    double factor[small * small];
    double y[small];
    double nearest_error = 0;
    double gptq_error = 0;

    for (int i = 0; i < small; i++)
        for (int j = 0; j < small; j++)
            covariance[i * small + j] = pow(0.9, abs(i - j));
    memcpy(factor, covariance, sizeof factor);
    ck_assert(cholesky(factor, small));
    for (int i = 0; i < small; i++) {
        for (int j = 0; j <= i; j++) {
            double sum = 0;
            for (int k = 0; k <= j; k++)
                sum += factor[i * small + k] * factor[j * small + k];
            ck_assert_double_eq_tol(sum, covariance[i * small + j], 1e-14);
        }
    }
    for (int trial = 0; trial < 50; trial++) {
        float w[small], nearest[small], q[small];
        for (int i = 0; i < small; i++) {
            w[i] = 0.8F * sinf((float)(1 + trial * small + i) * 1.7F);
            nearest[i] = (float)grid_round(grid, (double)w[i]);
        }
        memcpy(q, w, sizeof q);
        gptq_round_row(q, small, factor, grid, y);
        ck_assert_double_eq((double)q[small - 1], (double)nearest[small - 1]);
        gptq_error += weighted_error(w, q, covariance);
        nearest_error += weighted_error(w, nearest, covariance);

        double diagonal[small * small] = {0};
        for (int i = 0; i < small; i++)
            diagonal[i * small + i] = 1 + i;
        memcpy(q, w, sizeof q);
        gptq_round_row(q, small, diagonal, grid, y);
        for (int i = 0; i < small; i++)
            ck_assert_double_eq((double)q[i], (double)nearest[i]);
    }
    ck_assert_double_lt(gptq_error, 0.7 * nearest_error);
}
END_TEST

START_TEST(cholesky_refuses_an_indefinite_matrix)
{
    double matrix[] = {1, 2, 2, 1};

    ck_assert(!cholesky(matrix, 2));
}
END_TEST

enum { wide = 24, tall = 40 };

static double matrix_error(const float *weights, const float *restored, const double *covariance)
{
    double error = 0;

    for (int r = 0; r < tall; r++)
        for (int i = 0; i < wide; i++)
            for (int j = 0; j < wide; j++)
                error += (double)(weights[r * wide + i] - restored[r * wide + i]) *
                         covariance[i * wide + j] *
                         (double)(weights[r * wide + j] - restored[r * wide + j]);
    return error;
}

/* Of rows with different ranges each has a grid of its own, with as many values as levels; GPTQ
 * lowers the error that the covariance weighs. */
START_TEST(matrices_are_rounded_row_by_row)
{
    static float weights[tall * wide], nearest[tall * wide], gptq[tall * wide];
    static double covariance[wide * wide], factor[wide * wide];

    for (int i = 0; i < tall * wide; i++)
        weights[i] = (float)(1 + i / wide) * sinf(1.3F * (float)i * (float)i);
    for (int i = 0; i < wide; i++)
        for (int j = 0; j < wide; j++)
            covariance[i * wide + j] = pow(0.9, abs(i - j));
    memcpy(factor, covariance, sizeof factor);
    memcpy(nearest, weights, sizeof weights);
    memcpy(gptq, weights, sizeof weights);
    ck_assert(gptq_factor(factor, wide));
    ck_assert_double_eq_tol(factor[0] * factor[0], 1.01, 1e-12);
    ck_assert(baseline_round(nearest, tall, wide, 3, NULL));
    ck_assert(baseline_round(gptq, tall, wide, 3, factor));
    for (int r = 0; r < tall; r++) {
        const struct grid grid = grid_fit(weights + r * wide, wide, 3);
        for (int i = r * wide; i < (r + 1) * wide; i++) {
            ck_assert_float_eq(nearest[i], (float)grid_round(grid, (double)weights[i]));
            ck_assert_float_eq(gptq[i], (float)grid_round(grid, (double)gptq[i]));
        }
    }
    ck_assert_double_lt(matrix_error(weights, gptq, covariance),
                        0.8 * matrix_error(weights, nearest, covariance));
}
END_TEST

/* The two rows of a table differ in their codes alone. */
START_TEST(both_kinds_of_gptq_have_one_damping)
{
    static const char name[] = "damping=";
    double factor = 1;
    double damping = 0;

    ck_assert(gptq_factor(&factor, 1));
    for (size_t i = 0; i < CODED_GPTQ_SETTINGS; i++)
        if (strncmp(coded_gptq_settings[i], name, strlen(name)) == 0)
            damping = strtod(coded_gptq_settings[i] + strlen(name), NULL);
    ck_assert_double_eq_tol(factor * factor, 1 + damping, 1e-12);
    ck_assert_double_gt(damping, 0);
}
END_TEST

static const size_t rotated_lengths[] = {1, 7, 16, 24, 60};

/* Columns of the matrix are what it makes of the axes: they are orthonormal, and undone. */
START_TEST(rotations_are_orthogonal)
{
    const size_t n = rotated_lengths[_i];
    struct rotation rotation;
    double matrix[60 * 60], back[60];

    ck_assert(rotation_create(&rotation, n, 7));
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++)
            matrix[i * n + j] = i == j;
        rotation_apply(&rotation, matrix + i * n);
        memcpy(back, matrix + i * n, n * sizeof *back);
        rotation_undo(&rotation, back);
        for (size_t j = 0; j < n; j++)
            ck_assert_double_eq_tol(back[j], i == j, 1e-14);
        /* The power of two spreads an axis evenly. */
        for (size_t j = 0; n == 16 && j < n; j++)
            ck_assert_double_eq_tol(fabs(matrix[i * n + j]), 0.25, 1e-14);
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            double product = 0;
            for (size_t k = 0; k < n; k++)
                product += matrix[i * n + k] * matrix[j * n + k];
            ck_assert_double_eq_tol(product, i == j, 1e-14);
        }
    rotation_free(&rotation);
}
END_TEST

static double energy(const float *rows, size_t count, const double *covariance, size_t n)
{
    double sum = 0;

    for (size_t r = 0; r < count; r++)
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++)
                sum += (double)rows[r * n + i] * covariance[i * n + j] * (double)rows[r * n + j];
    return sum;
}

/* A layer behind rotated inputs does what it did: tr(W S Wt) stays. */
START_TEST(rotations_of_both_sides_keep_the_outputs)
{
    enum { ROWS = 3, MOST = 60 };
    const size_t n = rotated_lengths[_i];
    struct rotation rotation;
    double covariance[MOST * MOST];
    float rows[ROWS * MOST], kept[ROWS * MOST];

    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            covariance[i * n + j] = pow(0.8, fabs((double)i - (double)j)) + (i == j);
    for (size_t i = 0; i < ROWS * n; i++)
        rows[i] = kept[i] = (float)sin((double)(i * i));
    const double before = energy(rows, ROWS, covariance, n);
    ck_assert(rotation_create(&rotation, n, 3));
    rotation_apply_rows(&rotation, rows, ROWS);
    rotation_apply_both(&rotation, covariance);
    ck_assert_double_eq_tol(energy(rows, ROWS, covariance, n), before, 1e-6 * before);
    rotation_undo_rows(&rotation, rows, ROWS);
    for (size_t i = 0; i < ROWS * n; i++)
        ck_assert_float_eq_tol(rows[i], kept[i], 1e-6F);
    rotation_free(&rotation);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("baselines");
    TCase *const tests = tcase_create("baselines");

    tcase_add_test(tests, baseline_never_has_fewer_bytes);
    tcase_add_test(tests, grids_are_symmetric_and_nearest);
    tcase_add_test(tests, fitted_grid_beats_the_plain_one);
    tcase_add_test(tests, gptq_cancels_errors);
    tcase_add_test(tests, cholesky_refuses_an_indefinite_matrix);
    tcase_add_test(tests, matrices_are_rounded_row_by_row);
    tcase_add_test(tests, both_kinds_of_gptq_have_one_damping);
    tcase_add_loop_test(tests, rotations_are_orthogonal, 0, 5);
    tcase_add_loop_test(tests, rotations_of_both_sides_keep_the_outputs, 0, 5);
    suite_add_tcase(suite, tests);
    run_suite(suite);
    return 0;
}
