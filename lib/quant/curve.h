/* SPDX-License-Identifier: MIT */
/* A falling curve that is expensive to evaluate, and its inverse: what remains of a
 * rate search when everything about matrices is taken away. */
#ifndef WSIC_QUANT_CURVE_H
#define WSIC_QUANT_CURVE_H

#include <stdbool.h>

#include "watersic/base.h"

enum { WSIC_CURVE_POINTS = 48 };

typedef struct wsic_curve {
    /* *value = f(x), f falling in x apart from noise */
    wsic_status (*evaluate)(void *user, double x, double *value);
    void *user;
    double lowest, highest; /* range of x */
    size_t count;           /* points evaluated so far, ascending in x */
    double x[WSIC_CURVE_POINTS];
    double value[WSIC_CURVE_POINTS];
    double bracket; /* width of the last interval around the target */
} wsic_curve;

/* Find *x with |f(x) - target| <= tolerance, or the nearest that the range and the points
 * allow; *value = f(*x) was evaluated there. start is the first guess where nothing is
 * known yet. Points of earlier calls are used again. */
wsic_status wsic_curve_solve(wsic_curve *curve, double target, double tolerance, double start,
                             double *x, double *value);

/* *value = f(x), evaluated unless it is known. */
wsic_status wsic_curve_at(wsic_curve *curve, double x, double *value);

#endif
