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

static double clamp(double x)
{
    const double bounded = x < HIGHEST ? x : HIGHEST;
    return bounded > LOWEST ? bounded : LOWEST;
}

static bool quantize(const void *state, const wsic_stretch *stretch, void *workspace,
                     int32_t *codes)
{
    double largest = 0.0;
    (void)state;
    (void)workspace;

    /* Divided, not multiplied by a reciprocal, so that ties are those of y / step. */
    for (size_t i = 0; i < stretch->count; i++) {
        const double scaled = stretch->y[i] / stretch->step;
        const double magnitude = scaled < 0.0 ? -scaled : scaled;
        largest = magnitude > largest ? magnitude : largest;
        codes[i] = (int32_t)round_to_even(clamp(scaled));
    }
    return largest <= HIGHEST;
}

const wsic_quantizer wsic_quantizer_scalar = {
    .name = "scalar",
    .tile_rows = 128,
    .largest = HIGHEST,
    .quantize = quantize,
};
