/* SPDX-License-Identifier: MIT */
#include "coding/corrections_fit.h"

#include <math.h>
#include <string.h>

/* What belongs to one knot: the classes around it, by their nearness. The last magnitude
 * stands for all that are not corrected. */
typedef struct tally {
    double seen[WSIC_CORRECTED_MOST + 1];
    double expected[WSIC_CORRECTED_MOST + 1];
} tally;

static void tally_class(const wsic_histogram *histogram, uint32_t shape, int32_t class_number,
                        unsigned codebook, tally *found)
{
    const uint64_t *const zero = histogram->bins + WSIC_MODEL_REACH;
    wsic_model_frame frame = wsic_array_frame(class_number);
    double seen = 0;
    double all = 0;
    double total = 0;

    memset(found, 0, sizeof *found);
    for (uint32_t bin = 0; bin < WSIC_BINS; bin++)
        total += (double)histogram->bins[bin];
    if (total == 0)
        return;
    frame.codebook = codebook;
    for (int32_t k = 0; k < WSIC_CORRECTED_MOST; k++) {
        const int sides = k == 0 ? 1 : 2;
        const double mass = ldexp(wsic_builtin_mass(shape, &frame, k), -WSIC_TAIL_UNIT_BITS);
        found->seen[k] = (double)(k == 0 ? zero[0] : zero[k] + zero[-k]);
        found->expected[k] = total * sides * mass;
        seen += found->seen[k];
        all += found->expected[k];
    }
    found->seen[WSIC_CORRECTED_MOST] = total - seen;
    found->expected[WSIC_CORRECTED_MOST] = fmax(total - all, 0);
}

static void add_share(tally *sum, const tally *part, double share)
{
    for (size_t k = 0; k <= WSIC_CORRECTED_MOST; k++) {
        sum->seen[k] += share * part->seen[k];
        sum->expected[k] += share * part->expected[k];
    }
}

static void tally_knots(const wsic_histogram *histograms, uint32_t shape, int32_t base,
                        unsigned step, const wsic_corrections *corrections, size_t context,
                        tally *knots)
{
    const uint32_t spacing = corrections->spacing;
    tally found;

    memset(knots, 0, corrections->knots * sizeof *knots);
    for (uint32_t index = 0; index < corrections->classes; index++) {
        const double share = (double)(index % spacing) / spacing;
        tally_class(&histograms[index * corrections->contexts + context], shape,
                    (base + (int32_t)index) * (1 << step), wsic_context_codebook((unsigned)context),
                    &found);
        add_share(&knots[index / spacing], &found, 1 - share);
        if (share != 0)
            add_share(&knots[index / spacing + 1], &found, share);
    }
    /* Corrections are relative to what is not corrected. */
    for (uint32_t knot = 0; knot < corrections->knots; knot++) {
        const double belief = 8;
        const double rest = (knots[knot].seen[WSIC_CORRECTED_MOST] + belief) /
                            (knots[knot].expected[WSIC_CORRECTED_MOST] + belief);
        for (size_t k = 0; k < WSIC_CORRECTED_MOST; k++)
            knots[knot].expected[k] *= rest;
    }
}

/* Bits that a knot's power costs, itself included, up to a constant: those of Poisson's
 * distribution. */
static double power_bits(const tally *knot, size_t k, int power, int before)
{
    const double octaves = (double)power / WSIC_KNOT_UNIT;
    const uint64_t difference = (uint64_t)(power < before ? before - power - 1 : power - before);

    return knot->expected[k] * exp2(octaves) / log(2) - knot->seen[k] * octaves +
           wsic_golomb_bits(2 * difference + (power < before));
}

static int best_power(const tally *knot, size_t k, int before)
{
    const double ratio = (knot->seen[k] + 0.01) / (knot->expected[k] + 0.01);
    const long most_likely = lround(WSIC_KNOT_UNIT * log2(ratio));
    const int aim = most_likely < WSIC_KNOT_LOWEST    ? WSIC_KNOT_LOWEST
                    : most_likely > WSIC_KNOT_HIGHEST ? WSIC_KNOT_HIGHEST
                                                      : (int)most_likely;
    const int direction = aim < before ? -1 : 1;
    double least = power_bits(knot, k, before, before);
    int best = before;

    for (int power = before; power != aim;) {
        power += direction;
        const double bits = power_bits(knot, k, power, before);
        if (bits < least) {
            least = bits;
            best = power;
        }
    }
    return best;
}

/* The powers of a magnitude; returns what they gain. */
static double fit_magnitude(const tally *knots, uint32_t count, size_t k, int8_t *powers)
{
    double gain = 0;
    int before = 0;

    for (uint32_t knot = 0; knot < count; knot++) {
        const int power = best_power(&knots[knot], k, before);
        gain += knots[knot].expected[k] / log(2) - power_bits(&knots[knot], k, power, before);
        powers[knot] = (int8_t)power;
        before = power;
    }
    return gain;
}

void wsic_corrections_fit(const wsic_histogram *histograms, uint32_t shape, int32_t base,
                          unsigned step, wsic_corrections *corrections)
{
    tally knots[WSIC_KNOTS_MOST];

    for (size_t context = 0; context < corrections->contexts; context++) {
        double gain = 0;
        double most = 0;
        tally_knots(histograms, shape, base, step, corrections, context, knots);
        corrections->count[context] = 0;
        for (uint32_t k = 0; k < WSIC_CORRECTED_MOST; k++) {
            gain += fit_magnitude(knots, corrections->knots, k, corrections->power[context][k]);
            if (gain > most) {
                most = gain;
                corrections->count[context] = k + 1;
            }
        }
    }
}

void wsic_corrections_write(wsic_bit_writer *writer, const wsic_corrections *corrections)
{
    for (size_t context = 0; context < corrections->contexts; context++) {
        wsic_put_golomb(writer, corrections->count[context]);
        for (uint32_t k = 0; k < corrections->count[context]; k++) {
            int32_t before = 0;
            for (uint32_t knot = 0; knot < corrections->knots; knot++) {
                const int32_t power = corrections->power[context][k][knot];
                wsic_put_golomb_signed(writer, power - before);
                before = power;
            }
        }
    }
}
