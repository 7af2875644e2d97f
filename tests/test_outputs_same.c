/* SPDX-License-Identifier: MIT */
/* What must not change a layer that is encoded with statistics of its outputs: threads, units,
 * scales that are undone elsewhere, the order of rows and columns, and what a problem held
 * before. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "outputs_fixture.h"
#include "random.h"

/* --- what changes nothing --------------------------------------------------------------- */

START_TEST(bytes_do_not_depend_on_threads)
{
    enum { A = 150, N = 40 };
    static const int32_t threads[] = {2, 5};
    layer_fixture f = layer_open(A, N, COVARIANCE_AR, 13);
    double *const g = malloc(A * A * sizeof *g);

    outputs_random(g, A, 14);
    ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, outputs_presets[_i]), WSIC_OK);
    outputs_set(&f, "outputs", "full");
    outputs_set(&f, "rate", "2");
    outputs_set(&f, "block_rows", "64");
    wsic_layer *const alone = outputs_encode(&f, g);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(wsic_context_set_threads(f.context, threads[i]), WSIC_OK);
        wsic_layer *const together = outputs_encode(&f, g);
        outputs_check_same(together, alone);
        wsic_layer_destroy(together);
    }
    ck_assert_int_eq(wsic_context_set_threads(f.context, 1), WSIC_OK);
    wsic_layer_destroy(alone);
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

    outputs_random(g, A, 16);
    outputs_set(&f, "rate", "2");
    wsic_layer *const one = outputs_encode(&f, g);
    const double distortion = outputs_report(&f).output_distortion;
    for (size_t k = 0; k < A * A; k++)
        g[k] *= 0x1p-60;
    wsic_layer *const other = outputs_encode(&f, g);
    outputs_check_same(one, other);
    ck_assert_double_eq(outputs_report(&f).output_distortion, 0x1p-60 * distortion);
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

    outputs_random(g, A, 18);
    ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, _i == 0 ? "fast" : "default"), WSIC_OK);
    outputs_set(&f, "output_weights", "rows");
    outputs_set(&f, "step", "0.5");
    wsic_layer *layer = outputs_encode(&f, g);
    const double distortion = outputs_report(&f).output_distortion;
    const uint64_t bytes = layer_info(layer).bytes;
    outputs_codes(layer, A, N, before);
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
    outputs_set(&f, "step", "0.125");
    layer = outputs_encode(&f, g);
    outputs_codes(layer, A, N, after);
    ck_assert_mem_eq(before, after, sizeof after);
    ck_assert_double_eq_tol(outputs_report(&f).output_distortion, distortion, 1e-6 * distortion);
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

    outputs_random(g, A, 20);
    outputs_set(&f, "step", "0.5");
    wsic_layer *layer = outputs_encode(&f, g);
    const double distortion = outputs_report(&f).output_distortion;
    outputs_codes(layer, A, N, before);
    wsic_layer_destroy(layer);
    for (size_t k = 0; k < A * N; k++)
        f.weights[k] *= 0x1p5;
    for (size_t k = 0; k < N * N; k++)
        f.covariance[k] *= 0x1p-10;
    layer_refresh(&f);
    layer = outputs_encode(&f, g);
    outputs_codes(layer, A, N, after);
    ck_assert_mem_eq(before, after, sizeof after);
    ck_assert_double_eq_tol(outputs_report(&f).output_distortion, distortion, 1e-9 * distortion);
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

    outputs_random(g, A, 22);
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
        outputs_set(one, "step", "0.5");
        outputs_set(one, "outputs", _i == 0 ? "full" : "diagonal");
        wsic_layer *const layer = outputs_encode(one, k == 0 ? g : gp);
        outputs_codes(layer, A, N, k == 0 ? codes : permuted);
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

/* The same problem gives the same bytes after other runs, with other statistics of outputs. */
START_TEST(a_problem_forgets_statistics_that_were_replaced)
{
    enum { A = 40, N = 24 };
    layer_fixture f = layer_open(A, N, COVARIANCE_AR, 29);
    double *const g = malloc(2 * A * A * sizeof *g), *const other = g + A * A;
    wsic_layer *layer[3];

    outputs_random(g, A, 30);
    outputs_random(other, A, 31);
    wsic_stats *const outputs[3] = {outputs_stats(&f, g, A, 1000.0),
                                    outputs_stats(&f, other, A, 1000.0), NULL};
    outputs_set(&f, "rate", "2");
    wsic_problem *const problem = outputs_problem(&f, NULL);
    for (size_t k = 0; k < 3; k++) {
        ck_assert_int_eq(wsic_problem_set_outputs(problem, outputs[k]), WSIC_OK);
        ck_assert_int_ge(wsic_encoder_run_problem(f.encoder, problem, &layer[k]), 0);
    }
    for (size_t k = 0; k < 3; k++) {
        const double *const of[3] = {g, other, NULL};
        wsic_layer *const fresh = outputs_encode(&f, of[k]);
        outputs_check_same(layer[k], fresh);
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

int main(void)
{
    Suite *const suite = suite_create("outputs same");
    TCase *const same = tcase_create("same");

    tcase_add_loop_test(same, bytes_do_not_depend_on_threads, 0, OUTPUTS_PRESETS);
    tcase_add_test(same, a_multiple_of_the_statistics_gives_the_same_layer);
    tcase_add_loop_test(same, outputs_scaled_and_undone_keep_their_codes, 0, 2);
    tcase_add_test(same, inputs_scaled_and_undone_keep_their_codes);
    tcase_add_loop_test(same, permuted_rows_and_columns_have_permuted_codes, 0, 2);
    tcase_add_test(same, a_problem_forgets_statistics_that_were_replaced);
    tcase_set_timeout(same, 60);
    suite_add_tcase(suite, same);
    return run_suite(suite);
}
