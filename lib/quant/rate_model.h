/* SPDX-License-Identifier: MIT */
/* Bits of an index, as the quantizers expect them before there is anything to count: by
 * how wide the numbers are. Where the codes of a Gaussian of each width are counted, quantized
 * by the very quantizer that uses the model, the model is learned from them. */
#ifndef WSIC_QUANT_RATE_MODEL_H
#define WSIC_QUANT_RATE_MODEL_H

#include "quant/quantizer.h"

enum {
    /* Quarter octaves of the standard deviation against the step. Narrower numbers are all
     * rounded to zero; with wider ones the bits hardly differ from level to level. */
    WSIC_WIDTH_LOWEST = -12,
    WSIC_WIDTH_HIGHEST = 14,
    WSIC_WIDTHS = WSIC_WIDTH_HIGHEST - WSIC_WIDTH_LOWEST + 1,
    WSIC_RATE_INDICES = 66 /* magnitudes of indices that are told apart */
};

typedef struct wsic_rate_model {
    unsigned codebooks;                             /* 1: all integers; 2: those of a trellis */
    double bits[WSIC_WIDTHS][2][WSIC_RATE_INDICES]; /* by codebook and magnitude */
} wsic_rate_model;

/* Bits of Gaussians that are rounded to the nearest level. */
void wsic_rate_model_start(wsic_rate_model *model, unsigned codebooks);

/* How often each magnitude occurred; what was seen too rarely keeps its share. */
typedef struct wsic_rate_counts {
    uint32_t seen[2][WSIC_RATE_INDICES];
} wsic_rate_counts;

static inline size_t wsic_rate_magnitude(int32_t index)
{
    const uint32_t magnitude = index < 0 ? -(uint32_t)index : (uint32_t)index;
    return magnitude < WSIC_RATE_INDICES ? magnitude : WSIC_RATE_INDICES - 1;
}

void wsic_rate_model_learn(wsic_rate_model *model, size_t width, const wsic_rate_counts *counts);

/* Entry of the width of a number, in quarter octaves. */
static inline size_t wsic_width_entry(int width)
{
    const int clamped = width < WSIC_WIDTH_LOWEST    ? WSIC_WIDTH_LOWEST
                        : width > WSIC_WIDTH_HIGHEST ? WSIC_WIDTH_HIGHEST
                                                     : width;
    return (size_t)(clamped - WSIC_WIDTH_LOWEST);
}

/* The width of a stretch, apart from those of its rows. Widths of zeros are the lowest. */
int wsic_stretch_width(const wsic_stretch *stretch);

/* `count` numbers N(0, 1), always the same. */
void wsic_rate_samples(double *samples, size_t count);

#endif
