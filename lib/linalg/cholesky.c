/* SPDX-License-Identifier: MIT */
/* Block after block of columns: factor it, and take it out of all that are to its right. */
#include "linalg/cholesky.h"

#include <math.h>

#include "base/checked.h"
#include "linalg/linalg.h"

enum {
    BLOCK = 128, /* columns of a factor at a time: enough for a GEMM to run at its full speed */
    /* With pivots each column of a block is brought up to date by those before it, one by one: few
     * columns, so that this is little beside the GEMM. */
    PIVOT_BLOCK = 64,
    TASK_COLUMNS = 128 /* that a task takes a block out of */
};

typedef struct factoring {
    size_t n;
    double *a;
    size_t first, end; /* the block at work */

    /* With pivots: */
    size_t *order;
    size_t *with;     /* which column k changes places with, when it is its turn */
    double *variance; /* what is left of every column's */
} factoring;

static double *element(const factoring *f, size_t row, size_t column)
{
    return f->a + column * f->n + row;
}

/* Rows below the block, some at a time: A_ij = A_ij L_jj⁻ᵀ. */
static void solve_rows(void *data, size_t task)
{
    const factoring *const f = data;
    const size_t row = f->end + task * TASK_COLUMNS;
    const size_t rows = wsic_min_size(TASK_COLUMNS, f->n - row);

    wsic_solve_lower_transposed(rows, f->end - f->first, element(f, f->first, f->first), f->n,
                                element(f, row, f->first), f->n);
}

/* Some columns to the right of the block: A_ij -= Σ_k L_ik L_jk. */
static void update_columns(void *data, size_t task)
{
    const factoring *const f = data;
    const size_t column = f->end + task * TASK_COLUMNS;
    const size_t columns = wsic_min_size(TASK_COLUMNS, f->n - column);
    const size_t below = column + columns, width = f->end - f->first;

    wsic_syrk_subtract(columns, width, element(f, column, f->first), f->n,
                       element(f, column, column), f->n);
    if (below < f->n)
        wsic_gemm_subtract_transposed(f->n - below, columns, width, element(f, below, f->first),
                                      f->n, element(f, column, f->first), f->n,
                                      element(f, below, column), f->n);
}

static void update(const wsic_env *env, factoring *f)
{
    wsic_parallel_for(env, wsic_div_up(f->n - f->end, TASK_COLUMNS), update_columns, f);
}

size_t wsic_cholesky(const wsic_env *env, size_t n, double *a)
{
    factoring f = {.n = n, .a = a};

    for (; f.first < n; f.first = f.end) {
        f.end = wsic_min_size(f.first + BLOCK, n);
        const size_t pivot = wsic_cholesky_block(f.end - f.first, element(&f, f.first, f.first), n);
        if (pivot != 0)
            return f.first + pivot;
        wsic_parallel_for(env, wsic_div_up(n - f.end, TASK_COLUMNS), solve_rows, &f);
        update(env, &f);
    }
    return 0;
}

/* --- with pivots ----------------------------------------------------------------------- */

static void swap(double *x, double *y)
{
    const double hand = *x;

    *x = *y;
    *y = hand;
}

/* Exchange columns and rows j < p of what is left, and rows of the block at work. */
static void exchange(const factoring *f, size_t j, size_t p)
{
    for (size_t k = f->first; k < j; k++)
        swap(element(f, j, k), element(f, p, k));
    swap(element(f, j, j), element(f, p, p));
    for (size_t i = j + 1; i < p; i++)
        swap(element(f, i, j), element(f, p, i));
    for (size_t i = p + 1; i < f->n; i++)
        swap(element(f, i, j), element(f, i, p));
}

static size_t largest(const double *variance, size_t from, size_t n)
{
    size_t best = from;

    for (size_t i = from + 1; i < n; i++) {
        if (variance[i] > variance[best])
            best = i;
    }
    return best;
}

/* One column of the block, from those before it in the block. False if its pivot is not positive.
 */
static bool factor_column(const factoring *f, size_t j)
{
    double *const column = element(f, j, j);

    if (!(f->variance[j] > 0.0))
        return false;
    const double root = sqrt(f->variance[j]);
    if (j > f->first && j + 1 < f->n)
        wsic_gemv_subtract(f->n - j - 1, j - f->first, element(f, j + 1, f->first), f->n,
                           element(f, j, f->first), f->n, column + 1);
    column[0] = root;
    for (size_t i = 1; i < f->n - j; i++) {
        column[i] /= root;
        f->variance[j + i] -= column[i] * column[i];
    }
    return true;
}

/* Returns 0, or the number of the pivot that fails. */
static size_t factor_block(const factoring *f)
{
    /* Anew, so that not all roundings add up. */
    for (size_t i = f->first; i < f->n; i++)
        f->variance[i] = *element(f, i, i);
    for (size_t j = f->first; j < f->end; j++) {
        const size_t p = largest(f->variance, j, f->n);
        f->with[j] = p;
        if (p != j) {
            const size_t hand = f->order[j];
            f->order[j] = f->order[p];
            f->order[p] = hand;
            exchange(f, j, p);
            swap(&f->variance[j], &f->variance[p]);
        }
        if (!factor_column(f, j))
            return j + 1;
    }
    return 0;
}

/* Rows of a finished block in the order of all columns that were taken after it: put off to here,
 * where a column stays in the cache while its rows change places. */
static void order_rows(void *data, size_t block)
{
    const factoring *const f = data;
    const size_t first = block * PIVOT_BLOCK, end = wsic_min_size(first + PIVOT_BLOCK, f->n);

    for (size_t k = first; k < end; k++) {
        for (size_t j = end; j < f->n; j++)
            swap(element(f, j, k), element(f, f->with[j], k));
    }
}

static size_t factor_all(const wsic_env *env, factoring *f)
{
    for (size_t k = 0; k < f->n; k++)
        f->order[k] = k;
    for (; f->first < f->n; f->first = f->end) {
        f->end = wsic_min_size(f->first + PIVOT_BLOCK, f->n);
        const size_t pivot = factor_block(f);
        if (pivot != 0)
            return pivot;
        update(env, f);
    }
    wsic_parallel_for(env, wsic_div_up(f->n, PIVOT_BLOCK), order_rows, f);
    return 0;
}

wsic_status wsic_cholesky_pivoted(const wsic_env *env, size_t n, double *a, size_t *order,
                                  size_t *pivot)
{
    factoring f = {.n = n, .a = a, .order = order};
    wsic_status status = WSIC_OK;

    *pivot = 0;
    f.variance = wsic_alloc(env, n, sizeof *f.variance, &status);
    if (status == WSIC_OK)
        f.with = wsic_alloc(env, n, sizeof *f.with, &status);
    if (status == WSIC_OK)
        *pivot = factor_all(env, &f);
    wsic_free(env, f.variance);
    wsic_free(env, f.with);
    return status;
}
