/* SPDX-License-Identifier: MIT */
#include "bridge.h"
#include "_cgo_export.h"

static wsic_matrix matrix(const void *data, bridge_shape shape)
{
    wsic_matrix m;

    wsic_matrix_init(&m, sizeof m, data, shape.dtype, shape.rows, shape.columns, shape.row_stride);
    return m;
}

/* The handle is a number that Go chose, and comes back as the same number. */
static int32_t progress(void *user, double fraction, const char *stage)
{
    return watersicProgress((uintptr_t)user, fraction, (char *)stage);
}

static void log_message(void *user, int32_t level, const char *message)
{
    watersicLog((uintptr_t)user, level, (char *)message);
}

wsic_status bridge_set_progress(wsic_context *context, uintptr_t handle)
{
    return wsic_context_set_progress(context, handle ? progress : NULL, (void *)handle);
}

wsic_status bridge_set_log(wsic_context *context, uintptr_t handle, int32_t level)
{
    return wsic_context_set_log(context, handle ? log_message : NULL, (void *)handle, level);
}

wsic_status bridge_add_activations(wsic_stats *stats, const void *x, bridge_shape shape,
                                   const double *weights)
{
    const wsic_matrix m = matrix(x, shape);

    return wsic_stats_add_activations(stats, &m, weights);
}

wsic_status bridge_add_pair(wsic_stats *stats, const void *x, bridge_shape x_shape,
                            const void *quantized, bridge_shape quantized_shape,
                            const void *residual, bridge_shape residual_shape,
                            const double *weights)
{
    const wsic_matrix original = matrix(x, x_shape);
    const wsic_matrix other = matrix(quantized, quantized_shape);
    const wsic_matrix rest = matrix(residual, residual_shape);

    return wsic_stats_add_pair(stats, &original, &other, residual ? &rest : NULL, weights);
}

wsic_status bridge_add_covariance(wsic_stats *stats, const void *covariance, bridge_shape shape,
                                  double samples)
{
    const wsic_matrix m = matrix(covariance, shape);

    return wsic_stats_add_covariance(stats, &m, samples);
}

wsic_status bridge_get_moment(const wsic_stats *stats, int32_t which, void *values,
                              bridge_shape shape)
{
    wsic_matrix m = matrix(values, shape);

    return wsic_stats_get_moment(stats, which, &m);
}

wsic_status bridge_problem_create(wsic_context *context, const wsic_stats *stats,
                                  const wsic_stats *weighted, const void *weights,
                                  bridge_shape shape, wsic_problem **out)
{
    const wsic_matrix m = matrix(weights, shape);

    return wsic_problem_create(context, stats, weighted, &m, out);
}

wsic_status bridge_plan_add(wsic_plan *plan, const wsic_stats *stats, const void *weights,
                            bridge_shape shape, size_t *index)
{
    const wsic_matrix m = matrix(weights, shape);

    return wsic_plan_add(plan, stats, &m, index);
}

wsic_status bridge_encoder_run(wsic_encoder *encoder, const wsic_stats *stats, const void *weights,
                               bridge_shape shape, wsic_layer **out)
{
    const wsic_matrix m = matrix(weights, shape);

    return wsic_encoder_run(encoder, stats, &m, out);
}

wsic_status bridge_get_codes(const wsic_layer *layer, size_t first_row, void *codes,
                             bridge_shape shape)
{
    wsic_matrix m = matrix(codes, shape);

    return wsic_layer_get_codes(layer, first_row, &m);
}

wsic_status bridge_dequantize(const wsic_layer *layer, size_t first_row, void *weights,
                              bridge_shape shape)
{
    wsic_matrix m = matrix(weights, shape);

    return wsic_layer_dequantize(layer, first_row, &m);
}

wsic_status bridge_matmul(const wsic_layer *layer, size_t first_row, const void *x,
                          bridge_shape x_shape, void *y, bridge_shape y_shape)
{
    const wsic_matrix inputs = matrix(x, x_shape);
    wsic_matrix outputs = matrix(y, y_shape);

    return wsic_layer_matmul(layer, first_row, &inputs, &outputs);
}
