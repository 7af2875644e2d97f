/* SPDX-License-Identifier: MIT */
/* The metric of the outputs against the closed identity that feedback rests on, and its weights
 * against their costs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "coding/scales.h"
#include "env_fixture.h"
#include "quant/metric.h"
#include "random.h"
#include "watersic/encoder.h"

enum { A = 23, N = 9 };

static double sums[A * A]; /* of 2 samples */
static double energy[A];
static wsic_moments moments;
static wsic_metric_input input;

/* G of 3 A random gradients, rows of unequal size. */
static void make_outputs(uint64_t seed)
{
    random_state random = {seed};
    double gradient[A];

    memset(sums, 0, sizeof sums);
    for (int t = 0; t < 3 * A; t++) {
        const double common = random_normal(&random);
        for (size_t i = 0; i < A; i++)
            gradient[i] = (random_normal(&random) + common) * exp2(0.2 * (double)(i % 7));
        for (size_t j = 0; j < A; j++) {
            for (size_t i = j; i < A; i++)
                sums[j * A + i] += gradient[i] * gradient[j];
        }
    }
    for (size_t i = 0; i < A; i++)
        energy[i] = 1.0;
    moments = (wsic_moments){.columns = A, .samples = 2.0, .input = sums};
    input = (wsic_metric_input){{&moments, NULL}, energy, 1000, {A, NULL}};
}

static wsic_metric make_metric(const env_fixture *f, int use, double damping, int weights)
{
    const wsic_metric_options options = {.use = use, .damping = damping, .weights = weights};
    wsic_metric metric;

    ck_assert_int_eq(wsic_metric_make(&f->env, &options, &input, &metric), WSIC_OK);
    return metric;
}

/* Ĝ of rows i and j by its definition. */
static double damped(double damping, size_t i, size_t j)
{
    const double g = sums[i > j ? j * A + i : i * A + j] / 2.0;
    return i == j ? g : g / (1.0 + damping);
}

/* diag(w)⁻¹ Ĝ diag(w)⁻¹ / unit, rows in places. */
static double in_places(const wsic_metric *m, double damping, size_t k, size_t l)
{
    const size_t i = m->order[k], j = m->order[l];
    const double weights = m->weight ? m->weight[i] * m->weight[j] : 1.0;
    return damped(damping, i, j) / (weights * m->unit);
}

/* tr(G E Eᵀ) = Σ_b tr(S_bb D Dᵀ) with D = E_b + F_b E_>b for any E and any cut into a
 * group of places b and those behind it, where F_b is what the metric does, and S_bb comes from an
 * elimination of its own, row by row. Σ on the right changes nothing: E stands for E L. */
START_TEST(feedback_splits_the_error)
{
    env_fixture f = env_open();
    random_state random = {(uint64_t)_i + 70};
    const size_t first = (size_t[]){0, 3, 8, A - 1}[_i % 4];
    const int weights = _i / 4; /* none, blocks, rows */
    const double damping = 0.2;
    double s[A][A], e[A * N], moved[A * N], whole = 0.0, split = 0.0;

    make_outputs((uint64_t)_i);
    wsic_metric m = make_metric(&f, WSIC_OUTPUTS_FULL, damping, weights);
    random_fill(&random, e, A * N);
    for (size_t k = 0; k < A; k++) {
        for (size_t l = 0; l < A; l++) {
            s[k][l] = in_places(&m, damping, k, l);
            for (size_t j = 0; j < N; j++)
                whole += s[k][l] * e[j * A + k] * e[j * A + l];
        }
    }
    memset(moved, 0, sizeof moved);
    for (size_t place = 0; place < A;) {
        /* One row after the other up to the group, then the group, then the others. */
        const size_t end = place == first ? place + (A - first) / 2 + 1 : place + 1;
        const size_t rows = end - place, cut = end + (A - end) / 2;
        double *const t = moved + place;
        if (end < A) { /* in two portions, as the recursion may */
            wsic_metric_gather(&m, place, rows, end, cut - end, N, e + end, A, t, A);
            wsic_metric_gather(&m, place, rows, cut, A - cut, N, e + cut, A, t, A);
            wsic_metric_feed_back(&m, place, rows, N, t, A);
        }
        for (size_t j = 0; j < N; j++) {
            for (size_t k = 0; k < rows; k++)
                t[j * A + k] += e[j * A + place + k];
            for (size_t k = 0; k < rows; k++) {
                for (size_t l = 0; l < rows; l++)
                    split += s[place + k][place + l] * t[j * A + k] * t[j * A + l];
            }
        }
        /* Take these rows out of what is behind them. */
        for (size_t k = place; k < end; k++) {
            for (size_t l = k + 1; l < A; l++) {
                const double factor = s[l][k] / s[k][k];
                for (size_t i = k + 1; i < A; i++)
                    s[l][i] -= factor * s[k][i];
            }
        }
        place = end;
    }
    ck_assert_double_eq_tol(split, whole, 1e-9 * whole);
    wsic_metric_release(&f.env, &m);
    env_close(&f);
}
END_TEST

