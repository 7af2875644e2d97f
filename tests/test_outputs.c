/* SPDX-License-Identifier: MIT */
/* The encoder with statistics of outputs, against what is true of the objective itself: where it is
 * the plain one, where it is that of scaled rows, what changes nothing, and a plain recursion. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "counting_allocator.h"
#include "layer_fixture.h"
#include "random.h"

/* --- G ---------------------------------------------------------------------------- */

/* A Aᵀ with A = I + correlated columns: rows that go together. */
static void random_outputs(double *g, size_t a, uint64_t seed)
{
    random_state random = {seed};
    double *const common = malloc(a * sizeof *common);

    for (size_t i = 0; i < a * a; i++)
        g[i] = i % (a + 1) == 0 ? 1.0 : 0.0;
    for (int k = 0; k < 4; k++) {
        random_fill(&random, common, a);
        for (size_t i = 0; i < a * a; i++)
            g[i] += common[i / a] * common[i % a];
    }
    free(common);
}

static wsic_stats *outputs_of(const layer_fixture *f, const double *g, size_t a, double samples)
{
    wsic_stats *stats = NULL;
    wsic_matrix matrix;

    ck_assert_int_eq(wsic_stats_create(f->context, a, &stats), WSIC_OK);
    wsic_matrix_init(&matrix, sizeof matrix, g, WSIC_F64, a, a, 0);
    ck_assert_int_eq(wsic_stats_add_covariance(stats, &matrix, samples), WSIC_OK);
    return stats;
}

/* The layer with the given G; NULL for none. */
static wsic_layer *encode(const layer_fixture *f, const double *g)
{
    wsic_stats *const outputs = g ? outputs_of(f, g, f->rows, 1000.0) : NULL;
    wsic_problem *problem = NULL;
    wsic_layer *layer = NULL;

    ck_assert_int_eq(wsic_problem_create(f->context, f->stats, NULL, &f->matrix, &problem),
                     WSIC_OK);
    ck_assert_int_eq(wsic_problem_set_outputs(problem, outputs), WSIC_OK);
    const wsic_status status = wsic_encoder_run_problem(f->encoder, problem, &layer);
    ck_assert_msg(status >= 0, "%s: %s", wsic_status_name(status),
                  wsic_encoder_message(f->encoder));
    wsic_problem_destroy(problem);
    wsic_stats_destroy(outputs);
    return layer;
}

static wsic_encoder_report report_of(const layer_fixture *f)
{
    wsic_encoder_report report = {.size = sizeof report};

    ck_assert_int_eq(wsic_encoder_get_report(f->encoder, &report), WSIC_OK);
    return report;
}

static void set(const layer_fixture *f, const char *name, const char *value)
{
    ck_assert_msg(wsic_encoder_set_text(f->encoder, name, value) == WSIC_OK, "%s",
                  wsic_encoder_message(f->encoder));
}

static void check_same_bytes(const wsic_layer *a, const wsic_layer *b)
{
    const void *left, *right;
    size_t left_size, right_size;

    ck_assert_int_eq(wsic_layer_get_bytes(a, &left, &left_size), WSIC_OK);
    ck_assert_int_eq(wsic_layer_get_bytes(b, &right, &right_size), WSIC_OK);
    ck_assert_uint_eq(left_size, right_size);
    ck_assert_mem_eq(left, right, left_size);
}

static void restore(const wsic_layer *layer, size_t rows, size_t columns, double *out)
{
    wsic_matrix view;

    wsic_matrix_init(&view, sizeof view, out, WSIC_F64, rows, columns, 0);
    ck_assert_int_eq(wsic_layer_dequantize(layer, 0, &view), WSIC_OK);
}

static void read_codes(const wsic_layer *layer, size_t rows, size_t columns, int32_t *out)
{
    wsic_matrix view;

    wsic_matrix_init(&view, sizeof view, out, WSIC_I32, rows, columns, 0);
    ck_assert_int_eq(wsic_layer_get_codes(layer, 0, &view), WSIC_OK);
}

/* tr(G E Σ Eᵀ) / (a n) by plain loops. */
static double true_distortion(const layer_fixture *f, const double *g, const wsic_layer *layer)
{
    const size_t a = f->rows, n = f->columns;
    double *const error = calloc(2 * a * n, sizeof *error), *const product = error + a * n;
    double sum = 0.0;

    restore(layer, a, n, error);
    for (size_t k = 0; k < a * n; k++)
        error[k] = f->weights[k] - error[k];
    for (size_t r = 0; r < a; r++) {
        for (size_t j = 0; j < n; j++) {
            product[r * n + j] = 0.0;
            for (size_t i = 0; i < n; i++)
                product[r * n + j] += error[r * n + i] * f->covariance[i * n + j];
        }
    }
    for (size_t r = 0; r < a; r++) {
        for (size_t s = 0; s < a; s++) {
            for (size_t j = 0; j < n; j++)
                sum += g[r * a + s] * product[r * n + j] * error[s * n + j];
        }
    }
    free(error);
    return sum / ((double)a * (double)n);
}

/* --- where it is the plain objective ---------------------------------------------------- */

static const char *const presets[] = {"paper", "fast", "default"};
enum { PRESETS = 3 };

