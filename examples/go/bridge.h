/* SPDX-License-Identifier: MIT */
/* What cgo cannot do: functions of C as callbacks, and structs that point at memory of Go. */
#ifndef WATERSIC_GO_BRIDGE_H
#define WATERSIC_GO_BRIDGE_H

#include <watersic/watersic.h>

/* A matrix by its parts. A struct of C in memory of Go must not point at other memory of Go. */
typedef struct bridge_shape {
    size_t rows, columns, row_stride;
    uint32_t dtype;
} bridge_shape;

/* Callbacks get `handle`, a runtime/cgo.Handle. 0 means none. */
wsic_status bridge_set_progress(wsic_context *context, uintptr_t handle);
wsic_status bridge_set_log(wsic_context *context, uintptr_t handle, int32_t level);

/* The functions of these names in the library, with matrices by their parts. */
wsic_status bridge_add_pair(wsic_stats *stats, const void *x, bridge_shape x_shape,
                            const void *quantized, bridge_shape quantized_shape,
                            const void *residual, bridge_shape residual_shape,
                            const double *weights);
wsic_status bridge_add_covariance(wsic_stats *stats, const void *covariance, bridge_shape shape,
                                  double samples);
wsic_status bridge_add_activations(wsic_stats *stats, const void *x, bridge_shape shape,
                                   const double *weights);
wsic_status bridge_get_moment(const wsic_stats *stats, int32_t which, void *values,
                              bridge_shape shape);
wsic_status bridge_problem_create(wsic_context *context, const wsic_stats *stats,
                                  const wsic_stats *weighted, const void *weights,
                                  bridge_shape shape, wsic_problem **out);
wsic_status bridge_plan_add(wsic_plan *plan, const wsic_stats *stats, const void *weights,
                            bridge_shape shape, size_t *index);
wsic_status bridge_encoder_run(wsic_encoder *encoder, const wsic_stats *stats, const void *weights,
                               bridge_shape shape, wsic_layer **out);
wsic_status bridge_get_codes(const wsic_layer *layer, size_t first_row, void *codes,
                             bridge_shape shape);
wsic_status bridge_dequantize(const wsic_layer *layer, size_t first_row, void *weights,
                              bridge_shape shape);
wsic_status bridge_matmul(const wsic_layer *layer, size_t first_row, const void *x,
                          bridge_shape x_shape, void *y, bridge_shape y_shape);

#endif
