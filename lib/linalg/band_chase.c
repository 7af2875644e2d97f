/* SPDX-License-Identifier: MIT */
/* From a band to three diagonals, column after column. A reflector brings all but one of the
 * numbers below a diagonal element to zero. From the other side it fills in a block below, whose
 * first column the next reflector clears, and so on down to the end of the matrix. What is left of
 * the fill is cleared on the way of the columns that follow. */
#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "linalg/band.h"

enum {
    WIDTH = WSIC_BAND_WIDTH,
    /* Lanes of sums: the compiler may not reorder them, but these it can keep in vectors. */
    LANES = 8
};

/* I - τ v vᵀ, v_0 = 1, for rows first ... first + count - 1. */
typedef struct reflector {
    size_t first, count;
    double tau;
    double v[WIDTH];
} reflector;

/* Column j, so that [i] is row i. */
static double *column_of(double *band, size_t j)
{
    return band + j * (WSIC_BAND_STRIDE - 1);
}

static double dot(size_t count, const double *x, const double *y)
{
    double lane[LANES] = {0.0}, sum = 0.0;
    size_t i = 0;

    for (; i + LANES <= count; i += LANES) {
        for (size_t l = 0; l < LANES; l++)
            lane[l] += x[i + l] * y[i + l];
    }
    for (; i < count; i++)
        sum += x[i] * y[i];
    for (size_t l = 0; l < LANES; l++)
        sum += lane[l];
    return sum;
}

/* The reflector that brings all of x but x_0 to zero; and x after it. */
static void make_reflector(double *x, reflector *h)
{
    const double below = dot(h->count - 1, x + 1, x + 1);

    memset(h->v, 0, sizeof h->v);
    h->v[0] = 1.0;
    h->tau = 0.0;
    if (!(below > 0.0))
        return;
    const double beta = -copysign(sqrt(x[0] * x[0] + below), x[0]);
    for (size_t i = 1; i < h->count; i++) {
        h->v[i] = x[i] / (x[0] - beta);
        x[i] = 0.0;
    }
    h->tau = (beta - x[0]) / beta;
    x[0] = beta;
}

/* H A H for the block on the diagonal: A - v wᵀ - w vᵀ, w = τ (A v - ½ τ (vᵀ A v) v). */
static void apply_both_sides(double *band, const reflector *h)
{
    double w[WIDTH] = {0.0};

    for (size_t j = 0; j < h->count; j++) {
        const double *const a = column_of(band, h->first + j) + h->first, v = h->v[j];
        const size_t below = h->count - j - 1;
        for (size_t i = j + 1; i < h->count; i++)
            w[i] += a[i] * v;
        w[j] += a[j] * v + dot(below, a + j + 1, h->v + j + 1);
    }
    const double half = 0.5 * h->tau * dot(h->count, w, h->v);
    for (size_t i = 0; i < h->count; i++)
        w[i] = h->tau * (w[i] - half * h->v[i]);
    for (size_t j = 0; j < h->count; j++) {
        double *const a = column_of(band, h->first + j) + h->first;
        const double v_j = h->v[j], w_j = w[j];
        for (size_t i = j; i < h->count; i++)
            a[i] -= h->v[i] * w_j + w[i] * v_j;
    }
}

/* The block B below, whose columns are the rows of h, becomes B H; then G B H with the reflector G
 * that clears its first column. */
static void push_down(double *band, const reflector *h, reflector *g)
{
    double u[WIDTH] = {0.0}; /* τ B v */
    double *const head = column_of(band, h->first) + g->first;

    for (size_t j = 0; j < h->count; j++) {
        const double *const b = column_of(band, h->first + j) + g->first, v = h->tau * h->v[j];
        for (size_t i = 0; i < g->count; i++)
            u[i] += b[i] * v;
    }
    for (size_t i = 0; i < g->count; i++)
        head[i] -= u[i];
    make_reflector(head, g);
    const double cross = dot(g->count, u, g->v);
    for (size_t j = 1; j < h->count; j++) {
        double *const b = column_of(band, h->first + j) + g->first;
        const double v = h->v[j], w = g->tau * (dot(g->count, b, g->v) - cross * v);
        for (size_t i = 0; i < g->count; i++)
            b[i] -= u[i] * v + g->v[i] * w;
    }
}

/* Bring column j to its place, and all that this fills in out of the matrix. */
static void clear_column(size_t n, double *band, size_t j)
{
    reflector h = {.first = j + 1, .count = wsic_min_size(WIDTH, n - j - 1)};

    make_reflector(column_of(band, j) + h.first, &h);
    for (;;) {
        const size_t below = h.first + h.count;
        apply_both_sides(band, &h);
        if (below == n)
            return;
        reflector g = {.first = below, .count = wsic_min_size(WIDTH, n - below)};
        push_down(band, &h, &g);
        h = g;
    }
}

void wsic_reduce_band(size_t n, double *band, double *diagonal, double *beside)
{
    for (size_t j = 0; j + 2 < n; j++)
        clear_column(n, band, j);
    for (size_t j = 0; j < n; j++) {
        diagonal[j] = column_of(band, j)[j];
        if (j + 1 < n)
            beside[j] = column_of(band, j)[j + 1];
    }
}