/* Whatever the multiple, the damping and the use of it. */
START_TEST(a_multiple_of_the_identity_gives_the_bytes_of_none)
{
    static const double factors[] = {1.0, 0x1p-40, 3.7};
    layer_fixture f = layer_open(60, 24, COVARIANCE_CHANNELS, 3);
    double *const g = calloc(60 * 60, sizeof *g);

    ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, presets[_i % PRESETS]), WSIC_OK);
    set(&f, "outputs", "full");
    for (int target = 0; target < 3; target++) {
        set(&f, "rate", target == 0 ? "2.5" : "0");
        set(&f, "step", target == 1 ? "0.5" : "0");
        set(&f, "distortion", target == 2 ? "0.02" : "0");
        wsic_layer *const without = encode(&f, NULL);
        const double factor = target == 2 ? 1.0 : factors[_i / PRESETS];
        for (size_t r = 0; r < 60; r++)
            g[r * 61] = factor;
        wsic_layer *const with = encode(&f, g);
        check_same_bytes(with, without);
        ck_assert_double_eq_tol(report_of(&f).output_distortion / factor,
                                layer_info(without).distortion,
                                1e-9 * layer_info(without).distortion);
        wsic_layer_destroy(with);
        wsic_layer_destroy(without);
    }
    free(g);
    layer_close(&f);
}
END_TEST

START_TEST(unused_statistics_change_nothing_but_the_report)
{
    layer_fixture f = layer_open(40, 24, COVARIANCE_AR, 4);
    double *const g = malloc(40 * 40 * sizeof *g);

    random_outputs(g, 40, 5);
    set(&f, "rate", "2");
    set(&f, "outputs", "none");
    wsic_layer *const with = encode(&f, g), *const without = encode(&f, NULL);
    check_same_bytes(with, without);
    ck_assert_double_eq(report_of(&f).output_distortion, 0.0);
    ck_assert_double_eq(report_of(&f).output_limit_rate, -1.0);
    ck_assert_double_nan(report_of(&f).output_gap);
    wsic_layer_destroy(with);
    wsic_layer_destroy(without);
    free(g);
    layer_close(&f);
}
END_TEST

/* --- where it is that of scaled rows ---------------------------------------------------- */

/* Weights of powers of two, which lie on every grid: the codes of W with G = D² are those of D W.
 */
START_TEST(diagonal_statistics_scale_rows)
{
    enum { A = 48, N = 30 };
    layer_fixture f = layer_open(A, N, COVARIANCE_AR, 6);
    double *const g = calloc(A * A, sizeof *g);
    int32_t weighted[A * N], scaled[A * N];

    set(&f, "quantizer", _i == 0 ? "scalar" : "trellis");
    set(&f, "lmmse", _i == 0 ? "0" : "1");
    set(&f, "step", "0.4");
    set(&f, "rescale", "none");
    set(&f, "output_weights", "rows");
    set(&f, "output_damping", "1e-9");
    for (size_t r = 0; r < A; r++)
        g[r * (A + 1)] = exp2(2.0 * (double)(r % 3) - 2.0); /* geometric mean 1 */
    wsic_layer *const with = encode(&f, g);
    ck_assert_uint_eq(report_of(&f).output_feedback, 0);
    ck_assert_uint_eq(report_of(&f).output_weights, WSIC_OUTPUT_WEIGHTS_ROWS);
    read_codes(with, A, N, weighted);
    for (size_t r = 0; r < A; r++) {
        ck_assert_double_eq((double)wsic_layer_row_scales(with)[r], exp2(1.0 - (double)(r % 3)));
        for (size_t j = 0; j < N; j++)
            f.weights[r * N + j] *= exp2((double)(r % 3) - 1.0);
    }
    wsic_layer *const plain = encode(&f, NULL);
    read_codes(plain, A, N, scaled);
    ck_assert_mem_eq(weighted, scaled, sizeof scaled);
    wsic_layer_destroy(with);
    wsic_layer_destroy(plain);
    free(g);
    layer_close(&f);
}
END_TEST

/* --- a plain recursion ------------------------------------------------------------------ */

enum { SMALL_A = 14, SMALL_N = 11 };

/* Elimination from the last row on: F of single rows, and S_rr. */
static void eliminate(const double *g, double damping, double *f, double *s)
{
    double m[SMALL_A][SMALL_A];

    for (size_t i = 0; i < SMALL_A; i++) {
        for (size_t j = 0; j < SMALL_A; j++)
            m[i][j] = g[i * SMALL_A + j] * (i == j ? 1.0 : 1.0 / (1.0 + damping));
    }
    for (size_t k = SMALL_A; k-- > 0;) {
        s[k] = m[k][k];
        for (size_t j = 0; j < k; j++)
            f[k * SMALL_A + j] = m[k][j] / m[k][k];
        for (size_t i = 0; i < k; i++) {
            for (size_t j = 0; j < k; j++)
                m[i][j] -= m[i][k] * m[k][j] / m[k][k];
        }
    }
}

static void cholesky(const double *covariance, double damping, double l[SMALL_N][SMALL_N])
{
    memset(l, 0, sizeof(double) * SMALL_N * SMALL_N);
    for (size_t j = 0; j < SMALL_N; j++) {
        for (size_t i = j; i < SMALL_N; i++) {
            double sum = covariance[i * SMALL_N + j] + (i == j ? damping : 0.0);
            for (size_t k = 0; k < j; k++)
                sum -= l[i][k] * l[j][k];
            l[i][j] = i == j ? sqrt(sum) : sum / l[j][j];
        }
    }
}

/* Rows from the first to the last, each towards w_r + Σ_s F_rs e_s, its columns from the last to
 * the first. */
