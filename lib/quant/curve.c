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

wsic_status wsic_curve_at(wsic_curve *curve, double x, double *value)
{
    for (size_t i = 0; i < curve->count; i++) {
        if (curve->x[i] == x) {
            *value = curve->value[i];
            return WSIC_OK;
        }
    }
    if (curve->count == WSIC_CURVE_POINTS) /* room for nothing more */
        return curve->evaluate(curve->user, x, value);
    const wsic_status status = add_point(curve, x);
    return status == WSIC_OK ? wsic_curve_at(curve, x, value) : status;
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

/* Fall per unit of x between two neighbouring points, kept within sense: 1 is the
 * high-rate law, rates near 0 fall slowly. */
static double slope_at(const wsic_curve *curve, size_t left)
{
    if (left + 1 >= curve->count)
        return 1.0;
    const double slope =
        (curve->value[left] - curve->value[left + 1]) / (curve->x[left + 1] - curve->x[left]);
    return fmin(fmax(slope, 0.1), 4.0);
}

/* Next x. Beyond the points: along the slope at their end, a little further than needed.
 * Between two points: the secant, or the middle where the last secant shrank the
 * interval too little, as it does on curved and on stepped curves. */
static double propose(wsic_curve *curve, double target)
{
    const size_t last = curve->count - 1;
    size_t right = 0;

    while (right <= last && curve->value[right] > target)
        right++;
    if (right == 0)
        return fmax(curve->lowest,
                    curve->x[0] - 1.1 * (target - curve->value[0]) / slope_at(curve, 0) - 1e-6);
    if (right > last) {
        const double slope = slope_at(curve, last > 0 ? last - 1 : 0);
        return fmin(curve->highest,
                    curve->x[last] + 1.1 * (curve->value[last] - target) / slope + 1e-6);
    }

    const double x0 = curve->x[right - 1], width = curve->x[right] - x0;
    const double v0 = curve->value[right - 1], v1 = curve->value[right];
    const bool slow = width > 0.6 * curve->bracket;
    curve->bracket = slow ? HUGE_VAL : width;
    return x0 + width * (slow ? 0.5 : fmin(fmax((v0 - target) / (v0 - v1), 0.05), 0.95));
}

wsic_status wsic_curve_solve(wsic_curve *curve, double target, double tolerance, double start,
                             double *x, double *value)
{
    wsic_status status = WSIC_OK;

    curve->bracket = HUGE_VAL;
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
