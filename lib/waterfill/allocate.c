/* SPDX-License-Identifier: MIT */
#include "waterfill/allocate.h"

#include <float.h>
#include <math.h>

#include "waterfill/scalar_curve.h"
#include "waterfill/scalar_rate.h"

/* Below this ρ every code is 0 in double precision: erfc(1 / (2√2 ρ)) is less than the
 * smallest number. A step of σ / SILENT is therefore as good as an infinite one. */
#define SILENT 0.01

/* The finest step, as a part of the largest σ: log2 of it. No code of 32 bits comes near. */
#define FINEST_LOG2 (-900.0)

/* Of the rate in bits, or of the logarithm of the distortion. */
#define TOLERANCE 1e-12

enum { MAX_STEPS = 200 };

/* Least number of columns for which it saves time to make polynomials: a search looks at each some
 * ten times. */
enum { MANY = 256 };

typedef struct column_set {
    const double *sigma;
    size_t n;
    int unit; /* log2 of the unit in which steps are searched. If all σ are multiplied by a power of
                 two, the results are multiplied by it, and change in no other bit. */
    const wsic_scalar_curve *curve; /* NULL: there are too few columns for polynomials */
} column_set;

static double column_rate(const column_set *columns, size_t j, double step)
{
    const double rho = columns->sigma[j] / step;
    return columns->curve ? wsic_scalar_curve_entropy(columns->curve, rho)
                          : wsic_scalar_entropy(rho);
}

static double mean_rate(const column_set *columns, double step)
{
    double sum = 0.0;
    for (size_t j = 0; j < columns->n; j++)
        sum += column_rate(columns, j, step);
    return sum / (double)columns->n;
}

/* c² d(σ/c). Silent columns apart, so that c² cannot hide a small σ. */
static double column_distortion(const column_set *columns, size_t j, double step)
{
    const double sigma = columns->sigma[j], rho = sigma / step;

    if (rho < SILENT)
        return sigma * sigma;
    return columns->curve ? sigma * sigma * wsic_scalar_curve_distortion(columns->curve, rho)
                          : step * step * wsic_scalar_distortion(rho);
}

static double mean_distortion(const column_set *columns, double step)
{
    double sum = 0.0;
    for (size_t j = 0; j < columns->n; j++)
        sum += column_distortion(columns, j, step);
    return sum / (double)columns->n;
}

double wsic_largest_sigma(const double *sigma, size_t n)
{
    double largest = 0.0;
    for (size_t j = 0; j < n; j++)
        largest = fmax(largest, sigma[j]);
    return largest;
}

/* scalar: room for polynomials, or NULL where the functions are not needed. */
static column_set describe_columns(const double *sigma, size_t n, double largest,
                                   wsic_scalar_curve *scalar)
{
    column_set columns = {.sigma = sigma, .n = n};

    if (scalar)
        columns.curve = wsic_scalar_curve_for(n, MANY, scalar);
    frexp(largest, &columns.unit);
    return columns;
}

static double step_at(const column_set *columns, double log_step)
{
    return ldexp(exp2(log_step), columns->unit);
}

/* --- root in the logarithm of the step ------------------------------------ */

/* How far above its target a figure is at a step, positive at fine steps, falling. */
typedef double excess_function(const column_set *columns, double step, double target);

static double excess_rate(const column_set *columns, double step, double target)
{
    return (mean_rate(columns, step) - target) / fmax(1.0, target);
}

/* In the logarithm, where it is close to a straight line at fine steps. */
static double missing_distortion(const column_set *columns, double step, double target)
{
    return log(target / mean_distortion(columns, step));
}

typedef struct point {
    double log_step; /* log2, in the unit of the columns */
    double excess;
} point;

static point evaluate(const column_set *columns, excess_function *excess, double target,
                      double log_step)
{
    return (point){log_step, excess(columns, step_at(columns, log_step), target)};
}

/* Regula falsi with the Illinois rule: the end that stays twice counts half, so that
 * both ends close in; superlinear on the convex curves met here. */
