/* SPDX-License-Identifier: MIT */
#include "quant/rate_model.h"

#include <math.h>

/* Bits of an index that the coder's model of the width does not hold: it escapes. */
static double escape_bits(size_t magnitude)
{
    return 13.0 + 2.0 * log2(1.0 + (double)magnitude);
}

/* Upper edge of the cell of an index, in units of the grid. */
static double upper_edge(unsigned codebooks, unsigned codebook, size_t magnitude)
{
    const double k = (double)magnitude;

    if (codebooks == 1)
        return k + 0.5;
    if (codebook == 0)
        return 2.0 * k + 1.0;
    return magnitude == 0 ? 0.5 : 2.0 * k;
}

/* Of one of the two signs, but of zero. */
static double gaussian_mass(unsigned codebooks, unsigned codebook, size_t magnitude,
                            double deviation)
{
    const double scale = 1.0 / (sqrt(2.0) * deviation);
    const double above = erfc(upper_edge(codebooks, codebook, magnitude) * scale);

    if (magnitude == 0)
        return 1.0 - above;
    return 0.5 * (erfc(upper_edge(codebooks, codebook, magnitude - 1) * scale) - above);
}

static double width_deviation(size_t width)
{
    return exp2(0.25 * ((double)width + WSIC_WIDTH_LOWEST));
}

static double bits_of(double mass, size_t magnitude)
{
    return mass > 0.0 ? fmin(-log2(mass), escape_bits(magnitude)) : escape_bits(magnitude);
}

void wsic_rate_model_start(wsic_rate_model *model, unsigned codebooks)
{
    model->codebooks = codebooks;
    for (size_t width = 0; width < WSIC_WIDTHS; width++) {
        const double deviation = width_deviation(width);
        for (unsigned codebook = 0; codebook < codebooks; codebook++) {
            for (size_t k = 0; k < WSIC_RATE_INDICES; k++)
                model->bits[width][codebook][k] =
                    bits_of(gaussian_mass(codebooks, codebook, k, deviation), k);
        }
    }
}

/* Share of a magnitude by what was seen of it and of its neighbours: what is special about a
 * quantizer's codes is so about the first few magnitudes and changes slowly from there on, but a
 * single large one occurs too rarely to be counted. Worse, what seems cheap by chance is then taken
 * more often. */
static double smooth_share(const double *shares, const double *masses, size_t k)
{
    const size_t last = WSIC_RATE_INDICES - 1; /* which stands for all that are larger */
    const size_t reach = k / 4;
    double seen = 0.0, expected = 0.0;

    if (reach == 0 || k == last || masses[k] < 1e-30)
        return shares[k];
    for (size_t j = k - reach; j <= k + reach && j < last; j++) {
        seen += shares[j];
        expected += masses[j];
    }
    return seen / expected * masses[k];
}

static void learn_codebook(wsic_rate_model *model, size_t width, unsigned codebook,
                           const uint32_t *seen)
{
    const double belief = 32.0; /* samples that the bits so far count for */
    double *const bits = model->bits[width][codebook];
    double shares[WSIC_RATE_INDICES], masses[WSIC_RATE_INDICES];
    double total = belief;

    for (size_t k = 0; k < WSIC_RATE_INDICES; k++)
        total += seen[k];
    for (size_t k = 0; k < WSIC_RATE_INDICES; k++) {
        const double signs = k == 0 ? 1.0 : 2.0;
        shares[k] = (seen[k] / signs + belief * exp2(-bits[k])) / total;
        masses[k] = gaussian_mass(model->codebooks, codebook, k, width_deviation(width));
    }
    for (size_t k = 0; k < WSIC_RATE_INDICES; k++)
        bits[k] = bits_of(smooth_share(shares, masses, k), k);
}

void wsic_rate_model_learn(wsic_rate_model *model, size_t width, const wsic_rate_counts *counts)
{
    for (unsigned codebook = 0; codebook < model->codebooks; codebook++)
        learn_codebook(model, width, codebook, counts->seen[codebook]);
}

int wsic_stretch_width(const wsic_stretch *stretch)
{
    double sum = 0.0;

    if (!stretch->row_width) {
        for (size_t i = 0; i < stretch->count; i++)
            sum += stretch->y[i] * stretch->y[i];
    } else {
        double by_width[1 << 8] = {0.0};
        for (size_t i = 0; i < stretch->count; i++)
            by_width[stretch->row_width[i] + 128] += stretch->y[i] * stretch->y[i];
        for (int width = -128; width < 128; width++)
            sum += by_width[width + 128] * exp2(-0.5 * width);
    }
    const double variance = sum / ((double)stretch->count * stretch->step * stretch->step);
    /* Written so that zeros and NaN end below, and what overflows above. */
    const double width = variance > 0.0 ? 2.0 * log2(variance) : WSIC_WIDTH_LOWEST;
    return (int)lround(fmin(fmax(width, -1000.0), 1000.0));
}

/* splitmix64, and Box and Muller. */
void wsic_rate_samples(double *samples, size_t count)
{
    uint64_t counter = 0;

    for (size_t i = 0; i < count; i++) {
        double uniform[2];
        for (int k = 0; k < 2; k++) {
            uint64_t z = counter += UINT64_C(0x9E3779B97F4A7C15);
            z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
            z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
            uniform[k] = ((double)((z ^ z >> 31) >> 11) + 0.5) * 0x1p-53;
        }
        samples[i] = sqrt(-2.0 * log(uniform[0])) * cos(6.283185307179586 * uniform[1]);
    }
}
