/* SPDX-License-Identifier: MIT */
/* The tails that the built-in models are made from, by libm alone. */
#ifndef TESTS_GAMMA_TAIL_H
#define TESTS_GAMMA_TAIL_H

#include <math.h>

/* Regularised upper incomplete gamma function: series below, continued fraction above. */
static inline double upper_gamma(double a, double x)
{
    const double front = x > 0 ? exp(-x + a * log(x) - lgamma(a)) : 0;

    if (x < a + 1) {
        double term = 1 / a;
        double sum = term;
        for (int n = 1; n < 1000; n++) {
            term *= x / (a + n);
            sum += term;
        }
        return 1 - sum * front;
    }
    double b = x + 1 - a;
    double c = 1e300;
    double d = 1 / b;
    double product = d;
    for (int n = 1; n < 1000; n++) {
        const double numerator = -n * (n - a);
        b += 2;
        d = 1 / (numerator * d + b);
        c = b + numerator / c;
        product *= d * c;
    }
    return front * product;
}

/* P(X > t), t >= 0, of a generalised Gaussian of variance 1. */
static inline double gaussian_tail(double exponent, double t)
{
    const double width = sqrt(tgamma(1 / exponent) / tgamma(3 / exponent));
    return 0.5 * upper_gamma(1 / exponent, pow(t / width, exponent));
}

#endif
