/* SPDX-License-Identifier: MIT */
#include "quant/quantizer.h"

/* Adding and subtracting 1.5 · 2^52 rounds to nearest even in the default rounding mode
 * and, unlike rint(), becomes vector code on every processor. Valid below 2^51; larger
 * magnitudes stay large and are refused below. */
static double round_to_even(double x)
{
    const double shift = 0x1.8p52;
    return (x + shift) - shift;
}

/* Comparisons instead of fmin() and fmax(), which are calls; a NaN ends as HIGHEST. */
#define LOWEST  (-0x1p31)
#define HIGHEST 0x1.fffffffcp30

static double clamp(double x, double least, double most)
{
    const double bounded = x < most ? x : most;
    return bounded > least ? bounded : least;
}

/* To integers between these two. */
static inline bool quantize_within(const wsic_stretch *stretch, double least, double most,
                                   int32_t *codes)
{
    double largest = 0.0;

    /* Divided, not multiplied by a reciprocal, so that ties are those of y / step. */
    for (size_t i = 0; i < stretch->count; i++) {
        const double scaled = stretch->y[i] / stretch->step;
        const double magnitude = scaled < 0.0 ? -scaled : scaled;
        largest = magnitude > largest ? magnitude : largest;
        codes[i] = (int32_t)round_to_even(clamp(scaled, least, most));
    }
    return largest <= HIGHEST;
}

static bool quantize(const void *state, const wsic_stretch *stretch, void *workspace,
                     int32_t *codes)
{
    (void)state;
    (void)workspace;
    return quantize_within(stretch, LOWEST, HIGHEST, codes);
}

static bool quantize_i4(const void *state, const wsic_stretch *stretch, void *workspace,
                        int32_t *codes)
{
    (void)state;
    (void)workspace;
    return quantize_within(stretch, WSIC_I4_LEAST, WSIC_I4_MOST, codes);
}

const wsic_quantizer wsic_quantizer_scalar = {
    .name = "scalar",
    .tile_rows = 128,
    .largest = HIGHEST,
    .quantize = quantize,
};

const wsic_quantizer wsic_quantizer_scalar_i4 = {
    .name = "scalar",
    .tile_rows = 128,
    .largest = HIGHEST,
    .quantize = quantize_i4,
};
