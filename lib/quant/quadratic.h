/* SPDX-License-Identifier: MIT */
/* The loss as a function of the columns' scales Γ, which is a quadratic one:
 *
 *     loss(g) = loss(g₀) - 2 <b, g - g₀> + (g - g₀)ᵀ F (g - g₀). */
#ifndef WSIC_QUANT_QUADRATIC_H
#define WSIC_QUANT_QUADRATIC_H

#include "base/env.h"

typedef struct wsic_quadratic {
    size_t n;
    double *F;        /* n x n: F above the diagonal; below it and on it room for Cholesky */
    double *diagonal; /* n: of F */
    double *b;        /* n */
    double *origin;   /* n: g₀ */
    double loss;      /* at g₀ */
    double *step;     /* n: for wsic_quadratic_descend() */
    double *previous; /* n: likewise */
} wsic_quadratic;

/* Room, with F, b and g₀ of zeros. */
wsic_status wsic_quadratic_create(const wsic_env *env, size_t n, wsic_quadratic *q);
void wsic_quadratic_release(const wsic_env *env, wsic_quadratic *q);

/* A symmetric matrix, lower, of which some columns are left out. */
typedef struct wsic_symmetric {
    const double *lower;
    size_t ld;
    const size_t *index; /* of the columns that are meant, ascending; NULL: all */
    double factor;       /* that the elements are multiplied by */
} wsic_symmetric;

/* F was added up in the lower triangle as a product of codes: multiply it by S_ij · α_i α_j and
 * bring it where it belongs. */
void wsic_quadratic_weigh(wsic_quadratic *q, const double *alpha, const wsic_symmetric *S);

double wsic_quadratic_loss(const wsic_quadratic *q, const double *g);

/* Σ_j F_jj g_j²: what independent relative errors of variance ε² in all g_j add to the loss in the
 * mean, divided by ε². */
double wsic_quadratic_energy(const wsic_quadratic *q, const double *g);

/* Move g towards the minimum as far as the loss falls below `before`, which it has at g. Returns
 * the loss. */
double wsic_quadratic_descend(const wsic_env *env, wsic_quadratic *q, double *g, double before);

#endif
