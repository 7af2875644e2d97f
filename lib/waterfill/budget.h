/* SPDX-License-Identifier: MIT */
/* One budget for many matrices. docs/algorithm.md, section "One budget for many layers". */
#ifndef WSIC_WATERFILL_BUDGET_H
#define WSIC_WATERFILL_BUDGET_H

#include <stddef.h>

/* Rate of a matrix against its water level, -dD/dR / (2 ln 2): where the curve of the model has
 * that slope. Points in the order of rising rates and falling levels. */
enum { WSIC_LEVEL_POINTS = 256 };

typedef struct wsic_level_curve {
    size_t count; /* 0: nothing to code at any level */
    double rate[WSIC_LEVEL_POINTS];
    double level[WSIC_LEVEL_POINTS];
} wsic_level_curve;

/* sigma as for wsic_allocate_rate(). */
void wsic_level_curve_make(const double *sigma, size_t n, wsic_level_curve *curve);

/* Rate at a level > 0: 0 above the first point, along the law of high rates beyond the last. */
double wsic_level_curve_rate(const wsic_level_curve *curve, double level);

/* -dD/dR / (2 ln 2) at a step; 0 for step 0. */
double wsic_marginal_level(const double *sigma, size_t n, double step);

/* A matrix that takes part. Rates are in bits per weight, of all its weights. */
typedef struct wsic_budget_share {
    double weights;                /* a n */
    double live;                   /* part of them that are not left out */
    double live_rows;              /* part of the rows: the curve is of one of them */
    double side;                   /* bits beside the codes */
    double sensitivity;            /* s > 0 */
    const wsic_level_curve *curve; /* for wsic_budget_waterfill() */
    double rate;                   /* the result, codes and side */
} wsic_budget_share;

/* Rates stay within these. */
#define WSIC_BUDGET_LEAST_RATE 0.05
#define WSIC_BUDGET_MOST_RATE  16.0

/* Share bits out so that their sum over the matrices is met, if the bounds of the rates allow.
 * Equal: the same rate for every live weight. Waterfill: s times the water level is the same, which
 * minimises the sum of s a n D; equal where there is not enough for all sides. */
void wsic_budget_equal(wsic_budget_share *shares, size_t count, double bits);
void wsic_budget_waterfill(wsic_budget_share *shares, size_t count, double bits);

#endif