START_TEST(the_first_row_has_the_last_place)
{
    env_fixture f = env_open();

    make_outputs(1);
    wsic_metric m = make_metric(&f, WSIC_OUTPUTS_FULL, 0.1, WSIC_OUTPUT_WEIGHTS_NONE);
    for (size_t k = 0; k < A; k++)
        ck_assert_uint_eq(m.order[k], A - 1 - k);
    wsic_metric_release(&f.env, &m);
    env_close(&f);
}
END_TEST

/* A Aᵀ X = Ĝ X. */
START_TEST(multiplication_is_by_the_damped_matrix)
{
    env_fixture f = env_open();
    random_state random = {80};
    double x[A * N], product[A * N];

    make_outputs(3);
    wsic_metric m = make_metric(&f, WSIC_OUTPUTS_FULL, 0.3, WSIC_OUTPUT_WEIGHTS_ROWS);
    random_fill(&random, x, A * N);
    memcpy(product, x, sizeof x);
    wsic_metric_multiply(&m, N, product);
    for (size_t k = 0; k < A; k++) {
        for (size_t j = 0; j < N; j++) {
            double expected = 0.0;
            for (size_t l = 0; l < A; l++)
                expected += in_places(&m, 0.3, k, l) * x[j * A + l];
            ck_assert_double_eq_tol(product[j * A + k], expected, 1e-11);
        }
    }
    wsic_metric_release(&f.env, &m);
    env_close(&f);
}
END_TEST

/* White errors of weighted rows, fed back: the distortion by a plain inverse of I + F. */
START_TEST(gain_of_the_noise_is_true)
{
    env_fixture f = env_open();
    const double damping = 0.25;
    double k[A][A], gain, expected = 0.0;

    make_outputs(4);
    wsic_metric m = make_metric(&f, _i == 0 ? WSIC_OUTPUTS_DIAGONAL : WSIC_OUTPUTS_FULL, damping,
                                WSIC_OUTPUT_WEIGHTS_ROWS);
    for (size_t column = 0; column < A; column++) {
        /* E of V = one unit: from the last place to the first, E_k = V_k - F_k E_>k. */
        double e[A] = {0.0};
        for (size_t place = A; place-- > 0;) {
            double t = 0.0;
            if (m.factor && place + 1 < A) {
                wsic_metric_gather(&m, place, 1, place + 1, A - 1 - place, 1, e + place + 1, A, &t,
                                   1);
                wsic_metric_feed_back(&m, place, 1, 1, &t, 1);
            }
            e[place] = (place == column ? 1.0 : 0.0) - t;
        }
        for (size_t i = 0; i < A; i++)
            k[column][i] = e[i];
    }
    for (size_t column = 0; column < A; column++) {
        for (size_t i = 0; i < A; i++) {
            for (size_t j = 0; j < A; j++) {
                const size_t r = m.order ? m.order[i] : i, s = m.order ? m.order[j] : j;
                const double g = damped(0.0, r, s) / (m.unit * m.weight[r] * m.weight[s]);
                expected += g * k[column][i] * k[column][j] / A;
            }
        }
    }
    ck_assert_int_eq(wsic_metric_noise_gain(&f.env, &input, &m, &gain), WSIC_OK);
    ck_assert_double_eq_tol(gain, expected, 1e-9 * expected);
    wsic_metric_release(&f.env, &m);
    env_close(&f);
}
END_TEST

START_TEST(rows_without_energy_take_no_part)
{
    env_fixture f = env_open();
    double e[A] = {0.0};

    make_outputs(5);
    energy[3] = energy[10] = 0.0;
    wsic_metric m = make_metric(&f, WSIC_OUTPUTS_FULL, 0.1, WSIC_OUTPUT_WEIGHTS_ROWS);
    for (size_t k = 0; k < A; k++) {
        if (m.order[k] == 3 || m.order[k] == 10)
            e[k] = 100.0;
    }
    for (size_t place = 0; place + 1 < A; place++) {
        double t = 0.0;
        wsic_metric_gather(&m, place, 1, place + 1, A - 1 - place, 1, e + place + 1, A, &t, 1);
        wsic_metric_feed_back(&m, place, 1, 1, &t, 1);
        ck_assert_double_eq(t, 0.0);
    }
    ck_assert_double_eq(m.weight[3], 1.0);
    wsic_metric_release(&f.env, &m);
    env_close(&f);
}
END_TEST