static void plain_recursion(const layer_fixture *f, const double *feedback, const double *weight,
                            double step, double damping, int32_t *codes)
{
    double l[SMALL_N][SMALL_N], error[SMALL_A][SMALL_N], target[SMALL_N];

    cholesky(f->covariance, damping, l);
    for (size_t r = 0; r < SMALL_A; r++) {
        for (size_t j = 0; j < SMALL_N; j++) {
            target[j] = f->weights[r * SMALL_N + j];
            for (size_t s = 0; s < r; s++)
                target[j] += feedback[r * SMALL_A + s] * error[s][j];
        }
        double left[SMALL_N];
        for (size_t j = SMALL_N; j-- > 0;) {
            double y = target[j] * l[j][j];
            for (size_t k = j + 1; k < SMALL_N; k++)
                y += left[k] * l[k][j];
            const double spacing = step / (weight[r] * l[j][j]);
            const double code = nearbyint(y / l[j][j] / spacing);
            codes[r * SMALL_N + j] = (int32_t)code;
            left[j] = target[j] - code * spacing;
            error[r][j] = f->weights[r * SMALL_N + j] - code * spacing;
        }
    }
}

/* Feedback from every row to all that are decided after it. */
START_TEST(feedback_between_all_rows_is_the_plain_recursion)
{
    layer_fixture f = layer_open(SMALL_A, SMALL_N, COVARIANCE_CHANNELS, 20 + (uint64_t)_i);
    double g[SMALL_A * SMALL_A], feedback[SMALL_A * SMALL_A], schur[SMALL_A], weight[SMALL_A];
    int32_t found[SMALL_A * SMALL_N], expected[SMALL_A * SMALL_N];
    const double damping = 0.05;

    random_outputs(g, SMALL_A, 30 + (uint64_t)_i);
    ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, "paper"), WSIC_OK);
    set(&f, "outputs", "full");
    set(&f, "lmmse", "0");
    set(&f, "rescale", "none");
    set(&f, "step", "0.7");
    set(&f, "output_damping", "0.05");
    set(&f, "output_weights", _i % 2 == 0 ? "rows" : "none");
    wsic_layer *const layer = encode(&f, g);
    ck_assert_uint_eq(report_of(&f).output_feedback, 1);
    eliminate(g, damping, feedback, schur);
    double logarithms = 0.0;
    for (size_t r = 0; r < SMALL_A; r++)
        logarithms += 0.5 * log2(schur[r]) / SMALL_A;
    for (size_t r = 0; r < SMALL_A; r++) {
        weight[r] = 1.0 / (double)wsic_layer_row_scales(layer)[r];
        /* Rounded to half a step of the grid, which is an octave for rows this short. */
        const double ideal = _i % 2 == 0 ? 0.5 * log2(schur[r]) - logarithms : 0.0;
        ck_assert_double_le(fabs(log2(weight[r]) - ideal), 0.5 + 1e-9);
    }
    plain_recursion(&f, feedback, weight, 0.7, layer_info(layer).damping, expected);
    read_codes(layer, SMALL_A, SMALL_N, found);
    ck_assert_mem_eq(found, expected, sizeof expected);
    wsic_layer_destroy(layer);
    layer_close(&f);
}
END_TEST

/* --- what is reported ---------------------------------------------------------------- */

START_TEST(reported_distortion_is_true)
{
    enum { A = 70, N = 24 };
    static const char *const weights[] = {"none", "blocks", "rows", "auto"};
    layer_fixture f = layer_open(A, N, _i % 2 == 0 ? COVARIANCE_CHANNELS : COVARIANCE_DEAD, 7);
    double *const g = malloc(A * A * sizeof *g);

    random_outputs(g, A, 8);
    for (int preset = 0; preset < PRESETS; preset++) {
        ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, presets[preset]), WSIC_OK);
        set(&f, "rate", "2.5");
        set(&f, "outputs", "full");
        set(&f, "output_weights", weights[_i]);
        wsic_layer *const layer = encode(&f, g);
        const wsic_encoder_report report = report_of(&f);
        const double truth = true_distortion(&f, g, layer);
        ck_assert_double_eq_tol(report.output_distortion, truth, 1e-6 * truth);
        ck_assert_double_eq_tol(report.divergence, truth * A * N / (2.0 * log(2.0)),
                                1e-6 * report.divergence);
        ck_assert_double_eq_tol(layer_info(layer).distortion, layer_distortion(&f, layer),
                                1e-6 * layer_info(layer).distortion);
        ck_assert_double_gt(report.output_relative, 0.0);
        ck_assert_double_lt(report.output_relative, 1.0);
        wsic_layer_destroy(layer);
    }
    free(g);
    layer_close(&f);
}
END_TEST

/* Of iid Gaussian weights no layer lies below the floor of both sides, and with the statistics in
 * use it lies nearer. */
START_TEST(nothing_is_below_the_floor)
{
    enum { A = 96, N = 64 };
    layer_fixture f = layer_open(A, N, COVARIANCE_AR, 9);
    double *const g = malloc(A * A * sizeof *g);

    random_outputs(g, A, 10);
    for (double rate = 1.0; rate < 5.0; rate += 1.5) {
        ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, presets[_i]), WSIC_OK);
        ck_assert_int_eq(wsic_encoder_set_number(f.encoder, WSIC_RATE, rate), WSIC_OK);
        set(&f, "outputs", "none");
        wsic_layer *const without = encode(&f, g);
        const wsic_encoder_report before = report_of(&f);
        set(&f, "outputs", "full");
        wsic_layer *const with = encode(&f, g);
        const wsic_encoder_report after = report_of(&f);
        ck_assert_double_gt(after.output_limit_rate, 0.0);
        ck_assert_double_gt(after.output_gap, 0.0);
        ck_assert_double_eq_tol(after.output_gap, layer_info(with).rate - after.output_limit_rate,
                                1e-12);
        ck_assert_double_lt(after.output_gap, before.output_gap - 0.1);
        ck_assert_double_lt(after.output_distortion, before.output_distortion);
        wsic_layer_destroy(without);
        wsic_layer_destroy(with);
    }
    free(g);
    layer_close(&f);
}
END_TEST

