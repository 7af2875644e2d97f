/* SPDX-License-Identifier: MIT */
/* The rescalers: least-squares scales of rows (T) and columns (Γ) after the
 * recursion. Paper, "rescalers"; docs/algorithm.md, section "Rescalers". */
#ifndef WSIC_QUANT_RESCALE_H
#define WSIC_QUANT_RESCALE_H

#include "base/env.h"
#include "quant/quadratic.h"

/* Minimise K - 2 <C, Ŵ> + <Ŵ S, Ŵ> over t and g, where Ŵ = diag(t) Z diag(α ∘ g). */
typedef struct wsic_rescale {
    size_t rows;          /* a */
    size_t columns;       /* n, at least 1 */
    const int32_t *codes; /* Z, a x n */
    const double *alpha;  /* n */
    wsic_symmetric S;     /* Σ without damping */
    /* For t: S = L Lᵀ - diag(excess), where row and column k of L (n x n, lower) belong
     * to column column_order[k] (NULL: k); excess in the order of the columns. */
    const double *L;
    const float *L_single; /* L, if sums of rows are to be made in single precision; or NULL */
    const size_t *column_order;
    const double *excess;
    const double *C;   /* a x n: W Σ (with drift: W Σ_XX̂ + Δ) */
    double K;          /* tr(W Σ Wᵀ) */
    bool fit_rows;     /* T and Γ alternating; else Γ alone */
    bool quick;        /* single precision on the way to T and Γ, where they do not suffer */
    int64_t rounds;    /* at most */
    double tolerance;  /* stop when a round lowers the loss above its floor by a lesser part */
    double residual;   /* of the loss at the given t and g what is above the floor; 0: all of it */
    double *g_columns; /* n: receives g after the first Γ step; may be NULL */
    /* Where errors of rows count together, the loss is K - 2 <C, Ŵ> + <A Aᵀ Ŵ S, Ŵ>, and C is
     * A Aᵀ times what it would be: A, a x a, lower, whose row i belongs to row order[i] of the
     * codes, as row i of C does. Both NULL: each row for itself. Not together with fit_rows. */
    const double *metric;
    const size_t *order;
} wsic_rescale;

typedef struct wsic_rescale_result {
    double loss_before;   /* at the given t and g */
    double loss_columns;  /* after the first Γ step: what Γ alone achieves from there */
    double loss;          /* at the end */
    double column_energy; /* of the columns of Ŵ one by one, at the given t and g */
    double floor;         /* the part of each of the three that no Ŵ can remove */
    uint64_t rounds;
} wsic_rescale_result;

/* t (a) and g (n) are the starting point (1 and γ) and receive the fit, normalised to
 * Σ|t| = a. The loss never rises. */
wsic_status wsic_rescale_run(const wsic_env *env, const wsic_progress *progress,
                             const wsic_rescale *problem, double *t, double *g,
                             wsic_rescale_result *result);

/* <C_r, M_r> and M_r S M_rᵀ of every row of M = Z diag(α ∘ g). */
wsic_status wsic_rescale_sums(const wsic_env *env, const wsic_rescale *problem, const double *g,
                              double *numerator, double *denominator);

/* The loss at any t, by these sums. */
double wsic_rescale_loss(const wsic_rescale *problem, const double *t, const double *numerator,
                         const double *denominator);

/* The best t for a given g, and the sums. Rows of zeros get 0. */
wsic_status wsic_rescale_rows(const wsic_env *env, const wsic_rescale *problem, const double *g,
                              double *t, double *numerator, double *denominator);

#endif
