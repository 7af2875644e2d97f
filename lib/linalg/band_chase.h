/* SPDX-License-Identifier: MIT */
/* From a band to three diagonals, column after column. A reflector brings all but one of the
 * numbers below a diagonal element to zero. From the other side it fills in a block below, whose
 * first column the next reflector clears, and so on down to the end of the matrix. What is left of
 * the fill is cleared on the way of the columns that follow.
 *
 * All of it is inlined into functions for several instruction sets, as in decode/weights_loops.h.
 * They give the same bits. */
#ifndef WSIC_LINALG_BAND_CHASE_H
#define WSIC_LINALG_BAND_CHASE_H

#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "base/cpu.h"
#include "linalg/band.h"

enum {
    WIDTH = WSIC_BAND_WIDTH,
    /* A sum is added up in so many lanes: a compiler may not reorder a sum, but it can keep the
     * lanes in vectors. */
    LANES = 8
};

/* I - τ v vᵀ, v_0 = 1, for rows first ... first + count - 1. Behind them v is zero, so that loops
 * may go over WIDTH rows, a whole number of vectors, and change nothing there. */
typedef struct reflector {
    size_t first, count;
    double tau;
    double v[WIDTH];
} reflector;

/* Column j, so that [i] is row i. */
WSIC_INTO_CALLER double *column_of(double *band, size_t j)
{
    return band + j * (WSIC_BAND_STRIDE - 1);
}

WSIC_INTO_CALLER double dot(const double *x, const double *y)
{
    double lane[LANES] = {0.0}, sum = 0.0;

    for (size_t i = 0; i < WIDTH; i += LANES) {
        for (size_t l = 0; l < LANES; l++)
            lane[l] += x[i + l] * y[i + l];
    }
    for (size_t l = 0; l < LANES; l++)
        sum += lane[l];
    return sum;
}

/* The reflector that brings all of x but x_0 to zero; and x after it. */
WSIC_INTO_CALLER void make_reflector(double *x, reflector *h)
{
    double below = 0.0;

    memset(h->v, 0, sizeof h->v);
    memcpy(h->v + 1, x + 1, (h->count - 1) * sizeof *x);
    below = dot(h->v, h->v);
    h->v[0] = 1.0;
    h->tau = 0.0;
    if (!(below > 0.0))
        return;
    const double beta = -copysign(sqrt(x[0] * x[0] + below), x[0]);
    const double factor = 1.0 / (x[0] - beta);
    for (size_t i = 1; i < WIDTH; i++)
        h->v[i] *= factor;
    memset(x + 1, 0, (h->count - 1) * sizeof *x);
    h->tau = (beta - x[0]) / beta;
    x[0] = beta;
}

/* The first multiple of LANES behind row j. */
WSIC_INTO_CALLER size_t whole_lanes(size_t j)
{
    return (j / LANES + 1) * LANES;
}

/* w += A v for column j of the lower triangle of A, and for the row that mirrors it. */
WSIC_INTO_CALLER void add_column(const double *a, const double *v, size_t j, double *w)
{
    const size_t even = whole_lanes(j);
    double lane[LANES] = {0.0}, sum = a[j] * v[j];

    for (size_t i = j + 1; i < even; i++) {
        sum += a[i] * v[i];
        w[i] += a[i] * v[j];
    }
    for (size_t i = even; i < WIDTH; i += LANES) {
        for (size_t l = 0; l < LANES; l++) {
            lane[l] += a[i + l] * v[i + l];
            w[i + l] += a[i + l] * v[j];
        }
    }
    for (size_t l = 0; l < LANES; l++)
        sum += lane[l];
    w[j] += sum;
}

/* H A H for the block on the diagonal: A - v wᵀ - w vᵀ, w = τ (A v - ½ τ (vᵀ A v) v). */
WSIC_INTO_CALLER void apply_both_sides(double *band, const reflector *h)
{
    double w[WIDTH] = {0.0};

    for (size_t j = 0; j < h->count; j++)
        add_column(column_of(band, h->first + j) + h->first, h->v, j, w);
    memset(w + h->count, 0, (WIDTH - h->count) * sizeof *w);
    const double half = 0.5 * h->tau * dot(w, h->v);
    for (size_t i = 0; i < WIDTH; i++)
        w[i] = h->tau * (w[i] - half * h->v[i]);
    for (size_t j = 0; j < h->count; j++) {
        double *const a = column_of(band, h->first + j) + h->first;
        const double v_j = h->v[j], w_j = w[j];
        const size_t even = whole_lanes(j);
        for (size_t i = j; i < even; i++)
            a[i] -= h->v[i] * w_j + w[i] * v_j;
        for (size_t i = even; i < WIDTH; i++)
            a[i] -= h->v[i] * w_j + w[i] * v_j;
    }
}

/* The block B below, whose columns are the rows of h, becomes B H; then G B H with the reflector G
 * that clears its first column. */
WSIC_INTO_CALLER void push_down(double *band, const reflector *h, reflector *g)
{
    double u[WIDTH] = {0.0}; /* τ B v */
    double *const head = column_of(band, h->first) + g->first;

    for (size_t j = 0; j < h->count; j++) {
        const double *const b = column_of(band, h->first + j) + g->first, v = h->tau * h->v[j];
        for (size_t i = 0; i < WIDTH; i++)
            u[i] += b[i] * v;
    }
    memset(u + g->count, 0, (WIDTH - g->count) * sizeof *u);
    for (size_t i = 0; i < WIDTH; i++)
        head[i] -= u[i];
    make_reflector(head, g);
    const double cross = dot(u, g->v);
    for (size_t j = 1; j < h->count; j++) {
        double *const b = column_of(band, h->first + j) + g->first;
        const double v = h->v[j], w = g->tau * (dot(b, g->v) - cross * v);
        for (size_t i = 0; i < WIDTH; i++)
            b[i] -= u[i] * v + g->v[i] * w;
    }
}

/* Bring column j to its place, and all that this fills in out of the matrix. */
WSIC_INTO_CALLER void clear_column(size_t n, double *band, size_t j)
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

WSIC_INTO_CALLER void wsic_band_chase(size_t n, double *band)
{
    for (size_t j = 0; j + 2 < n; j++)
        clear_column(n, band, j);
}

#endif