START_TEST(a_target_of_distortion_is_one_of_both_sides)
{
    enum { A = 80, N = 32 };
    layer_fixture f = layer_open(A, N, COVARIANCE_AR, 11);
    double *const g = malloc(A * A * sizeof *g);

    random_outputs(g, A, 12);
    ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, presets[_i]), WSIC_OK);
    set(&f, "outputs", "full");
    for (double target = 0.01; target < 1.0; target *= 6.0) {
        ck_assert_int_eq(wsic_encoder_set_number(f.encoder, WSIC_DISTORTION, target), WSIC_OK);
        wsic_layer *const layer = encode(&f, g);
        const double truth = true_distortion(&f, g, layer);
        ck_assert_double_eq_tol(truth, target, 0.02 * target + 1e-9);
        wsic_layer_destroy(layer);
    }
    free(g);
    layer_close(&f);
}
END_TEST

/* --- what changes nothing --------------------------------------------------------------- */

static uint32_t threads_of(size_t i)
{
    static const uint32_t threads[] = {1, 2, 5};
    return threads[i];
}

START_TEST(bytes_do_not_depend_on_threads)
{
    enum { A = 150, N = 40 };
    layer_fixture f = layer_open(A, N, COVARIANCE_AR, 13);
    double *const g = malloc(A * A * sizeof *g);
    wsic_layer *first = NULL;

    random_outputs(g, A, 14);
    ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, presets[_i]), WSIC_OK);
    set(&f, "outputs", "full");
    set(&f, "rate", "2");
    set(&f, "block_rows", "64");
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(wsic_context_set_threads(f.context, (int32_t)threads_of(i)), WSIC_OK);
        wsic_layer *const layer = encode(&f, g);
        if (first)
            check_same_bytes(layer, first);
        else
            first = layer;
        if (layer != first)
            wsic_layer_destroy(layer);
    }
    ck_assert_int_eq(wsic_context_set_threads(f.context, 1), WSIC_OK);
    wsic_layer_destroy(first);
    free(g);
    layer_close(&f);
}
END_TEST

/* δ in other units: a power of two, so that no rounding changes. */
START_TEST(a_multiple_of_the_statistics_gives_the_same_layer)
{
    enum { A = 64, N = 32 };
    layer_fixture f = layer_open(A, N, COVARIANCE_AR, 15);
    double *const g = malloc(A * A * sizeof *g);

    random_outputs(g, A, 16);
    set(&f, "rate", "2");
    wsic_layer *const one = encode(&f, g);
    const double distortion = report_of(&f).output_distortion;
    for (size_t k = 0; k < A * A; k++)
        g[k] *= 0x1p-60;
    wsic_layer *const other = encode(&f, g);
    check_same_bytes(one, other);
    ck_assert_double_eq(report_of(&f).output_distortion, 0x1p-60 * distortion);
    wsic_layer_destroy(one);
    wsic_layer_destroy(other);
    free(g);
    layer_close(&f);
}
END_TEST

/* Values × 2^-4 in the layer that makes them, × 2^4 in the one that reads them: the same model. Its
 * gradients at the first are × 2^4, its inputs to the second × 2^-4. The codes stay. */
START_TEST(outputs_scaled_and_undone_keep_their_codes)
{
    enum { A = 64, N = 32 };
    layer_fixture f = layer_open(A, N, COVARIANCE_AR, 17);
    double *const g = malloc(A * A * sizeof *g);
    int32_t before[A * N], after[A * N];

    random_outputs(g, A, 18);
    ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, _i == 0 ? "fast" : "default"), WSIC_OK);
    set(&f, "output_weights", "rows");
    set(&f, "step", "0.5");
    wsic_layer *layer = encode(&f, g);
    const double distortion = report_of(&f).output_distortion;
    const uint64_t bytes = layer_info(layer).bytes;
    read_codes(layer, A, N, before);
    wsic_layer_destroy(layer);
    /* Half of the rows, as the heads of some groups; all their errors count as before. The mean
     * weight moves by 2^2, and with it what a step means. */
    for (size_t r = 0; r < A / 2; r++) {
        for (size_t j = 0; j < N; j++)
            f.weights[r * N + j] *= 0x1p-4;
        for (size_t s = 0; s < A; s++) {
            g[r * A + s] *= 0x1p4;
            g[s * A + r] *= 0x1p4;
        }
    }
    set(&f, "step", "0.125");
    layer = encode(&f, g);
    read_codes(layer, A, N, after);
    ck_assert_mem_eq(before, after, sizeof after);
    ck_assert_double_eq_tol(report_of(&f).output_distortion, distortion, 1e-6 * distortion);
    ck_assert_uint_le(layer_info(layer).bytes, bytes + A / 2);
    wsic_layer_destroy(layer);
    free(g);
    layer_close(&f);
}
END_TEST

