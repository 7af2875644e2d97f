/* SPDX-License-Identifier: MIT */
#include "watersic/waterfill.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>

#include "waterfill/level.h"

typedef struct power_spectrum {
    const double *eigenvalues;
    size_t n;
    double variance;
} power_spectrum;

/* σ² λ_i. A product beyond the range of double stays a number: all that is asked of
 * it is whether it is above a level. */
static double power(const power_spectrum *spectrum, size_t i)
{
    return fmin(spectrum->variance * spectrum->eigenvalues[i], DBL_MAX);
}

static double largest_power(const power_spectrum *spectrum)
{
    double largest = 0.0;
    for (size_t i = 0; i < spectrum->n; i++)
        largest = fmax(largest, power(spectrum, i));
    return largest;
}

static double component_rate(double eigenvalue, double variance, double level)
{
    const double ratio = eigenvalue * variance / level;

    if (ratio <= 1.0)
        return 0.0;
    if (ratio <= DBL_MAX)
        return 0.5 * log2(ratio);
    return 0.5 * (log2(eigenvalue) + log2(variance) - log2(level));
}

static double rate_at(const power_spectrum *spectrum, double level)
{
    double sum = 0.0;
    for (size_t i = 0; i < spectrum->n; i++)
        sum += component_rate(spectrum->eigenvalues[i], spectrum->variance, level);
    return sum / (double)spectrum->n;
}

/* Divided before the sum, so that a sum of large powers cannot overflow. */
static double distortion_at(const power_spectrum *spectrum, double level)
{
    const double n = (double)spectrum->n;
    double sum = 0.0;

    for (size_t i = 0; i < spectrum->n; i++)
        sum += fmin(level, power(spectrum, i)) / n;
    return sum;
}

/* --- which components lie above the water -------------------------------- */

typedef bool level_test(const power_spectrum *spectrum, double level, double target);

static bool level_is_below_distortion(const power_spectrum *spectrum, double level, double target)
{
    return distortion_at(spectrum, level) < target;
}

static bool level_is_below_rate(const power_spectrum *spectrum, double level, double target)
{
    return rate_at(spectrum, level) > target;
}

static bool has_power_between(const power_spectrum *spectrum, double low, double high)
{
    for (size_t i = 0; i < spectrum->n; i++) {
        const double value = power(spectrum, i);
        if (value > low && value < high)
            return true;
    }
    return false;
}

typedef struct level_bracket {
    double low, high; /* the level is in (low, high], and no power is in (low, high) */
} level_bracket;

/* Between two neighbouring powers the set of components above the water is known, and
 * with it the level follows in closed form. Bisecting for the pair, instead of sorting,
 * needs no memory. */
static level_bracket bracket_level(const power_spectrum *spectrum, level_test *level_is_below,
                                   double target)
{
    level_bracket found = {0.0, largest_power(spectrum)};

    while (has_power_between(spectrum, found.low, found.high)) {
        const double level = wsic_level_between(found.low, found.high);
        if (level == found.low)
            break;
        if (level_is_below(spectrum, level, target))
            found.low = level;
        else
            found.high = level;
    }
    return found;
}

static double within(const level_bracket *bracket, double level)
{
    return fmax(bracket->low, fmin(level, bracket->high));
}

/* n D = k τ + the sum of the powers below the water, with k components above it. */
static double level_of_distortion(const power_spectrum *spectrum, double distortion)
{
    const level_bracket bracket = bracket_level(spectrum, level_is_below_distortion, distortion);
    const double n = (double)spectrum->n;
    double below = 0.0, above = 0.0;

    for (size_t i = 0; i < spectrum->n; i++) {
        const double value = power(spectrum, i);
        if (value > bracket.low)
            above += 1.0;
        else
            below += value / n;
    }
    return within(&bracket, (distortion - below) * (n / above));
}

/* k log2 τ = the sum of log2 of the powers above the water - 2 n R. */
static double level_of_rate(const power_spectrum *spectrum, double rate)
{
    const level_bracket bracket = bracket_level(spectrum, level_is_below_rate, rate);
    double above = 0.0, logarithms = 0.0;

    for (size_t i = 0; i < spectrum->n; i++) {
        if (power(spectrum, i) <= bracket.low)
            continue;
        above += 1.0;
        logarithms += log2(spectrum->eigenvalues[i]) + log2(spectrum->variance);
    }
    const double bits = 2.0 * rate * ((double)spectrum->n / above);
    return within(&bracket, exp2(logarithms / above - bits));
}

/* --- interface ------------------------------------------------------------ */

static wsic_status check_spectrum(const power_spectrum *spectrum)
{
    if (!spectrum->eigenvalues || spectrum->n == 0)
        return WSIC_ERROR_ARGUMENT;
    if (!(spectrum->variance >= 0.0) || !isfinite(spectrum->variance))
        return WSIC_ERROR_ARGUMENT;
    for (size_t i = 0; i < spectrum->n; i++) {
        if (!isfinite(spectrum->eigenvalues[i]))
            return WSIC_ERROR_NOT_FINITE;
        if (spectrum->eigenvalues[i] < 0.0)
            return WSIC_ERROR_ARGUMENT;
    }
    return WSIC_OK;
}

wsic_status wsic_waterfill_rate(const double *eigenvalues, size_t n, double variance,
                                double distortion, double *rate, double *water_level)
{
    const power_spectrum spectrum = {eigenvalues, n, variance};

    if (!rate || !(distortion > 0.0))
        return WSIC_ERROR_ARGUMENT;
    const wsic_status status = check_spectrum(&spectrum);
    if (status != WSIC_OK)
        return status;

    const double highest = largest_power(&spectrum);
    const bool reached_for_nothing = distortion >= distortion_at(&spectrum, highest);
    const double level = reached_for_nothing ? highest : level_of_distortion(&spectrum, distortion);
    *rate = reached_for_nothing ? 0.0 : rate_at(&spectrum, level);
    if (water_level)
        *water_level = level;
    return WSIC_OK;
}

wsic_status wsic_waterfill_distortion(const double *eigenvalues, size_t n, double variance,
                                      double rate, double *distortion, double *water_level)
{
    const power_spectrum spectrum = {eigenvalues, n, variance};

    if (!distortion || !(rate >= 0.0) || !isfinite(rate))
        return WSIC_ERROR_ARGUMENT;
    const wsic_status status = check_spectrum(&spectrum);
    if (status != WSIC_OK)
        return status;

    const double highest = largest_power(&spectrum);
    const double level = highest == 0.0 || rate == 0.0 ? highest : level_of_rate(&spectrum, rate);
    *distortion = distortion_at(&spectrum, level);
    if (water_level)
        *water_level = level;
    return WSIC_OK;
}

wsic_status wsic_waterfill_component_rates(const double *eigenvalues, size_t n, double variance,
                                           double water_level, double *rates)
{
    const power_spectrum spectrum = {eigenvalues, n, variance};

    if (!rates || !(water_level > 0.0))
        return WSIC_ERROR_ARGUMENT;
    const wsic_status status = check_spectrum(&spectrum);
    if (status != WSIC_OK)
        return status;

    for (size_t i = 0; i < n; i++)
        rates[i] = component_rate(eigenvalues[i], variance, water_level);
    return WSIC_OK;
}
