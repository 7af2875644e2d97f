/* SPDX-License-Identifier: MIT */
/* From a symmetric matrix to a band, panel after panel of WSIC_BAND_WIDTH columns. Of a panel, what
 * lies below the band is brought to zero by an orthogonal Q = I - V T Vᵀ, the product of a
 * reflector for every column. What is right of the panel becomes
 *
 *     Qᵀ A Q = A - V Xᵀ - X Vᵀ,     X = A V T - ½ V Tᵀ Vᵀ A V T. */
#include <string.h>

#include "base/checked.h"
#include "linalg/band.h"
#include "linalg/linalg.h"

enum {
    WIDTH = WSIC_BAND_WIDTH,
    /* Of a task: rows of A V, and columns of the update. */
    PRODUCT_ROWS = 384,
    UPDATE_COLUMNS = 128
};

typedef struct reduction {
    size_t n;
    double *a;
    size_t first;    /* row and column that the matrix right of the panel begins with */
    size_t rows;     /* of that matrix */
    size_t width;    /* reflectors: WIDTH, or fewer for the last few rows */
    double *V;       /* rows x width; behind it X, and a copy of V */
    double *product; /* rows x width: A V */
    double *T;       /* width x width, upper */
    double *square;  /* width x width, twice */
} reduction;

static double *element(const reduction *r, size_t row, size_t column)
{
    return r->a + column * r->n + row;
}

/* V from below the diagonal of a panel, where LAPACK leaves it, which is cleared. */
static void take_reflectors(const reduction *r, double *panel)
{
    for (size_t j = 0; j < r->width; j++) {
        double *const v = r->V + j * r->rows, *const column = panel + j * r->n;
        for (size_t i = 0; i < j; i++)
            v[i] = 0.0;
        v[j] = 1.0;
        memcpy(v + j + 1, column + j + 1, (r->rows - j - 1) * sizeof *v);
        memset(column + j + 1, 0, (r->rows - j - 1) * sizeof *v);
    }
}

/* Qᵀ C for the columns of a panel that have no reflector, since there are fewer rows. */
static void reflect_rest(const reduction *r, double *columns)
{
    const size_t width = r->width, rest = WIDTH - width;
    double *const inner = r->product; /* width x rest */

    wsic_gemm_transposed(width, rest, r->rows, r->V, r->rows, columns, r->n, r->square, width);
    wsic_gemm_transposed(width, rest, width, r->T, width, r->square, width, inner, width);
    wsic_gemm_subtract(r->rows, rest, width, r->V, r->rows, inner, width, columns, r->n);
}

static void factor_panel(const reduction *r)
{
    double *const panel = element(r, r->first, r->first - WIDTH);

    memset(r->T, 0, r->width * r->width * sizeof *r->T);
    wsic_reflectors(r->rows, r->width, panel, r->n, r->T, r->width);
    take_reflectors(r, panel);
    if (r->width < WIDTH)
        reflect_rest(r, panel + r->width * r->n);
}

/* Some rows of A V. */
static void multiply_rows(void *data, size_t task)
{
    const reduction *const r = data;
    const size_t row = task * PRODUCT_ROWS, rows = wsic_min_size(PRODUCT_ROWS, r->rows - row),
                 end = row + rows;
    const double *const left = element(r, r->first + row, r->first);
    const double *const below = element(r, r->first + row, r->first + row);
    double *const product = r->product + row;

    wsic_multiply_symmetric_left(rows, r->width, below, r->n, r->V + row, r->rows, product,
                                 r->rows);
    if (row > 0)
        wsic_gemm_add(rows, r->width, row, left, r->n, r->V, r->rows, product, r->rows);
    if (end < r->rows)
        wsic_gemm_add_transposed(rows, r->width, r->rows - end, below + rows, r->n, r->V + end,
                                 r->rows, product, r->rows);
}

/* X, and V behind it. */
static void find_coupling(const reduction *r)
{
    const size_t rows = r->rows, width = r->width, count = width * width;
    double *const X = r->V + rows * width, *const inner = r->square + count;

    wsic_multiply(rows, width, width, 1.0, r->product, rows, r->T, width, X, rows);
    wsic_gemm_transposed(width, width, rows, r->V, rows, X, rows, r->square, width);
    wsic_gemm_transposed(width, width, width, r->T, width, r->square, width, inner, width);
    for (size_t k = 0; k < count; k++)
        inner[k] *= 0.5;
    wsic_gemm_subtract(rows, width, width, r->V, rows, inner, width, X, rows);
    memcpy(X + rows * width, r->V, rows * width * sizeof *X);
}

/* Some columns of A - V Xᵀ - X Vᵀ, from the diagonal on and a little above it. */
static void update_columns(void *data, size_t task)
{
    const reduction *const r = data;
    const size_t column = task * UPDATE_COLUMNS;
    const size_t columns = wsic_min_size(UPDATE_COLUMNS, r->rows - column);
    const double *const X = r->V + r->rows * r->width;

    wsic_gemm_subtract_transposed(r->rows - column, columns, 2 * r->width, r->V + column, r->rows,
                                  X + column, r->rows,
                                  element(r, r->first + column, r->first + column), r->n);
}

static void reduce_panels(const wsic_env *env, reduction *r)
{
    for (r->first = WIDTH; r->first + 1 < r->n; r->first += WIDTH) {
        r->rows = r->n - r->first;
        r->width = wsic_min_size(WIDTH, r->rows);
        factor_panel(r);
        wsic_parallel_for(env, wsic_div_up(r->rows, PRODUCT_ROWS), multiply_rows, r);
        find_coupling(r);
        wsic_parallel_for(env, wsic_div_up(r->rows, UPDATE_COLUMNS), update_columns, r);
    }
}

static void copy_band(const reduction *r, double *band)
{
    for (size_t j = 0; j < r->n; j++)
        memcpy(band + j * WSIC_BAND_STRIDE, element(r, j, j),
               wsic_min_size(WIDTH + 1, r->n - j) * sizeof *band);
}

wsic_status wsic_reduce_to_band(const wsic_env *env, size_t n, double *a, double *band)
{
    reduction r = {.n = n, .a = a};
    wsic_status status = WSIC_OK;

    if (n > WIDTH + 1) {
        const size_t most = (n - WIDTH) * WIDTH, square = WIDTH * WIDTH;
        r.V = wsic_alloc(env, 4 * most + 3 * square, sizeof *r.V, &status);
        if (!r.V)
            return status;
        r.product = r.V + 3 * most;
        r.T = r.product + most;
        r.square = r.T + square;
        reduce_panels(env, &r);
        wsic_free(env, r.V);
    }
    copy_band(&r, band);
    return WSIC_OK;
}
