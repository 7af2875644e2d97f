/* SPDX-License-Identifier: MIT */
/* Scalar quantization that counts the bits: of the two integers around a number the
 * one of least (y - z)² + λ bits(z). */
#include <math.h>
#include <string.h>

#include "quant/rate_model.h"

enum {
    CELLS = WSIC_RATE_INDICES - 2, /* beyond, the bits do not matter */
    SAMPLES = 4096,
    ROUNDS = 3
};

#define LARGEST 0x1p30 /* leaves room to the next integer */

typedef struct rdo {
    double lambda; /* in units of step² to the bit */
    float cost[WSIC_WIDTHS][CELLS + 2];
    wsic_rate_model model;
} rdo;

static int32_t quantize_one(const rdo *q, size_t width, double scaled)
{
    const double magnitude = fabs(scaled);
    const int32_t below = (int32_t)magnitude;
    const double part = magnitude - below;
    const size_t cell = below < CELLS ? (size_t)below : CELLS;
    const float *const cost = q->cost[width] + cell;
    const double gain = part * part - (1.0 - part) * (1.0 - part);
    const int32_t code = below + (gain > (double)cost[1] - (double)cost[0]);

    return scaled < 0.0 ? -code : code;
}

static bool quantize(const void *state, const wsic_stretch *stretch, void *workspace,
                     int32_t *codes)
{
    const rdo *const q = state;
    const int column_width = wsic_stretch_width(stretch);
    (void)workspace;

    for (size_t i = 0; i < stretch->count; i++) {
        const double scaled = stretch->y[i] / stretch->step;
        const int row_width = stretch->row_width ? stretch->row_width[i] : 0;
        if (!(fabs(scaled) <= LARGEST))
            return false;
        codes[i] = quantize_one(q, wsic_width_entry(column_width + row_width), scaled);
    }
    return true;
}

static void fill_costs(rdo *q, size_t width)
{
    for (size_t k = 0; k <= CELLS; k++)
        q->cost[width][k] = (float)(q->lambda * q->model.bits[width][0][k]);
    q->cost[width][CELLS + 1] = q->cost[width][CELLS];
}

static void learn(rdo *q, size_t width, const double *samples)
{
    const double deviation = exp2(0.25 * ((double)width + WSIC_WIDTH_LOWEST));

    for (int round = 0; round < ROUNDS; round++) {
        wsic_rate_counts counts = {{{0}}};
        for (size_t i = 0; i < SAMPLES; i++) {
            const int32_t code = quantize_one(q, width, samples[i] * deviation);
            counts.seen[0][wsic_rate_magnitude(code)]++;
        }
        wsic_rate_model_learn(&q->model, width, &counts);
        fill_costs(q, width);
    }
}

wsic_status wsic_quantizer_create_rdo(const wsic_env *env, const wsic_quantizer_choice *choice,
                                      wsic_quantizer *quantizer)
{
    wsic_status status = WSIC_OK;
    rdo *const q = wsic_alloc(env, 1, sizeof *q, &status);

    if (!q)
        return status;
    double *const samples = wsic_alloc(env, SAMPLES, sizeof *samples, &status);
    if (!samples) {
        wsic_free(env, q);
        return status;
    }
    q->lambda = choice->lambda * 2.0 * log(2.0) / 12.0;
    wsic_rate_samples(samples, SAMPLES);
    wsic_rate_model_start(&q->model, 1);
    for (size_t width = 0; width < WSIC_WIDTHS; width++) {
        fill_costs(q, width);
        learn(q, width, samples);
    }
    wsic_free(env, samples);
    *quantizer = (wsic_quantizer){
        .name = "rdo", .tile_rows = 1024, .largest = LARGEST, .state = q, .quantize = quantize};
    return WSIC_OK;
}
