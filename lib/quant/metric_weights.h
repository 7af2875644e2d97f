/* SPDX-License-Identifier: MIT */
/* Weights of the rows: which of them are worth a scale. */
#ifndef WSIC_QUANT_METRIC_WEIGHTS_H
#define WSIC_QUANT_METRIC_WEIGHTS_H

#include "quant/metric.h"

/* Fill weight, exponent, grid, weights and unit of a metric whose schur is known. kind:
 * WSIC_OUTPUT_WEIGHTS_NONE ... or WSIC_METRIC_WEIGHTS_AUTO. */
wsic_status wsic_metric_choose_weights(const wsic_env *env, int kind,
                                       const wsic_metric_input *input, wsic_metric *metric);

#endif
