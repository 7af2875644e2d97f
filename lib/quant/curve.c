/* SPDX-License-Identifier: MIT */
#include "quant/curve.h"

#include <math.h>
#include <string.h>

#include "base/checked.h"

/* Evaluate at x and keep the points sorted. */
static wsic_status add_point(wsic_curve *curve, double x)
{
    double value = 0.0;
    const wsic_status status = curve->evaluate(curve->user, x, &value);

    if (status != WSIC_OK)
        return status;
    size_t place = curve->count;
    while (place > 0 && curve->x[place - 1] > x)
        place--;
    const size_t behind = curve->count - place;
    memmove(curve->x + place + 1, curve->x + place, behind * sizeof *curve->x);
    memmove(curve->value + place + 1, curve->value + place, behind * sizeof *curve->value);
    curve->x[place] = x;
    curve->value[place] = value;
    curve->count++;
    return WSIC_OK;
}

static size_t nearest_point(const wsic_curve *curve, double target)
{
    size_t best = 0;

    for (size_t i = 1; i < curve->count; i++) {
        if (fabs(curve->value[i] - target) < fabs(curve->value[best] - target))
            best = i;
    }
    return best;
}

/* Next x from the points on both sides of the target: the secant, kept away from the
 * ends so that the interval shrinks on curves with steps too. Outside the points: a
 * slope of -1 from the nearest end, which is the high-rate law, lengthened a little so
 * that flat stretches are passed. */
static double propose(const wsic_curve *curve, double target)
{
    const size_t last = curve->count - 1;
    size_t right = 0;

    while (right <= last && curve->value[right] > target)
        right++;
    if (right == 0)
        return fmax(curve->lowest, curve->x[0] - 1.1 * (target - curve->value[0]) - 1e-6);
    if (right > last)
        return fmin(curve->highest, curve->x[last] + 1.1 * (curve->value[last] - target) + 1e-6);

    const double x0 = curve->x[right - 1], x1 = curve->x[right];
    const double v0 = curve->value[right - 1], v1 = curve->value[right];
    const double part = (v0 - target) / (v0 - v1);
    return x0 + (x1 - x0) * fmin(fmax(part, 0.05), 0.95);
}

wsic_status wsic_curve_solve(wsic_curve *curve, double target, double tolerance, double start,
                             double *x, double *value)
{
    wsic_status status = WSIC_OK;

    if (curve->count == 0)
        status = add_point(curve, fmin(fmax(start, curve->lowest), curve->highest));
    while (status == WSIC_OK && curve->count < WSIC_CURVE_POINTS) {
        const size_t best = nearest_point(curve, target);
        if (fabs(curve->value[best] - target) <= tolerance)
            break;
        const double next = propose(curve, target);
        bool known = false;
        for (size_t i = 0; i < curve->count; i++)
            known = known || fabs(curve->x[i] - next) < 1e-9;
        if (known) /* at an end of the range, or on a step of the curve */
            break;
        status = add_point(curve, next);
    }
    if (status != WSIC_OK)
        return status;
    const size_t best = nearest_point(curve, target);
    *x = curve->x[best];
    *value = curve->value[best];
    return WSIC_OK;
}