START_TEST(inputs_scaled_and_undone_keep_their_codes)
{
    enum { A = 64, N = 32 };
    layer_fixture f = layer_open(A, N, COVARIANCE_AR, 19);
    double *const g = malloc(A * A * sizeof *g);
    int32_t before[A * N], after[A * N];

    random_outputs(g, A, 20);
    set(&f, "step", "0.5");
    wsic_layer *layer = encode(&f, g);
    const double distortion = report_of(&f).output_distortion;
    read_codes(layer, A, N, before);
    wsic_layer_destroy(layer);
    for (size_t k = 0; k < A * N; k++)
        f.weights[k] *= 0x1p5;
    for (size_t k = 0; k < N * N; k++)
        f.covariance[k] *= 0x1p-10;
    layer_refresh(&f);
    layer = encode(&f, g);
    read_codes(layer, A, N, after);
    ck_assert_mem_eq(before, after, sizeof after);
    ck_assert_double_eq_tol(report_of(&f).output_distortion, distortion, 1e-9 * distortion);
    wsic_layer_destroy(layer);
    free(g);
    layer_close(&f);
}
END_TEST

/* Rows of one block are independent of each other when they are rounded one by one. */
START_TEST(permuted_rows_and_columns_have_permuted_codes)
{
    enum { A = 48, N = 30 };
    layer_fixture f = layer_open(A, N, COVARIANCE_CHANNELS, 21), p;
    double *const g = malloc(A * A * sizeof *g), *const gp = malloc(A * A * sizeof *gp);
    int32_t codes[A * N], permuted[A * N];
    size_t row[A], column[N];

    random_outputs(g, A, 22);
    for (size_t r = 0; r < A; r++)
        row[r] = _i == 0 ? r : (r + 12) % A; /* feedback knows an order of rows */
    for (size_t j = 0; j < N; j++)
        column[j] = (7 * j + 2) % N;
    p = layer_open(A, N, COVARIANCE_CHANNELS, 21);
    for (size_t r = 0; r < A; r++) {
        for (size_t j = 0; j < N; j++)
            p.weights[r * N + j] = f.weights[row[r] * N + column[j]];
        for (size_t s = 0; s < A; s++)
            gp[r * A + s] = g[row[r] * A + row[s]];
    }
    for (size_t i = 0; i < N * N; i++)
        p.covariance[i] = f.covariance[column[i / N] * N + column[i % N]];
    layer_refresh(&p);
    for (int k = 0; k < 2; k++) {
        layer_fixture *const one = k == 0 ? &f : &p;
        ck_assert_int_eq(wsic_encoder_set_preset(one->encoder, "fast"), WSIC_OK);
        set(one, "step", "0.5");
        set(one, "outputs", _i == 0 ? "full" : "diagonal");
        wsic_layer *const layer = encode(one, k == 0 ? g : gp);
        read_codes(layer, A, N, k == 0 ? codes : permuted);
        wsic_layer_destroy(layer);
    }
    for (size_t r = 0; r < A; r++) {
        for (size_t j = 0; j < N; j++)
            ck_assert_int_eq(permuted[r * N + j], codes[row[r] * N + column[j]]);
    }
    free(g);
    free(gp);
    layer_close(&f);
    layer_close(&p);
}
END_TEST

/* --- hard cases ----------------------------------------------------------------------- */

/* Rows of zeros and rows that are left out stay zeros, whatever other rows' errors ask of them, and
 * a trellis runs through them. */
START_TEST(rows_of_zeros_stay_zeros)
{
    enum { A = 70, N = 24 };
    layer_fixture f = layer_open(A, N, COVARIANCE_AR, 23);
    double *const g = malloc(A * A * sizeof *g);
    double restored[A * N];

    random_outputs(g, A, 24);
    layer_choose(&f, (size_t)_i);
    set(&f, "lmmse", _i == 0 ? "0" : "1");
    set(&f, "rate", "2");
    set(&f, "block_rows", "16");
    for (size_t r = 0; r < A; r += 7)
        memset(f.weights + r * N, 0, N * sizeof *f.weights);
    wsic_layer *const layer = encode(&f, g);
    restore(layer, A, N, restored);
    for (size_t r = 0; r < A; r++) {
        double sum = 0.0;
        for (size_t j = 0; j < N; j++)
            sum += fabs(restored[r * N + j]);
        ck_assert_msg((sum == 0.0) == (r % 7 == 0), "row %zu", r);
    }
    const double truth = true_distortion(&f, g, layer);
    ck_assert_double_eq_tol(report_of(&f).output_distortion, truth, 1e-6 * truth);
    wsic_layer_destroy(layer);
    free(g);
    layer_close(&f);
}
END_TEST

/* Of 3 samples for 40 rows, and rows that no gradient reaches. */
START_TEST(singular_statistics_are_damped)
{
    enum { A = 40, N = 24, SAMPLES = 3 };
    layer_fixture f = layer_open(A, N, COVARIANCE_AR, 25);
    double gradients[SAMPLES * A], g[A * A];
    random_state random = {26};
    wsic_stats *outputs = NULL;
    wsic_problem *problem = NULL;
    wsic_layer *layer = NULL;
    wsic_matrix view;

    random_fill(&random, gradients, SAMPLES * A);
    for (size_t k = 0; k < SAMPLES * A; k++)
        gradients[k] = k % A < 5 ? 0.0 : gradients[k];
    for (size_t k = 0; k < A * A; k++) {
        g[k] = 0.0;
        for (size_t t = 0; t < SAMPLES; t++)
            g[k] += gradients[t * A + k / A] * gradients[t * A + k % A] / SAMPLES;
    }
    wsic_matrix_init(&view, sizeof view, gradients, WSIC_F64, SAMPLES, A, 0);
    ck_assert_int_eq(wsic_stats_create(f.context, A, &outputs), WSIC_OK);
    ck_assert_int_eq(wsic_stats_add_activations(outputs, &view, NULL), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, presets[_i]), WSIC_OK);
    set(&f, "rate", "3");
    set(&f, "outputs", "full");
    ck_assert_int_eq(wsic_problem_create(f.context, f.stats, NULL, &f.matrix, &problem), WSIC_OK);
    ck_assert_int_eq(wsic_problem_set_outputs(problem, outputs), WSIC_OK);
    ck_assert_int_ge(wsic_encoder_run_problem(f.encoder, problem, &layer), 0);
    const double truth = true_distortion(&f, g, layer);
    ck_assert_double_eq_tol(report_of(&f).output_distortion, truth, 1e-6 * truth);
    ck_assert_double_eq(report_of(&f).output_damping, 0.5);
    wsic_layer_destroy(layer);
    wsic_problem_destroy(problem);
    wsic_stats_destroy(outputs);
    layer_close(&f);
}
END_TEST

