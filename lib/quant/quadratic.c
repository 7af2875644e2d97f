/* SPDX-License-Identifier: MIT */
#include "quant/quadratic.h"

#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "linalg/cholesky.h"
#include "linalg/linalg.h"

/* g outside this range is a sign of a nearly singular fit (as the reference). */
static const double g_lowest = -0.1, g_highest = 1.5;

/* Side of the squares in which F is transposed: two of them stay in the cache. */
enum { SQUARE = 32 };

wsic_status wsic_quadratic_create(const wsic_env *env, size_t n, wsic_quadratic *q)
{
    wsic_status status = WSIC_OK;

    *q = (wsic_quadratic){.n = n};
    q->F = wsic_alloc_zero(env, n * n, sizeof *q->F, &status);
    if (!q->F)
        return status;
    q->diagonal = wsic_alloc_zero(env, 5 * n, sizeof *q->diagonal, &status);
    if (!q->diagonal) {
        wsic_quadratic_release(env, q);
        return status;
    }
    q->b = q->diagonal + n;
    q->origin = q->diagonal + 2 * n;
    q->step = q->diagonal + 3 * n;
    q->previous = q->diagonal + 4 * n;
    return WSIC_OK;
}

void wsic_quadratic_release(const wsic_env *env, wsic_quadratic *q)
{
    wsic_free(env, q->F);
    wsic_free(env, q->diagonal);
    *q = (wsic_quadratic){.n = 0};
}

/* out_ji = in_ij for i > j, square by square: from below the diagonal to above it, or back. */
static void mirror(double *F, size_t n, bool up)
{
    for (size_t j0 = 0; j0 < n; j0 += SQUARE) {
        for (size_t i0 = j0; i0 < n; i0 += SQUARE) {
            for (size_t j = j0; j < wsic_min_size(j0 + SQUARE, n); j++) {
                for (size_t i = wsic_max_size(i0, j + 1); i < wsic_min_size(i0 + SQUARE, n); i++) {
                    double *const below = &F[j * n + i], *const above = &F[i * n + j];
                    *(up ? above : below) = up ? *below : *above;
                }
            }
        }
    }
}

void wsic_quadratic_weigh(wsic_quadratic *q, const double *alpha, const wsic_symmetric *S)
{
    const size_t n = q->n;
    const size_t *const index = S->index;

    for (size_t j = 0; j < n; j++) {
        const double scale = S->factor * alpha[j];
        const double *const column = S->lower + (index ? index[j] : j) * S->ld;
        for (size_t i = j; i < n; i++)
            q->F[j * n + i] *= scale * alpha[i] * column[index ? index[i] : i];
        q->diagonal[j] = q->F[j * n + j];
    }
    mirror(q->F, n, true);
}

/* -2 <b, d> + dᵀ F d for d = g - g₀. */
double wsic_quadratic_loss(const wsic_quadratic *q, const double *g)
{
    const size_t n = q->n;
    double quadratic = 0.0, linear = 0.0;

    for (size_t j = 0; j < n; j++) {
        const double *const above = q->F + j * n;
        const double d = g[j] - q->origin[j];
        double sum = 0.0;
        for (size_t i = 0; i < j && d != 0.0; i++)
            sum += above[i] * (g[i] - q->origin[i]);
        quadratic += d * (2.0 * sum + q->diagonal[j] * d);
        linear += q->b[j] * d;
    }
    return q->loss - 2.0 * linear + quadratic;
}

double wsic_quadratic_energy(const wsic_quadratic *q, const double *g)
{
    double energy = 0.0;

    for (size_t j = 0; j < q->n; j++)
        energy += q->diagonal[j] * g[j] * g[j];
    return energy;
}

/* step = (F + εI)⁻¹ b. The ridge of the reference keeps columns of zeros harmless; it is
 * raised should rounding make F indefinite. False if even that fails. */
static bool solve(const wsic_env *env, wsic_quadratic *q)
{
    const size_t n = q->n;
    double mean = 0.0;

    for (size_t j = 0; j < n; j++)
        mean += fabs(q->diagonal[j]) / (double)n;
    for (double ridge = fmax(1e-11, 1e-8 * mean); ridge <= mean; ridge *= 100.0) {
        mirror(q->F, n, false);
        for (size_t j = 0; j < n; j++)
            q->F[j * n + j] = q->diagonal[j] + ridge;
        if (wsic_cholesky(env, n, q->F) == 0) {
            memcpy(q->step, q->b, n * sizeof *q->step);
            wsic_cholesky_solve(n, q->F, q->step);
            return true;
        }
    }
    return false;
}

double wsic_quadratic_descend(const wsic_env *env, wsic_quadratic *q, double *g, double before)
{
    const size_t n = q->n;

    if (!solve(env, q))
        return before;
    for (size_t j = 0; j < n; j++)
        q->step[j] = fmin(fmax(q->origin[j] + q->step[j], g_lowest), g_highest);
    memcpy(q->previous, g, n * sizeof *g);
    for (double part = 1.0; part >= 1.0 / 16.0; part *= 0.5) {
        for (size_t j = 0; j < n; j++)
            g[j] = q->previous[j] + part * (q->step[j] - q->previous[j]);
        const double loss = wsic_quadratic_loss(q, g);
        if (loss <= before)
            return loss;
    }
    memcpy(g, q->previous, n * sizeof *g);
    return before;
}
