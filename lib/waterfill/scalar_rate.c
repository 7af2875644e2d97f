/* SPDX-License-Identifier: MIT */
#include "waterfill/scalar_rate.h"

#include <math.h>

#define SQRT_HALF    0.70710678118654752440
#define LN_2         0.69314718055994530942
#define LOG2_E       1.44269504088896340736
#define INV_SQRT_2PI 0.39894228040143267794
/* ½ log2(2πe): entropy of a Gaussian of variance 1 */
#define GAUSSIAN_BITS 2.04709558518064110

/* From here on sums over cells equal the integrals that Poisson's formula pairs them with
 * to within exp(-2π²ρ²) = 5e-35. */
#define HIGH_RATE 2.0

/* Terms below this part of the sum are dropped; they fall faster than geometrically. */
#define NEGLIGIBLE 1e-18

/* As a sum over cells becomes an integral, H becomes the entropy of x + u, u uniform on
 * [-½, ½]: that of a Gaussian of variance ρ² + 1/12, less the negentropy
 * κ4² / (48 (ρ² + 1/12)⁴), where κ4 = -1/120 is the fourth cumulant of u. The next
 * term is of order κ4³ / ρ¹². */
static double high_rate_entropy(double rho)
{
    const double inverse = 1.0 / (rho * rho);
    const double widening = 1.0 + inverse / 12.0;
    const double deviation = inverse / widening; /* 1 / (ρ² + 1/12) */
    const double square = deviation * deviation;
    const double negentropy = square * square / (48.0 * 120.0 * 120.0);

    return GAUSSIAN_BITS + log2(rho) + LOG2_E * (0.5 * log1p(inverse / 12.0) - negentropy);
}

double wsic_scalar_entropy(double rho)
{
    if (rho >= HIGH_RATE)
        return high_rate_entropy(rho);

    /* Both tails together: P(|x| > k - ½) = erfc((k - ½) / (√2 ρ)). */
    const double scale = SQRT_HALF / rho;
    double beyond = erfc(0.5 * scale);
    double nats = -(1.0 - beyond) * log1p(-beyond);

    for (double k = 1.0; beyond > 0.0; k += 1.0) {
        const double next = erfc((k + 0.5) * scale);
        const double pair = beyond - next; /* the cells of k and -k */
        if (!(pair > 0.0))
            break;
        const double term = pair * (LN_2 - log(pair));
        nats += term;
        if (term < NEGLIGIBLE * nats)
            break;
        beyond = next;
    }
    return nats * LOG2_E;
}

/* With φ and Q the density and upper tail of the unit Gaussian, summation by parts gives
 *     E x z = 2ρ Σ_{k>=1} φ((k - ½)/ρ)        E z² = 2 Σ_{k>=1} (2k - 1) Q((k - ½)/ρ).
 * At high rate they are ρ² and ρ² + 1/12. */
double wsic_scalar_distortion(double rho)
{
    if (rho >= HIGH_RATE)
        return 1.0 / (12.0 + 1.0 / (rho * rho));

    const double scale = SQRT_HALF / rho;
    double correlation = 0.0, energy = 0.0;
    for (double edge = 0.5;; edge += 1.0) {
        const double t = edge * scale;
        const double tail = 2.0 * edge * erfc(t);
        correlation += 2.0 * INV_SQRT_2PI * rho * exp(-t * t);
        energy += tail;
        if (!(tail > NEGLIGIBLE * energy))
            break;
    }
    if (!(energy > 0.0)) /* every code is 0 */
        return rho * rho;
    return rho * rho - correlation * (correlation / energy);
}