/* --- weights ------------------------------------------------------------------------- */

/* What auto has chosen costs no more than each of the three that it chooses from: ½ log2 of the
 * mean of S_rr / w², the mean of log2 w, and the bits of the scales. */
static double cost_of(const env_fixture *f, const wsic_metric *m, const double *schur)
{
    double sum = 0.0, logarithms = 0.0;
    wsic_scales scales;
    wsic_bytes bytes;

    ck_assert_int_eq(wsic_scales_create(&f->env, A, m->grid, &scales), WSIC_OK);
    for (size_t r = 0; r < A; r++) {
        const double w = m->weight ? m->weight[r] : 1.0;
        scales.sign[r] = 1;
        scales.exponent[r] = m->weight ? -m->exponent[r] : 0;
        sum += schur[r] / (w * w) / A;
        logarithms += log2(w) / A;
    }
    wsic_bytes_init(&bytes, &f->env);
    ck_assert_int_eq(wsic_scales_encode(&f->env, &scales, &bytes), WSIC_OK);
    const double bits = 8.0 * (double)bytes.size / ((double)A * (double)input.columns);
    wsic_bytes_release(&bytes);
    wsic_scales_release(&f->env, &scales);
    return 0.5 * log2(sum) + logarithms + bits;
}

START_TEST(weights_are_kept_where_they_pay)
{
    static const size_t columns[] = {8, 64, 1000, 100000};
    env_fixture f = env_open();
    double schur[A], least = HUGE_VAL;

    make_outputs(6);
    input.columns = columns[_i];
    wsic_metric best = make_metric(&f, WSIC_OUTPUTS_FULL, 0.1, WSIC_METRIC_WEIGHTS_AUTO);
    for (size_t r = 0; r < A; r++)
        schur[r] = best.schur[r] * best.unit;
    for (int kind = WSIC_OUTPUT_WEIGHTS_NONE; kind <= WSIC_OUTPUT_WEIGHTS_ROWS; kind++) {
        wsic_metric m = make_metric(&f, WSIC_OUTPUTS_FULL, 0.1, kind);
        least = fmin(least, cost_of(&f, &m, schur));
        wsic_metric_release(&f.env, &m);
    }
    ck_assert_double_le(cost_of(&f, &best, schur), least + 1e-9);
    if (_i == 0)
        ck_assert_int_ne(best.weights, WSIC_OUTPUT_WEIGHTS_ROWS);
    if (_i == 3)
        ck_assert_int_eq(best.weights, WSIC_OUTPUT_WEIGHTS_ROWS);
    wsic_metric_release(&f.env, &best);
    env_close(&f);
}
END_TEST

/* w² S⁻¹ is the same for all rows, to within half a step of the grid. */
START_TEST(weights_are_roots_of_what_remains)
{
    env_fixture f = env_open();

    make_outputs(7);
    input.columns = 4096;
    wsic_metric m = make_metric(&f, WSIC_OUTPUTS_FULL, 0.1, WSIC_OUTPUT_WEIGHTS_ROWS);
    double logarithms = 0.0;
    for (size_t r = 0; r < A; r++)
        logarithms += 0.5 * log2(m.schur[r]) / A;
    for (size_t r = 0; r < A; r++) {
        const double off = log2(m.weight[r]) - 0.5 * log2(m.schur[r]) + logarithms;
        ck_assert_double_le(fabs(off), 0.5 * exp2(-(double)m.grid) + 1e-9);
        ck_assert_double_eq(m.weight[r], 1.0 / (double)wsic_scale_value(m.grid, 1, -m.exponent[r]));
    }
    wsic_metric_release(&f.env, &m);
    env_close(&f);
}
END_TEST

START_TEST(damping_falls_with_samples)
{
    ck_assert_double_eq(wsic_metric_damping(1.0, 1000), 0.5);
    ck_assert_double_lt(wsic_metric_damping(1e5, 100), wsic_metric_damping(1e4, 100));
    ck_assert_double_eq_tol(wsic_metric_damping(1e12, 100), 0.05, 1e-4);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("metric");
    TCase *const cases = tcase_create("metric");

    tcase_add_test(cases, the_first_row_has_the_last_place);
    tcase_add_loop_test(cases, feedback_splits_the_error, 0, 12);
    tcase_add_test(cases, multiplication_is_by_the_damped_matrix);
    tcase_add_loop_test(cases, gain_of_the_noise_is_true, 0, 2);
    tcase_add_test(cases, rows_without_energy_take_no_part);
    tcase_add_loop_test(cases, weights_are_kept_where_they_pay, 0, 4);
    tcase_add_test(cases, weights_are_roots_of_what_remains);
    tcase_add_test(cases, damping_falls_with_samples);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
