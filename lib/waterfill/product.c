/* SPDX-License-Identifier: MIT */
/* Reverse waterfilling over the products of two spectra. Both descend, so that the products above
 * a level form a staircase: walking down one spectrum, its border in the other only moves one way.
 */
#include <float.h>
#include <math.h>
#include <stdbool.h>

#include "waterfill/level.h"
#include "watersic/waterfill.h"

typedef struct product_spectrum {
    const double *outputs;
    size_t a;
    const double *inputs;
    size_t n;
    double variance;
} product_spectrum;

/* σ² μ_k λ_i. The variance goes with μ in every product, so that rounding cannot make the staircase
 * jagged; what is beyond the range of double stays a number. */
static double power(const product_spectrum *spectrum, size_t k, size_t i)
{
    return fmin(fmin(spectrum->variance * spectrum->outputs[k], DBL_MAX) * spectrum->inputs[i],
                DBL_MAX);
}

/* Divided before the sum, so that a sum of large powers cannot overflow. */
static double distortion_at(const product_spectrum *spectrum, double level)
{
    const double count = (double)spectrum->a * (double)spectrum->n;
    size_t border = spectrum->n;  /* components of row k above the water */
    double sum = 0.0, tail = 0.0; /* tail: inputs from the border on */

    for (size_t k = 0; k < spectrum->a; k++) {
        while (border > 0 && !(power(spectrum, k, border - 1) > level))
            tail += spectrum->inputs[--border];
        sum += (double)border / count * level;
        sum += fmin(spectrum->variance * spectrum->outputs[k], DBL_MAX) / count * tail;
    }
    return fmin(sum, DBL_MAX);
}

static double rate_at(const product_spectrum *spectrum, double level)
{
    const double count = (double)spectrum->a * (double)spectrum->n;
    const double of_level = log2(spectrum->variance) - log2(level);
    size_t border = 0;
    double sum = 0.0, logarithms = 0.0; /* of the inputs before the border */

    for (size_t k = spectrum->a; k-- > 0;) {
        while (border < spectrum->n && power(spectrum, k, border) > level)
            logarithms += log2(spectrum->inputs[border++]);
        if (border > 0)
            sum += (double)border * (log2(spectrum->outputs[k]) + of_level) + logarithms;
    }
    return fmax(0.5 * sum / count, 0.0);
}

/* The level at which distortion or rate meet their targets, to the last bit. */
static double level_of_distortion(const product_spectrum *spectrum, double distortion)
{
    double low = 0.0, high = power(spectrum, 0, 0);

    for (double level = wsic_level_between(low, high); level > low;
         level = wsic_level_between(low, high)) {
        if (distortion_at(spectrum, level) < distortion)
            low = level;
        else
            high = level;
    }
    return high;
}

static double level_of_rate(const product_spectrum *spectrum, double rate)
{
    double low = 0.0, high = power(spectrum, 0, 0);

    for (double level = wsic_level_between(low, high); level > low;
         level = wsic_level_between(low, high)) {
        if (rate_at(spectrum, level) > rate)
            low = level;
        else
            high = level;
    }
    return high;
}

/* --- interface ------------------------------------------------------------ */

static wsic_status check_eigenvalues(const double *values, size_t count)
{
    if (!values || count == 0)
        return WSIC_ERROR_ARGUMENT;
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(values[i]))
            return WSIC_ERROR_NOT_FINITE;
        if (values[i] < 0.0)
            return WSIC_ERROR_ARGUMENT;
    }
    for (size_t i = 1; i < count; i++) {
        if (values[i] > values[i - 1])
            return WSIC_ERROR_ARGUMENT;
    }
    return WSIC_OK;
}

static wsic_status check_spectrum(const product_spectrum *spectrum)
{
    const wsic_status status = check_eigenvalues(spectrum->outputs, spectrum->a);

    if (status != WSIC_OK)
        return status;
    if (!(spectrum->variance >= 0.0) || !isfinite(spectrum->variance))
        return WSIC_ERROR_ARGUMENT;
    return check_eigenvalues(spectrum->inputs, spectrum->n);
}

wsic_status wsic_waterfill_product_rate(const double *outputs, size_t a, const double *inputs,
                                        size_t n, double variance, double distortion, double *rate,
                                        double *water_level)
{
    const product_spectrum spectrum = {outputs, a, inputs, n, variance};

    if (!rate || !(distortion > 0.0))
        return WSIC_ERROR_ARGUMENT;
    const wsic_status status = check_spectrum(&spectrum);
    if (status != WSIC_OK)
        return status;

    const double highest = power(&spectrum, 0, 0);
    const bool reached_for_nothing = distortion >= distortion_at(&spectrum, highest);
    const double level = reached_for_nothing ? highest : level_of_distortion(&spectrum, distortion);
    *rate = reached_for_nothing ? 0.0 : rate_at(&spectrum, level);
    if (water_level)
        *water_level = level;
    return WSIC_OK;
}

wsic_status wsic_waterfill_product_distortion(const double *outputs, size_t a, const double *inputs,
                                              size_t n, double variance, double rate,
                                              double *distortion, double *water_level)
{
    const product_spectrum spectrum = {outputs, a, inputs, n, variance};

    if (!distortion || !(rate >= 0.0) || !isfinite(rate))
        return WSIC_ERROR_ARGUMENT;
    const wsic_status status = check_spectrum(&spectrum);
    if (status != WSIC_OK)
        return status;

    const double highest = power(&spectrum, 0, 0);
    const double level = highest == 0.0 || rate == 0.0 ? highest : level_of_rate(&spectrum, rate);
    *distortion = distortion_at(&spectrum, level);
    if (water_level)
        *water_level = level;
    return WSIC_OK;
}
