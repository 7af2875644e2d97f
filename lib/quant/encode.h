/* SPDX-License-Identifier: MIT */
/* One matrix from weights and statistics to the bytes of a layer. */
#ifndef WSIC_QUANT_ENCODE_H
#define WSIC_QUANT_ENCODE_H

#include "base/bytes.h"
#include "base/env.h"
#include "quant/metric.h"
#include "quant/problem.h"
#include "quant/quantizer.h"

enum { WSIC_SPACING_WATERFILLING, WSIC_SPACING_UNIFORM };
enum { WSIC_PRECISION_AUTO, WSIC_PRECISION_DOUBLE, WSIC_PRECISION_CODES };
enum { WSIC_RESCALE_NONE, WSIC_RESCALE_COLUMNS, WSIC_RESCALE_BOTH, WSIC_RESCALE_AUTO };

/* Meanings, units and ranges as in watersic/encoder.h. */
typedef struct wsic_encode_options {
    double rate, step, distortion; /* exactly one is not 0 */
    double row_fraction;
    uint64_t container_bytes;
    int64_t passes;
    wsic_factor_options factor;
    double dead_threshold;
    size_t survivors;
    double ridge; /* κ */
    bool pivot;
    int spacing;
    bool lmmse;
    int quantizer;         /* WSIC_QUANTIZE_SCALAR ... */
    unsigned trellis_kind; /* logarithm of the states */
    double lambda;
    int rescale;
    int64_t rescale_rounds;
    double rescale_tolerance;
    size_t block_rows;
    bool codes_fit_i4;
    bool limit;
    wsic_metric_options outputs;
    int precision; /* WSIC_PRECISION_AUTO ... */
} wsic_encode_options;

/* Of a problem with output statistics; meanings and units as in watersic/encoder.h. */
typedef struct wsic_output_figures {
    bool known;
    double distortion, relative, limit_rate, damping;
    bool feedback;
    int weights;
} wsic_output_figures;

typedef struct wsic_encode_report {
    double seconds_prepare, seconds_search, seconds_recursion, seconds_rescale, seconds_coding,
        seconds_distortion, seconds_limit, seconds_outputs;
    uint64_t search_steps, passes, rescale_rounds;
    wsic_output_figures outputs;
} wsic_encode_report;

/* Append the layer's bytes to out, which is empty; the problem keeps what serves again.
 * WSIC_NOTICE_RATE with a message if the target was not met; other failures leave out empty. */
wsic_status wsic_encode(const wsic_env *env, const wsic_encode_options *options,
                        wsic_encode_problem *problem, wsic_bytes *out, wsic_encode_report *report);

/* Upper bound of the memory that wsic_encode() has allocated at once. It includes what the problem
 * keeps. sources: those of the problem (NULL: plain statistics, unmixed). outputs: likewise
 * (NULL: none). False if the bound does not fit size_t. */
bool wsic_encode_memory(const wsic_env *env, const wsic_encode_options *options, size_t rows,
                        size_t columns, const wsic_blend_sources *sources,
                        const wsic_output_moments *outputs, uint64_t *bytes);

#endif
