/* SPDX-License-Identifier: MIT */
/* The algorithms once more, as plainly as they can be written: loops over column-major
 * arrays, no BLAS, no blocks. The library is measured against them. */
#ifndef TESTS_PLAIN_H
#define TESTS_PLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* a (n x n, lower triangle used) = L Lᵀ; the strict upper triangle of L is zeroed. False if a
 * pivot is not positive. */
bool plain_cholesky(size_t n, double *a);

/* y (m x n) = w L */
void plain_multiply_lower(size_t m, size_t n, const double *w, const double *L, double *y);

/* y (m x n) = c L^-T, in place */
void plain_solve_lower_transposed(size_t m, size_t n, const double *L, double *y);

/* The recursion of reference section 2.2: column by column, rank-1 updates of everything
 * to the left. y is destroyed. */
void plain_recursion(size_t m, size_t n, const double *L, const double *alpha, bool lmmse,
                     double *y, int32_t *codes, double *gamma);

/* k - 2 <c, what> + <what s, what> with what = diag(t) Z diag(alpha g); s is n x n, lower. */
double plain_loss(size_t m, size_t n, const int32_t *codes, const double *alpha, const double *t,
                  const double *g, const double *s, const double *c, double k);

/* c (m x n) = w s for symmetric s, lower */
void plain_multiply_symmetric(size_t m, size_t n, const double *w, const double *s, double *c);

/* A covariance (n x n, both triangles): 0.9^|i-j| with channel scales that grow. */
void plain_covariance(size_t n, double *s);

#endif
