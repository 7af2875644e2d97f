/* SPDX-License-Identifier: MIT */
/* Calls of stats.h, plan.h and encoder.h with numbers and pointers in place of structs. */
#include "watersic/encoder.h"

wsic_status wsic_stats_add_activations_flat(wsic_stats *stats, const void *data, uint32_t dtype,
                                            size_t tokens, size_t row_stride, const double *weights)
{
    wsic_matrix activations;

    if (!stats)
        return WSIC_ERROR_ARGUMENT;
    wsic_matrix_init(&activations, sizeof activations, data, dtype, tokens,
                     wsic_stats_columns(stats), row_stride);
    return wsic_stats_add_activations(stats, &activations, weights);
}

wsic_status wsic_stats_add_pair_flat(wsic_stats *stats, const void *data, const void *quantized,
                                     const void *residual, size_t residual_columns, uint32_t dtype,
                                     size_t tokens, const double *weights)
{
    wsic_matrix x, q, r;

    if (!stats)
        return WSIC_ERROR_ARGUMENT;
    wsic_matrix_init(&x, sizeof x, data, dtype, tokens, wsic_stats_columns(stats), 0);
    wsic_matrix_init(&q, sizeof q, quantized, dtype, tokens, wsic_stats_columns(stats), 0);
    wsic_matrix_init(&r, sizeof r, residual, dtype, tokens, residual_columns, 0);
    return wsic_stats_add_pair(stats, &x, &q, residual ? &r : NULL, weights);
}

wsic_status wsic_stats_add_covariance_flat(wsic_stats *stats, const void *data, uint32_t dtype,
                                           size_t row_stride, double samples)
{
    wsic_matrix covariance;

    if (!stats)
        return WSIC_ERROR_ARGUMENT;
    const size_t n = wsic_stats_columns(stats);
    wsic_matrix_init(&covariance, sizeof covariance, data, dtype, n, n, row_stride);
    return wsic_stats_add_covariance(stats, &covariance, samples);
}

/* Residuals have as many rows as the layer has outputs, all other moments as many as inputs. */
static size_t moment_rows(const wsic_stats *stats, int32_t kind)
{
    return kind >= WSIC_MOMENT_RESIDUAL ? wsic_stats_residual_columns(stats)
                                        : wsic_stats_columns(stats);
}

wsic_status wsic_stats_get_moment_flat(const wsic_stats *stats, int32_t kind, void *data,
                                       uint32_t dtype, size_t row_stride)
{
    wsic_matrix values;

    if (!stats)
        return WSIC_ERROR_ARGUMENT;
    wsic_matrix_init(&values, sizeof values, data, dtype, moment_rows(stats, kind),
                     kind == WSIC_MOMENT_RESIDUAL_ENERGY ? 1 : wsic_stats_columns(stats),
                     row_stride);
    return wsic_stats_get_moment(stats, kind, &values);
}

static void describe_weights(const wsic_stats *stats, const void *data, uint32_t dtype, size_t rows,
                             size_t row_stride, wsic_matrix *weights)
{
    wsic_matrix_init(weights, sizeof *weights, data, dtype, rows,
                     stats ? wsic_stats_columns(stats) : 1, row_stride);
}

wsic_status wsic_plan_add_flat(wsic_plan *plan, const wsic_stats *stats, const void *data,
                               uint32_t dtype, size_t rows, size_t row_stride, size_t *index)
{
    wsic_matrix weights;

    describe_weights(stats, data, dtype, rows, row_stride, &weights);
    return wsic_plan_add(plan, stats, &weights, index);
}

wsic_status wsic_encoder_run_flat(wsic_encoder *encoder, const wsic_stats *stats, const void *data,
                                  uint32_t dtype, size_t rows, size_t row_stride, wsic_layer **out)
{
    wsic_matrix weights;

    describe_weights(stats, data, dtype, rows, row_stride, &weights);
    return wsic_encoder_run(encoder, stats, &weights, out);
}
