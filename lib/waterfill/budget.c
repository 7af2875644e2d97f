/* SPDX-License-Identifier: MIT */
#include "waterfill/budget.h"

#include <math.h>
#include <stdbool.h>

#include "waterfill/allocate.h"
#include "waterfill/scalar_curve.h"
#include "waterfill/scalar_rate.h"

static const double two_ln_2 = 1.38629436111989061883;

/* --- curves --------------------------------------------------------------------- */

/* Octaves of the step from one point to the next: fine enough for straight lines in between. */
static const double stride = 0.25;

/* Where all columns are silent, see allocate.c. */
static const double silent_octaves = 4.0;

typedef struct model_point {
    double rate, distortion;
} model_point;

/* Least numbers of columns for which it saves time to make polynomials: for all points of a curve,
 * and for a single point. */
enum { MANY_FOR_CURVE = 16, MANY_FOR_POINT = 1024 };

/* curve: as of wsic_scalar_curve_for(). */
static model_point evaluate(const double *sigma, size_t n, const wsic_scalar_curve *curve,
                            double step)
{
    model_point point = {0.0, 0.0};

    for (size_t j = 0; j < n; j++) {
        const double rho = sigma[j] / step, square = sigma[j] * sigma[j];
        /* Below a twentieth of the step nothing is coded, and c² d would drown in rounding. */
        if (rho < 0.05) {
            point.distortion += square / (double)n;
        } else if (curve) {
            point.rate += wsic_scalar_curve_entropy(curve, rho) / (double)n;
            point.distortion += square * wsic_scalar_curve_distortion(curve, rho) / (double)n;
        } else {
            point.rate += wsic_scalar_entropy(rho) / (double)n;
            point.distortion += step * step * wsic_scalar_distortion(rho) / (double)n;
        }
    }
    return point;
}

/* The slope between two points, as that in the middle of them: of a straight line in the logarithm
 * of D, which high rates follow exactly. */
static double level_between(model_point coarse, model_point fine)
{
    const double fall = log1p((coarse.distortion - fine.distortion) / fine.distortion);
    const double middle = sqrt(coarse.distortion) * sqrt(fine.distortion);

    return middle * fall / (fine.rate - coarse.rate) / two_ln_2;
}

/* A level that did not fall is one of rounding noise; without it the curve stays convex. */
static void add_segment(model_point coarse, model_point fine, wsic_level_curve *curve)
{
    if (!(fine.rate - coarse.rate > 1e-7))
        return;
    const double level = level_between(coarse, fine);
    const size_t k = curve->count;
    if (!(level > 0.0) || (k > 0 && level >= curve->level[k - 1]))
        return;
    curve->rate[k] = 0.5 * (coarse.rate + fine.rate);
    curve->level[k] = level;
    curve->count++;
}

void wsic_level_curve_make(const double *sigma, size_t n, wsic_level_curve *curve)
{
    const double top = wsic_largest_sigma(sigma, n);
    wsic_scalar_curve scalar;
    /* Octaves are counted from a power of two, so that another unit of sigma gives the same rates
     * bit for bit. */
    int unit;

    curve->count = 0;
    if (!(top > 0.0))
        return;
    const wsic_scalar_curve *const functions = wsic_scalar_curve_for(n, MANY_FOR_CURVE, &scalar);
    double octave = log2(frexp(top, &unit)) + silent_octaves;
    model_point coarse = evaluate(sigma, n, functions, ldexp(exp2(octave), unit));
    while (curve->count < WSIC_LEVEL_POINTS && coarse.rate < 1.5 * WSIC_BUDGET_MOST_RATE) {
        octave -= stride;
        /* Where double ends. */
        if (octave + unit < -1000.0)
            break;
        const model_point fine = evaluate(sigma, n, functions, ldexp(exp2(octave), unit));
        add_segment(coarse, fine, curve);
        coarse = fine;
    }
}