START_TEST(indefinite_statistics_are_refused)
{
    const double g[] = {1.0, 2.0, 2.0, 1.0};
    layer_fixture f = layer_open(2, 8, COVARIANCE_AR, 27);
    wsic_stats *const outputs = outputs_of(&f, g, 2, 1000.0);
    wsic_problem *problem = NULL;
    wsic_layer *layer = NULL;

    set(&f, "rate", "3");
    ck_assert_int_eq(wsic_problem_create(f.context, f.stats, NULL, &f.matrix, &problem), WSIC_OK);
    ck_assert_int_eq(wsic_problem_set_outputs(problem, outputs), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_run_problem(f.encoder, problem, &layer),
                     WSIC_ERROR_NOT_POSITIVE_DEFINITE);
    ck_assert_ptr_null(layer);
    ck_assert_ptr_nonnull(strstr(wsic_encoder_message(f.encoder), "row 0"));
    /* Nothing is lost: without them the problem is as good as before. */
    ck_assert_int_eq(wsic_problem_set_outputs(problem, NULL), WSIC_OK);
    ck_assert_int_ge(wsic_encoder_run_problem(f.encoder, problem, &layer), 0);
    wsic_layer_destroy(layer);
    wsic_problem_destroy(problem);
    wsic_stats_destroy(outputs);
    layer_close(&f);
}
END_TEST

static wsic_status try_outputs(layer_fixture *f, wsic_problem *problem, const double *g, size_t a,
                               const char *said)
{
    wsic_stats *const outputs = outputs_of(f, g, a, 1000.0);
    const wsic_status status = wsic_problem_set_outputs(problem, outputs);

    ck_assert_msg(strstr(wsic_problem_message(problem), said) != NULL, "%s",
                  wsic_problem_message(problem));
    wsic_stats_destroy(outputs);
    return status;
}

START_TEST(bad_statistics_are_named)
{
    enum { A = 6, N = 8 };
    static const double zeros[A * A], ones[A * A] = {1.0};
    layer_fixture f = layer_open(A, N, COVARIANCE_AR, 28);
    wsic_stats *pairs = NULL, *empty = NULL;
    wsic_problem *problem = NULL;
    const double x[A] = {1.0};
    const double nan_row[A] = {0.0, NAN};
    wsic_matrix view, bad;

    ck_assert_int_eq(wsic_problem_create(f.context, f.stats, NULL, &f.matrix, &problem), WSIC_OK);
    ck_assert_int_eq(wsic_problem_set_outputs(NULL, NULL), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(try_outputs(&f, problem, ones, A - 1, "5 columns, weights has 6 rows"),
                     WSIC_ERROR_SHAPE);
    ck_assert_int_eq(try_outputs(&f, problem, zeros, A, "no gradient"), WSIC_ERROR_RANGE);
    ck_assert_int_eq(wsic_stats_create(f.context, A, &empty), WSIC_OK);
    ck_assert_int_eq(wsic_problem_set_outputs(problem, empty), WSIC_ERROR_NO_SAMPLES);
    wsic_matrix_init(&bad, sizeof bad, nan_row, WSIC_F64, 1, A, 0);
    ck_assert_int_eq(wsic_stats_add_activations(empty, &bad, NULL), WSIC_ERROR_NOT_FINITE);
    ck_assert_int_eq(wsic_stats_create(f.context, A, &pairs), WSIC_OK);
    wsic_matrix_init(&view, sizeof view, x, WSIC_F64, 1, A, 0);
    ck_assert_int_eq(wsic_stats_add_pair(pairs, &view, &view, NULL, NULL), WSIC_OK);
    ck_assert_int_eq(wsic_problem_set_outputs(problem, pairs), WSIC_ERROR_STATE);
    ck_assert_int_eq(wsic_problem_set_outputs(problem, NULL), WSIC_OK);
    wsic_stats_destroy(pairs);
    wsic_stats_destroy(empty);
    wsic_problem_destroy(problem);
    layer_close(&f);
}
END_TEST

/* The same problem gives the same bytes after other runs, with other statistics of outputs. */
START_TEST(a_problem_forgets_statistics_that_were_replaced)
{
    enum { A = 40, N = 24 };
    layer_fixture f = layer_open(A, N, COVARIANCE_AR, 29);
    double *const g = malloc(2 * A * A * sizeof *g), *const other = g + A * A;
    wsic_problem *problem = NULL;
    wsic_layer *layer[3];

    random_outputs(g, A, 30);
    random_outputs(other, A, 31);
    wsic_stats *const outputs[3] = {outputs_of(&f, g, A, 1000.0), outputs_of(&f, other, A, 1000.0),
                                    NULL};
    set(&f, "rate", "2");
    ck_assert_int_eq(wsic_problem_create(f.context, f.stats, NULL, &f.matrix, &problem), WSIC_OK);
    for (size_t k = 0; k < 3; k++) {
        ck_assert_int_eq(wsic_problem_set_outputs(problem, outputs[k]), WSIC_OK);
        ck_assert_int_ge(wsic_encoder_run_problem(f.encoder, problem, &layer[k]), 0);
    }
    for (size_t k = 0; k < 3; k++) {
        const double *const of[3] = {g, other, NULL};
        wsic_layer *const fresh = encode(&f, of[k]);
        check_same_bytes(layer[k], fresh);
        wsic_layer_destroy(fresh);
        wsic_layer_destroy(layer[k]);
    }
    wsic_problem_destroy(problem);
    wsic_stats_destroy(outputs[0]);
    wsic_stats_destroy(outputs[1]);
    free(g);
    layer_close(&f);
}
END_TEST

/* Every shape from one row or column on. */
START_TEST(small_shapes)
{
    static const size_t sizes[] = {1, 2, 3, 9, 33};

    for (size_t i = 0; i < 25; i++) {
        const size_t a = sizes[i / 5], n = sizes[i % 5];
        layer_fixture f = layer_open(a, n, COVARIANCE_AR, 32 + i);
        double *const g = malloc(a * a * sizeof *g);
        random_outputs(g, a, 33 + i);
        ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, presets[_i]), WSIC_OK);
        set(&f, "rate", "3");
        set(&f, "outputs", "full");
        wsic_layer *const layer = encode(&f, g);
        const double truth = true_distortion(&f, g, layer);
        ck_assert_double_eq_tol(report_of(&f).output_distortion, truth, 1e-6 * truth + 1e-300);
        wsic_layer_destroy(layer);
        free(g);
        layer_close(&f);
    }
}
END_TEST

