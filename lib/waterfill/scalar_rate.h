/* SPDX-License-Identifier: MIT */
/* A Gaussian of standard deviation ρ rounded to integers: the model of one column in
 * units of its step. */
#ifndef WSIC_WATERFILL_SCALAR_RATE_H
#define WSIC_WATERFILL_SCALAR_RATE_H

/* H(ρ): entropy of round(x) in bits, x ~ N(0, ρ²). ρ >= 0; error below 1e-10. */
double wsic_scalar_entropy(double rho);

/* d(ρ): least mean square error of an estimate of x that is linear in z = round(x),
 * E x² - (E x z)² / E z². ρ >= 0; error below 1e-10. */
double wsic_scalar_distortion(double rho);

#endif
