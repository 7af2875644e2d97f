/* SPDX-License-Identifier: MIT */
/* From statistics to a factor: dead columns, damping, Cholesky. docs/algorithm.md,
 * section "Preparation". */
#ifndef WSIC_QUANT_PREPARE_H
#define WSIC_QUANT_PREPARE_H

#include "base/env.h"

typedef struct wsic_factor_options {
    double damping;          /* δ / mean live diagonal */
    int64_t damping_retries; /* times that δ may be raised tenfold */
} wsic_factor_options;

/* Which columns are dead. */
typedef struct wsic_dead_rule {
    double threshold;   /* of the median diagonal */
    const bool *forced; /* columns that are dead in any case; NULL: none */
} wsic_dead_rule;

/* What a second factorisation does beyond the first. */
typedef struct wsic_factor_form {
    const double *ridge; /* one ρ_j in internal units for each live column; NULL: none */
    bool pivot;          /* order of pivoted Cholesky */
} wsic_factor_form;

/* Σ restricted to the live columns and normalised, so that extreme scales do no harm:
 * everything inside is in units where the mean live diagonal is about 1.
 *
 *     Σ_live = unit · (L Lᵀ - damping I),  unit an even power of two
 *
 * up to the order of the columns, and without the ridge of a refactorisation. */
typedef struct wsic_factor {
    size_t n;           /* all columns */
    size_t live;        /* live columns; may be 0 */
    size_t *live_index; /* their numbers, ascending */
    double unit;
    double *L;        /* live x live, lower; NULL if live is 0 */
    double *diagonal; /* of L without ridge, in natural order */
    double damping;   /* δ in internal units: δ of Σ is unit * damping */
    uint64_t retries;
    double first_damping; /* those of wsic_factorize(), from which wsic_refactorize() goes on */
    uint64_t first_retries;
    /* Row and column k of L belong to live column number order[k]; NULL: k itself. */
    size_t *order;
    bool changed; /* L was replaced by wsic_refactorize() */
} wsic_factor;

/* Find the live columns: sum is n x n, of which the diagonal is looked at. Makes *factor,
 * without L; on failure it is empty. */
wsic_status wsic_factor_columns(const wsic_env *env, size_t n, const double *sum,
                                const wsic_dead_rule *rule, wsic_factor *factor);

/* sum_lower: n x n, lower, the sum over samples; samples > 0. May be called again with another
 * sum. On failure L is not to be used. WSIC_ERROR_NOT_POSITIVE_DEFINITE names the column of
 * the failing pivot; WSIC_ERROR_RANGE: the diagonal vanishes in double precision. */
wsic_status wsic_factorize(const wsic_env *env, const double *sum_lower, double samples,
                           const wsic_factor_options *options, wsic_factor *factor);

/* Factor again with a ridge, in another order, or both, with the same options: what one order takes
 * for definite another may not, and the damping is raised further then. On failure as above. */
wsic_status wsic_refactorize(const wsic_env *env, const double *sum_lower, double samples,
                             const wsic_factor_options *options, const wsic_factor_form *form,
                             wsic_factor *factor);

/* Number, among the live columns, of the column at place k of L. */
size_t wsic_factor_column(const wsic_factor *factor, size_t k);

/* The reverse: place[j] of live column number j in L; NULL where all have their own. */
wsic_status wsic_factor_places(const wsic_env *env, const wsic_factor *factor, size_t **place);

void wsic_factor_release(const wsic_env *env, wsic_factor *factor);

/* The live part of Σ in internal units into target (live x live, lower), in the order of
 * the factor. */
void wsic_gather_live(const wsic_factor *factor, const double *sum_lower, double samples,
                      double *target);

/* Mean of the live diagonal, divided by samples. */
double wsic_factor_mean_diagonal(const wsic_factor *factor, const double *sum, double samples);

/* Largest even power of two with a finite inverse that is not above x > 0; 1 for x = 0. */
double wsic_even_power_of_two(double x);

#endif