/* Survivors of the recursion go through the columns of a row, and feedback from row to row. */
START_TEST(survivors_and_feedback_go_together)
{
    enum { A = 60, N = 30 };
    layer_fixture f = layer_open(A, N, COVARIANCE_AR, 36);
    double *const g = malloc(A * A * sizeof *g), distortion[2];

    random_outputs(g, A, 37);
    ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, "fast"), WSIC_OK);
    set(&f, "step", "0.8");
    set(&f, "rescale", "none");
    for (int k = 0; k < 2; k++) {
        set(&f, "survivors", k == 0 ? "1" : "16");
        wsic_layer *const layer = encode(&f, g);
        const double truth = true_distortion(&f, g, layer);
        ck_assert_double_eq_tol(report_of(&f).output_distortion, truth, 1e-6 * truth);
        distortion[k] = truth;
        wsic_layer_destroy(layer);
    }
    ck_assert_double_lt(distortion[1], distortion[0]);
    free(g);
    layer_close(&f);
}
END_TEST

/* --- what may go wrong ------------------------------------------------------------------ */

static counting_allocator counter;

/* A problem with statistics of outputs, and pairs of inputs where drift is set, from nothing. */
static wsic_status encode_small(void *data)
{
    enum { A = 20, N = 8, TOKENS = 30 };
    const int *const drift = data;
    static double x[TOKENS * N], w[A * N], g[TOKENS * A];
    const wsic_allocator hooks = {sizeof hooks, counting_allocate, counting_release, &counter};
    wsic_context *context = NULL;
    wsic_stats *inputs = NULL, *outputs = NULL;
    wsic_problem *problem = NULL;
    wsic_encoder *encoder = NULL;
    wsic_layer *layer = NULL;
    random_state random = {38};
    wsic_matrix view;

    random_fill(&random, x, TOKENS * N);
    random_fill(&random, w, A * N);
    random_fill(&random, g, TOKENS * A);
    wsic_status status = wsic_context_create(&hooks, &context);
    if (status == WSIC_OK)
        status = wsic_stats_create(context, N, &inputs);
    wsic_matrix_init(&view, sizeof view, x, WSIC_F64, TOKENS, N, 0);
    if (status == WSIC_OK)
        status = *drift ? wsic_stats_add_pair(inputs, &view, &view, NULL, NULL)
                        : wsic_stats_add_activations(inputs, &view, NULL);
    if (status == WSIC_OK)
        status = wsic_stats_create(context, A, &outputs);
    wsic_matrix_init(&view, sizeof view, g, WSIC_F64, TOKENS, A, 0);
    if (status == WSIC_OK)
        status = wsic_stats_add_activations(outputs, &view, NULL);
    wsic_matrix_init(&view, sizeof view, w, WSIC_F64, A, N, 0);
    if (status == WSIC_OK)
        status = wsic_problem_create(context, inputs, NULL, &view, &problem);
    if (status == WSIC_OK)
        status = wsic_problem_set_outputs(problem, outputs);
    if (status == WSIC_OK)
        status = wsic_encoder_create(context, &encoder);
    if (status == WSIC_OK)
        status = wsic_encoder_set_text(encoder, "trellis_states", "4");
    if (status == WSIC_OK)
        status = wsic_encoder_set_text(encoder, "step", "0.5");
    if (status == WSIC_OK)
        status = wsic_encoder_run_problem(encoder, problem, &layer);
    wsic_layer_destroy(layer);
    wsic_encoder_destroy(encoder);
    wsic_problem_destroy(problem);
    wsic_stats_destroy(outputs);
    wsic_stats_destroy(inputs);
    wsic_context_destroy(context);
    return status;
}

START_TEST(lack_of_memory_leaves_nothing_behind)
{
    int drift = _i;

    counting_hooks(&counter);
    refuse_every_allocation(&counter, encode_small, &drift);
    ck_assert_uint_eq(counter.live, 0);
}
END_TEST

