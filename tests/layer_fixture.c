/* SPDX-License-Identifier: MIT */
#include "layer_fixture.h"

#include <check.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"

static double channel_scale(size_t j)
{
    return exp2(0.5 * (double)(j % 7));
}

static double element(int covariance, size_t i, size_t j)
{
    const double distance = i > j ? (double)(i - j) : (double)(j - i);

    switch (covariance) {
    case COVARIANCE_AR:
        return pow(0.9, distance);
    case COVARIANCE_CHANNELS:
        return pow(0.9, distance) * channel_scale(i) * channel_scale(j);
    case COVARIANCE_SINGULAR:
        return 1.0 + cos(0.3 * ((double)i - (double)j));
    case COVARIANCE_DEAD:
        return i % 4 == 3 || j % 4 == 3 ? 0.0 : pow(0.9, distance);
    default:
        return i == j ? 1.0 : 0.0;
    }
}

void layer_refresh(layer_fixture *f)
{
    wsic_matrix covariance;

    wsic_stats_destroy(f->stats);
    ck_assert_int_eq(wsic_stats_create(f->context, f->columns, &f->stats), WSIC_OK);
    wsic_matrix_init(&covariance, sizeof covariance, f->covariance, WSIC_F64, f->columns,
                     f->columns, 0);
    ck_assert_int_eq(wsic_stats_add_covariance(f->stats, &covariance, 1000.0), WSIC_OK);
    wsic_matrix_init(&f->matrix, sizeof f->matrix, f->weights, WSIC_F64, f->rows, f->columns, 0);
}

layer_fixture layer_open(size_t rows, size_t columns, int covariance, uint64_t seed)
{
    layer_fixture f = {.rows = rows, .columns = columns};
    random_state random = {seed};

    f.weights = malloc(rows * columns * sizeof *f.weights);
    f.covariance = malloc(columns * columns * sizeof *f.covariance);
    random_fill(&random, f.weights, rows * columns);
    for (size_t i = 0; i < columns; i++) {
        for (size_t j = 0; j < columns; j++)
            f.covariance[i * columns + j] = element(covariance, i, j);
    }
    ck_assert_int_eq(wsic_context_create(NULL, &f.context), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_create(f.context, &f.encoder), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_integer(f.encoder, WSIC_LIMIT, 1), WSIC_OK);
    layer_refresh(&f);
    return f;
}

void layer_close(layer_fixture *f)
{
    wsic_encoder_destroy(f->encoder);
    wsic_stats_destroy(f->stats);
    ck_assert_uint_eq(wsic_context_memory(f->context, NULL), 0);
    wsic_context_destroy(f->context);
    free(f->weights);
    free(f->covariance);
}

double layer_energy(const layer_fixture *f, const double *e)
{
    const size_t a = f->rows, n = f->columns;
    double sum = 0.0;

    for (size_t r = 0; r < a; r++) {
        const double *const row = e + r * n;
        for (size_t i = 0; i < n; i++) {
            double product = 0.0;
            for (size_t j = 0; j < n; j++)
                product += f->covariance[i * n + j] * row[j];
            sum += row[i] * product;
        }
    }
    return sum / ((double)a * (double)n);
}

double layer_distortion(const layer_fixture *f, const wsic_layer *layer)
{
    const size_t a = f->rows, n = f->columns;
    double *const error = calloc(a * n, sizeof *error);
    wsic_matrix restored;

    wsic_matrix_init(&restored, sizeof restored, error, WSIC_F64, a, n, 0);
    ck_assert_int_eq(wsic_layer_dequantize(layer, 0, &restored), WSIC_OK);
    for (size_t k = 0; k < a * n; k++)
        error[k] -= f->weights[k];
    const double distortion = layer_energy(f, error);
    free(error);
    return distortion;
}

void layer_choose(layer_fixture *f, size_t variant)
{
    static const struct {
        const char *quantizer;
        const char *states;
    } variants[LAYER_VARIANTS] = {
        {"scalar", "8"}, {"rdo", "8"}, {"trellis", "4"}, {"trellis", "32"}};

    ck_assert_int_eq(wsic_encoder_set_text(f->encoder, "quantizer", variants[variant].quantizer),
                     WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_text(f->encoder, "trellis_states", variants[variant].states),
                     WSIC_OK);
}

wsic_layer_info layer_info(const wsic_layer *layer)
{
    wsic_layer_info info = {.size = sizeof info};

    ck_assert_int_eq(wsic_layer_get_info(layer, &info), WSIC_OK);
    return info;
}

wsic_layer *layer_encode(layer_fixture *f, double rate)
{
    const bool large = f->rows * f->columns >= 1 << 16;
    wsic_layer *layer = NULL;

    ck_assert_int_eq(wsic_encoder_set_number(f->encoder, WSIC_RATE, rate), WSIC_OK);
    const wsic_status status = wsic_encoder_run(f->encoder, f->stats, &f->matrix, &layer);
    ck_assert_msg(status == WSIC_OK || (!large && status == WSIC_NOTICE_RATE), "%s: %s",
                  wsic_status_name(status), wsic_encoder_message(f->encoder));
    ck_assert_double_le(fabs(layer_info(layer).rate - rate), large ? 1.0 : 0.1 + 0.05 * rate);
    return layer;
}