static double close_in(const column_set *columns, excess_function *excess, double target,
                       point fine, point coarse)
{
    int stayed = 0; /* which end did: -1 the fine one, 1 the coarse one */

    for (int i = 0; i < MAX_STEPS && coarse.log_step - fine.log_step > DBL_EPSILON; i++) {
        const double part = fine.excess / (fine.excess - coarse.excess);
        const point next = evaluate(columns, excess, target,
                                    fine.log_step + part * (coarse.log_step - fine.log_step));
        if (fabs(next.excess) <= TOLERANCE)
            return next.log_step;
        if (next.excess > 0.0) {
            fine = next;
            coarse.excess *= stayed == 1 ? 0.5 : 1.0;
            stayed = 1;
        } else {
            coarse = next;
            fine.excess *= stayed == -1 ? 0.5 : 1.0;
            stayed = -1;
        }
    }
    return coarse.log_step;
}

/* Walk from the step at which all columns are silent to finer ones, in growing strides,
 * until the excess is positive. */
static double find_log_step(const column_set *columns, double largest, excess_function *excess,
                            double target)
{
    const double start = log2(ldexp(largest, -columns->unit));
    const double finest = fmax(start + FINEST_LOG2, log2(DBL_MIN) - columns->unit);
    point coarse = evaluate(columns, excess, target, start - log2(SILENT));

    for (double stride = 2.0; coarse.log_step > finest; stride *= 1.5) {
        const point fine =
            evaluate(columns, excess, target, fmax(coarse.log_step - stride, finest));
        if (fine.excess > 0.0)
            return close_in(columns, excess, target, fine, coarse);
        coarse = fine;
    }
    return finest;
}

/* --- interface of the stage ----------------------------------------------- */

static void describe(const column_set *columns, double step, wsic_allocation *out)
{
    *out = (wsic_allocation){
        .step = step,
        .rate = mean_rate(columns, step),
        .distortion = mean_distortion(columns, step),
        .water_level = step * step / 12.0,
    };
}

static void describe_silence(const column_set *columns, wsic_allocation *out)
{
    *out = (wsic_allocation){.distortion = mean_distortion(columns, HUGE_VAL)};
}

void wsic_allocate_rate(const double *sigma, size_t n, double bits, wsic_allocation *out)
{
    const double largest = wsic_largest_sigma(sigma, n);
    wsic_scalar_curve scalar;
    const column_set columns = describe_columns(sigma, n, largest, &scalar);

    if (largest > 0.0)
        describe(&columns, step_at(&columns, find_log_step(&columns, largest, excess_rate, bits)),
                 out);
    else
        describe_silence(&columns, out);
}

void wsic_allocate_distortion(const double *sigma, size_t n, double distortion,
                              wsic_allocation *out)
{
    const double largest = wsic_largest_sigma(sigma, n);
    wsic_scalar_curve scalar;
    const column_set columns = describe_columns(sigma, n, largest, &scalar);

    if (distortion < mean_distortion(&columns, HUGE_VAL))
        describe(
            &columns,
            step_at(&columns, find_log_step(&columns, largest, missing_distortion, distortion)),
            out);
    else
        describe_silence(&columns, out);
}

void wsic_column_rates(const double *sigma, size_t n, double step, double *rates)
{
    for (size_t j = 0; j < n; j++)
        rates[j] = step > 0.0 ? wsic_scalar_entropy(sigma[j] / step) : 0.0;
}

double wsic_reference_step(const double *sigma, size_t n, double knob)
{
    const column_set columns = describe_columns(sigma, n, wsic_largest_sigma(sigma, n), NULL);
    double logarithms = 0.0;
    size_t live = 0;

    for (size_t j = 0; j < n; j++) {
        if (sigma[j] > 0.0) {
            logarithms += log2(ldexp(sigma[j], -columns.unit));
            live++;
        }
    }
    return live == 0 ? 0.0 : sqrt(12.0) * step_at(&columns, logarithms / (double)live - knob);
}