double wsic_level_curve_rate(const wsic_level_curve *curve, double level)
{
    const size_t count = curve->count;
    size_t low = 0, high = count;

    if (count == 0 || level >= curve->level[0])
        return 0.0;
    if (level <= curve->level[count - 1])
        return curve->rate[count - 1] + 0.5 * log2(curve->level[count - 1] / level);
    while (high - low > 1) { /* level[low] > level >= level[high] */
        const size_t middle = (low + high) / 2;
        if (curve->level[middle] > level)
            low = middle;
        else
            high = middle;
    }
    const double part =
        log(curve->level[low] / level) / log(curve->level[low] / curve->level[high]);
    return curve->rate[low] + part * (curve->rate[high] - curve->rate[low]);
}

double wsic_marginal_level(const double *sigma, size_t n, double step)
{
    wsic_scalar_curve scalar;

    if (!(step > 0.0))
        return 0.0;
    const wsic_scalar_curve *const functions = wsic_scalar_curve_for(n, MANY_FOR_POINT, &scalar);
    const model_point coarse = evaluate(sigma, n, functions, step * exp2(0.05));
    const model_point fine = evaluate(sigma, n, functions, step * exp2(-0.05));
    return fine.rate > coarse.rate ? level_between(coarse, fine) : 0.0;
}

/* --- sharing out ------------------------------------------------------------------ */

/* Rate of a share as a function of one number that is common to all, rising. */
typedef double rate_function(const wsic_budget_share *share, double x);

static double equal_rate(const wsic_budget_share *share, double x)
{
    return x * share->live;
}

/* x = -log2 of s times the level. */
static double waterfill_rate(const wsic_budget_share *share, double x)
{
    const double level = exp2(-x) / share->sensitivity;
    return share->side + share->live_rows * wsic_level_curve_rate(share->curve, level);
}

static double total_bits(wsic_budget_share *shares, size_t count, rate_function *rate, double x)
{
    double bits = 0.0;

    for (size_t k = 0; k < count; k++) {
        shares[k].rate =
            fmin(fmax(rate(&shares[k], x), WSIC_BUDGET_LEAST_RATE), WSIC_BUDGET_MOST_RATE);
        bits += shares[k].weights * shares[k].rate;
    }
    return bits;
}

/* log2 of s times a level: of one fraction, so that what s gains and the level loses by a power of
 * two cancels exactly, and of two numbers whose product need not be one. */
static double log2_of_product(double sensitivity, double level)
{
    int exponents[2];
    const double fraction = frexp(sensitivity, &exponents[0]) * frexp(level, &exponents[1]);

    return log2(fraction) + (exponents[0] + exponents[1]);
}

/* Between two numbers of which the first gives too few bits: to the last digit. */
static void share_out(wsic_budget_share *shares, size_t count, rate_function *rate, double low,
                      double high, double bits)
{
    for (int i = 0; i < 100; i++) {
        const double middle = 0.5 * (low + high);
        if (total_bits(shares, count, rate, middle) <= bits)
            low = middle;
        else
            high = middle;
    }
    total_bits(shares, count, rate, low);
}

void wsic_budget_equal(wsic_budget_share *shares, size_t count, double bits)
{
    double least_live = 1.0;

    for (size_t k = 0; k < count; k++)
        least_live = shares[k].live > 0.0 ? fmin(least_live, shares[k].live) : least_live;
    share_out(shares, count, equal_rate, 0.0, WSIC_BUDGET_MOST_RATE / least_live, bits);
}

void wsic_budget_waterfill(wsic_budget_share *shares, size_t count, double bits)
{
    /* From the highest level at which anything is coded to the lowest of interest. */
    double low = HUGE_VAL, high = -HUGE_VAL;

    for (size_t k = 0; k < count; k++) {
        const wsic_level_curve *const curve = shares[k].curve;
        if (curve->count == 0)
            continue;
        const double first = -log2_of_product(shares[k].sensitivity, curve->level[0]);
        const double last = -log2_of_product(shares[k].sensitivity, curve->level[curve->count - 1]);
        low = fmin(low, first);
        high = fmax(high, last + 2.0 * WSIC_BUDGET_MOST_RATE);
    }
    if (low > high || total_bits(shares, count, waterfill_rate, low) > bits)
        wsic_budget_equal(shares, count, bits);
    else
        share_out(shares, count, waterfill_rate, low, high, bits);
}
