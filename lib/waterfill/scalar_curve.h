/* SPDX-License-Identifier: MIT */
/* The functions of scalar_rate.h for many columns, by polynomials: these take less time than sums
 * over cells. */
#ifndef WSIC_WATERFILL_SCALAR_CURVE_H
#define WSIC_WATERFILL_SCALAR_CURVE_H

#include <stddef.h>

/* ρ from 2^-5 to 2 is cut into octaves, and these into pieces of equal length, each with a
 * polynomial for H(ρ) and one for d(ρ) / ρ². Outside this range the functions themselves are
 * called. */
enum { WSIC_SCALAR_OCTAVES = 6, WSIC_SCALAR_PIECES = 8, WSIC_SCALAR_TERMS = 9 };

typedef double wsic_scalar_piece[WSIC_SCALAR_TERMS];

typedef struct wsic_scalar_curve {
    wsic_scalar_piece entropy[WSIC_SCALAR_OCTAVES * WSIC_SCALAR_PIECES];
    wsic_scalar_piece distortion[WSIC_SCALAR_OCTAVES * WSIC_SCALAR_PIECES];
} wsic_scalar_curve;

/* Fills the pieces: 432 calls of both functions. */
void wsic_scalar_curve_make(wsic_scalar_curve *curve);

/* The polynomials, in curve, where there are n columns and that many pay for them; else NULL. */
const wsic_scalar_curve *wsic_scalar_curve_for(size_t n, size_t many, wsic_scalar_curve *curve);

/* As wsic_scalar_entropy(), and wsic_scalar_distortion() over ρ², with a further error below
 * 1e-12. */
double wsic_scalar_curve_entropy(const wsic_scalar_curve *curve, double rho);
double wsic_scalar_curve_distortion(const wsic_scalar_curve *curve, double rho);

#endif
