/* SPDX-License-Identifier: MIT */
#include "waterfill/scalar_curve.h"

#include <math.h>

#include "waterfill/scalar_rate.h"

enum { LOWEST_EXPONENT = -4 /* of frexp(): 2^-5 is ½ · 2^-4 */, TERMS = WSIC_SCALAR_TERMS };

static const double lowest = 0x1p-5, highest = 2.0, pi = 3.14159265358979323846;

static double relative_distortion(double rho)
{
    return wsic_scalar_distortion(rho) / (rho * rho);
}

/* From coefficients of Chebyshev's polynomials to those of powers. */
static void expand(const double *chebyshev, double *powers)
{
    double before[TERMS] = {1.0}, last[TERMS] = {0.0, 1.0};

    for (size_t i = 0; i < TERMS; i++)
        powers[i] = chebyshev[0] * before[i] + chebyshev[1] * last[i];
    for (size_t k = 2; k < TERMS; k++) {
        for (size_t i = TERMS; i-- > 0;) {
            const double next = (i > 0 ? 2.0 * last[i - 1] : 0.0) - before[i];
            powers[i] += chebyshev[k] * next;
            before[i] = next;
        }
        for (size_t i = 0; i < TERMS; i++) {
            const double hand = before[i];
            before[i] = last[i];
            last[i] = hand;
        }
    }
}

/* The polynomial through the values at Chebyshev's nodes of [low, high], in t from -1 to 1. */
static void fit_piece(double (*function)(double rho), double low, double high, double *powers)
{
    double chebyshev[TERMS] = {0.0};

    for (size_t i = 0; i < TERMS; i++) {
        const double angle = pi * ((double)i + 0.5) / TERMS;
        const double value = function(0.5 * (low + high) + 0.5 * (high - low) * cos(angle));
        for (size_t k = 0; k < TERMS; k++)
            chebyshev[k] += (k == 0 ? 1.0 : 2.0) / TERMS * value * cos((double)k * angle);
    }
    expand(chebyshev, powers);
}

void wsic_scalar_curve_make(wsic_scalar_curve *curve)
{
    double octave = lowest;

    for (size_t o = 0; o < WSIC_SCALAR_OCTAVES; o++, octave *= 2.0) {
        for (size_t p = 0; p < WSIC_SCALAR_PIECES; p++) {
            const size_t piece = o * WSIC_SCALAR_PIECES + p;
            const double low = octave * (1.0 + (double)p / WSIC_SCALAR_PIECES);
            const double high = octave * (1.0 + (double)(p + 1) / WSIC_SCALAR_PIECES);
            fit_piece(wsic_scalar_entropy, low, high, curve->entropy[piece]);
            fit_piece(relative_distortion, low, high, curve->distortion[piece]);
        }
    }
}

const wsic_scalar_curve *wsic_scalar_curve_for(size_t n, size_t many, wsic_scalar_curve *curve)
{
    if (n < many)
        return NULL;
    wsic_scalar_curve_make(curve);
    return curve;
}

/* lowest <= ρ < highest */
static double evaluate(const wsic_scalar_piece *pieces, double rho)
{
    int exponent;
    const double place = (2.0 * frexp(rho, &exponent) - 1.0) * WSIC_SCALAR_PIECES;
    const size_t within = (size_t)place;
    const double t = 2.0 * (place - (double)within) - 1.0;
    const double *const powers =
        pieces[(size_t)(exponent - LOWEST_EXPONENT) * WSIC_SCALAR_PIECES + within];
    double sum = powers[TERMS - 1];

    for (size_t k = TERMS - 1; k-- > 0;)
        sum = sum * t + powers[k];
    return sum;
}

double wsic_scalar_curve_entropy(const wsic_scalar_curve *curve, double rho)
{
    return rho >= lowest && rho < highest ? fmax(evaluate(curve->entropy, rho), 0.0)
                                          : wsic_scalar_entropy(rho);
}

double wsic_scalar_curve_distortion(const wsic_scalar_curve *curve, double rho)
{
    return rho >= lowest && rho < highest ? fmin(evaluate(curve->distortion, rho), 1.0)
                                          : relative_distortion(rho);
}