static int32_t stop_at(void *user, double fraction, const char *stage)
{
    (void)stage;
    return fraction >= *(const double *)user;
}

START_TEST(a_run_may_be_stopped_anywhere)
{
    enum { A = 60, N = 30 };
    layer_fixture f = layer_open(A, N, COVARIANCE_AR, 39);
    double *const g = malloc(A * A * sizeof *g);
    wsic_problem *problem = NULL;
    wsic_layer *layer = NULL;

    random_outputs(g, A, 40);
    wsic_stats *const outputs = outputs_of(&f, g, A, 1000.0);
    set(&f, "step", "0.5");
    ck_assert_int_eq(wsic_problem_create(f.context, f.stats, NULL, &f.matrix, &problem), WSIC_OK);
    ck_assert_int_eq(wsic_problem_set_outputs(problem, outputs), WSIC_OK);
    for (double part = 0.0; part < 0.4; part += 0.03) {
        wsic_context_set_progress(f.context, stop_at, &part);
        ck_assert_int_eq(wsic_encoder_run_problem(f.encoder, problem, &layer),
                         WSIC_ERROR_CANCELLED);
        ck_assert_ptr_null(layer);
    }
    wsic_context_set_progress(f.context, NULL, NULL);
    ck_assert_int_ge(wsic_encoder_run_problem(f.encoder, problem, &layer), 0);
    wsic_layer *const fresh = encode(&f, g);
    check_same_bytes(layer, fresh);
    wsic_layer_destroy(fresh);
    wsic_layer_destroy(layer);
    wsic_problem_destroy(problem);
    wsic_stats_destroy(outputs);
    free(g);
    layer_close(&f);
}
END_TEST

/* The bytes that a run may allocate are foretold. */
START_TEST(memory_is_within_what_was_foretold)
{
    enum { A = 200, N = 60 };
    layer_fixture f = layer_open(A, N, COVARIANCE_AR, 34);
    double *const g = malloc(A * A * sizeof *g);
    wsic_problem *problem = NULL;
    wsic_layer *layer = NULL;
    uint64_t foretold = 0;

    random_outputs(g, A, 35);
    wsic_stats *const outputs = outputs_of(&f, g, A, 1000.0);
    ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, presets[_i]), WSIC_OK);
    set(&f, "rate", "2");
    set(&f, "outputs", "full");
    ck_assert_int_eq(wsic_problem_create(f.context, f.stats, NULL, &f.matrix, &problem), WSIC_OK);
    ck_assert_int_eq(wsic_problem_set_outputs(problem, outputs), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_estimate_memory_problem(f.encoder, problem, &foretold), WSIC_OK);
    ck_assert_int_ge(wsic_encoder_run_problem(f.encoder, problem, &layer), 0);
    ck_assert_uint_le(report_of(&f).memory_peak, foretold);
    wsic_layer_destroy(layer);
    wsic_problem_destroy(problem);
    wsic_stats_destroy(outputs);
    free(g);
    layer_close(&f);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("outputs");
    TCase *const plain = tcase_create("plain");
    TCase *const truth = tcase_create("truth");
    TCase *const same = tcase_create("same");
    TCase *const hard = tcase_create("hard");

    tcase_add_loop_test(plain, a_multiple_of_the_identity_gives_the_bytes_of_none, 0, 3 * PRESETS);
    tcase_add_test(plain, unused_statistics_change_nothing_but_the_report);
    tcase_add_loop_test(plain, diagonal_statistics_scale_rows, 0, 2);
    tcase_add_loop_test(truth, feedback_between_all_rows_is_the_plain_recursion, 0, 6);
    tcase_add_loop_test(truth, reported_distortion_is_true, 0, 4);
    tcase_add_loop_test(truth, nothing_is_below_the_floor, 0, PRESETS);
    tcase_add_loop_test(truth, a_target_of_distortion_is_one_of_both_sides, 0, PRESETS);
    tcase_add_loop_test(same, bytes_do_not_depend_on_threads, 0, PRESETS);
    tcase_add_test(same, a_multiple_of_the_statistics_gives_the_same_layer);
    tcase_add_loop_test(same, outputs_scaled_and_undone_keep_their_codes, 0, 2);
    tcase_add_test(same, inputs_scaled_and_undone_keep_their_codes);
    tcase_add_loop_test(same, permuted_rows_and_columns_have_permuted_codes, 0, 2);
    tcase_add_test(same, a_problem_forgets_statistics_that_were_replaced);
    tcase_add_loop_test(hard, rows_of_zeros_stay_zeros, 0, LAYER_VARIANTS);
    tcase_add_loop_test(hard, singular_statistics_are_damped, 0, PRESETS);
    tcase_add_test(hard, indefinite_statistics_are_refused);
    tcase_add_test(hard, bad_statistics_are_named);
    tcase_add_loop_test(hard, small_shapes, 0, PRESETS);
    tcase_add_test(hard, survivors_and_feedback_go_together);
    tcase_add_loop_test(hard, lack_of_memory_leaves_nothing_behind, 0, 2);
    tcase_add_test(hard, a_run_may_be_stopped_anywhere);
    tcase_add_loop_test(hard, memory_is_within_what_was_foretold, 0, PRESETS);
    tcase_set_timeout(plain, 60);
    tcase_set_timeout(truth, 60);
    tcase_set_timeout(same, 60);
    tcase_set_timeout(hard, 60);
    suite_add_tcase(suite, plain);
    suite_add_tcase(suite, truth);
    suite_add_tcase(suite, same);
    suite_add_tcase(suite, hard);
    return run_suite(suite);
}
