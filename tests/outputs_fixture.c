/* SPDX-License-Identifier: MIT */
#include "outputs_fixture.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "random.h"

const char *const outputs_presets[] = {"paper", "fast", "default"};

void outputs_random(double *g, size_t a, uint64_t seed)
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

wsic_stats *outputs_stats(const layer_fixture *f, const double *g, size_t a, double samples)
{
    wsic_stats *stats = NULL;
    wsic_matrix matrix;

    ck_assert_int_eq(wsic_stats_create(f->context, a, &stats), WSIC_OK);
    wsic_matrix_init(&matrix, sizeof matrix, g, WSIC_F64, a, a, 0);
    ck_assert_int_eq(wsic_stats_add_covariance(stats, &matrix, samples), WSIC_OK);
    return stats;
}

wsic_problem *outputs_problem(const layer_fixture *f, const wsic_stats *outputs)
{
    wsic_problem *problem = NULL;

    ck_assert_int_eq(wsic_problem_create(f->context, f->stats, NULL, &f->matrix, &problem),
                     WSIC_OK);
    ck_assert_int_eq(wsic_problem_set_outputs(problem, outputs), WSIC_OK);
    return problem;
}

wsic_layer *outputs_encode(const layer_fixture *f, const double *g)
{
    wsic_stats *const outputs = g ? outputs_stats(f, g, f->rows, 1000.0) : NULL;
    wsic_problem *const problem = outputs_problem(f, outputs);
    wsic_layer *layer = NULL;

    const wsic_status status = wsic_encoder_run_problem(f->encoder, problem, &layer);
    ck_assert_msg(status >= 0, "%s: %s", wsic_status_name(status),
                  wsic_encoder_message(f->encoder));
    wsic_problem_destroy(problem);
    wsic_stats_destroy(outputs);
    return layer;
}

wsic_encoder_report outputs_report(const layer_fixture *f)
{
    wsic_encoder_report report = {.size = sizeof report};

    ck_assert_int_eq(wsic_encoder_get_report(f->encoder, &report), WSIC_OK);
    return report;
}

void outputs_set(const layer_fixture *f, const char *name, const char *value)
{
    ck_assert_msg(wsic_encoder_set_text(f->encoder, name, value) == WSIC_OK, "%s",
                  wsic_encoder_message(f->encoder));
}

void outputs_check_same(const wsic_layer *a, const wsic_layer *b)
{
    const void *left, *right;
    size_t left_size, right_size;

    ck_assert_int_eq(wsic_layer_get_bytes(a, &left, &left_size), WSIC_OK);
    ck_assert_int_eq(wsic_layer_get_bytes(b, &right, &right_size), WSIC_OK);
    ck_assert_uint_eq(left_size, right_size);
    ck_assert_mem_eq(left, right, left_size);
}

void outputs_restore(const wsic_layer *layer, size_t rows, size_t columns, double *out)
{
    wsic_matrix view;

    wsic_matrix_init(&view, sizeof view, out, WSIC_F64, rows, columns, 0);
    ck_assert_int_eq(wsic_layer_dequantize(layer, 0, &view), WSIC_OK);
}

void outputs_codes(const wsic_layer *layer, size_t rows, size_t columns, int32_t *out)
{
    wsic_matrix view;

    wsic_matrix_init(&view, sizeof view, out, WSIC_I32, rows, columns, 0);
    ck_assert_int_eq(wsic_layer_get_codes(layer, 0, &view), WSIC_OK);
}

double outputs_distortion(const layer_fixture *f, const double *g, const wsic_layer *layer)
{
    const size_t a = f->rows, n = f->columns;
    double *const error = calloc(2 * a * n, sizeof *error), *const product = error + a * n;
    double sum = 0.0;

    outputs_restore(layer, a, n, error);
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
