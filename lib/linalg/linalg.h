/* SPDX-License-Identifier: MIT */
/* Linear algebra: the only place that names BLAS and LAPACK. All matrices are
 * column-major, of doubles or, where a name ends in _f32, of floats; "lower" matrices keep their
 * lower triangle, the rest is not looked at. Dimensions are at most INT32_MAX (checked by the
 * callers' checks of their arguments): netlib's XERBLA ends the process on a bad argument. */
#ifndef WSIC_LINALG_LINALG_H
#define WSIC_LINALG_LINALG_H

#include "base/env.h"

/* C (m x n, leading dimension ldc) and Xᵀ Y for X (k x m) and Y (k x n), both row-major with
 * leading dimensions ldx and ldy. With lower, X is Y, m is n, and only the lower triangle of C is
 * computed. */
typedef struct wsic_product {
    size_t m, n, k;
    size_t ldx, ldy, ldc;
    bool lower;
} wsic_product;

/* C += Xᵀ Y */
void wsic_cross_accumulate(const wsic_product *product, const double *x, const double *y,
                           double *c);

/* C = Xᵀ Y in single precision */
void wsic_cross_singles(const wsic_product *product, const float *x, const float *y, float *c);

/* A (n x n, leading dimension lda, lower) = L Lᵀ in place, for a small n: on one thread, or on
 * those of BLAS. As wsic_cholesky() otherwise. */
size_t wsic_cholesky_block(size_t n, double *a, size_t lda);

/* x = (L Lᵀ)⁻¹ x for the L of wsic_cholesky(). */
void wsic_cholesky_solve(size_t n, const double *l, double *x);

/* Y (m x n, leading dimension ldy) = Y L. */
void wsic_multiply_lower(size_t m, size_t n, const double *l, size_t ldl, double *y, size_t ldy);
void wsic_multiply_lower_f32(size_t m, size_t n, const float *l, size_t ldl, float *y, size_t ldy);

/* Y (m x n) = Y Lᵀ. */
void wsic_multiply_lower_transposed(size_t m, size_t n, const double *l, size_t ldl, double *y,
                                    size_t ldy);
void wsic_multiply_lower_transposed_f32(size_t m, size_t n, const float *l, size_t ldl, float *y,
                                        size_t ldy);

/* Y (m x n) = Y L⁻¹. */
void wsic_solve_lower(size_t m, size_t n, const double *l, size_t ldl, double *y, size_t ldy);

/* Y (m x n) = Y L⁻ᵀ. */
void wsic_solve_lower_transposed(size_t m, size_t n, const double *l, size_t ldl, double *y,
                                 size_t ldy);
void wsic_solve_lower_transposed_f32(size_t m, size_t n, const float *l, size_t ldl, float *y,
                                     size_t ldy);

/* C (m x n) -= A (m x k) B (k x n). */
void wsic_gemm_subtract(size_t m, size_t n, size_t k, const double *a, size_t lda, const double *b,
                        size_t ldb, double *c, size_t ldc);
void wsic_gemm_subtract_f32(size_t m, size_t n, size_t k, const float *a, size_t lda,
                            const float *b, size_t ldb, float *c, size_t ldc);

/* C (m x n) -= A Bᵀ for A (m x k) and B (n x k). */
void wsic_gemm_subtract_transposed(size_t m, size_t n, size_t k, const double *a, size_t lda,
                                   const double *b, size_t ldb, double *c, size_t ldc);

/* C (n x n, lower) -= A Aᵀ for A (n x k). */
void wsic_syrk_subtract(size_t n, size_t k, const double *a, size_t lda, double *c, size_t ldc);

/* y (m) -= A x for A (m x k) and x of stride incx. */
void wsic_gemv_subtract(size_t m, size_t k, const double *a, size_t lda, const double *x,
                        size_t incx, double *y);

/* C (m x n) = factor · A B for A (m x k) and B (k x n). */
void wsic_multiply(size_t m, size_t n, size_t k, double factor, const double *a, size_t lda,
                   const double *b, size_t ldb, double *c, size_t ldc);

/* C (m x n) += A B for A (m x k) and B (k x n). */
void wsic_gemm_add(size_t m, size_t n, size_t k, const double *a, size_t lda, const double *b,
                   size_t ldb, double *c, size_t ldc);

/* C (m x n) += Aᵀ B for A (k x m) and B (k x n). */
void wsic_gemm_add_transposed(size_t m, size_t n, size_t k, const double *a, size_t lda,
                              const double *b, size_t ldb, double *c, size_t ldc);

/* Y (m x n) = L⁻ᵀ Y for L (m x m). */
void wsic_solve_left_transposed(size_t m, size_t n, const double *l, size_t ldl, double *y,
                                size_t ldy);

/* Y (m x n) = Lᵀ Y for L (m x m). */
void wsic_multiply_left_transposed(size_t m, size_t n, const double *l, size_t ldl, double *y,
                                   size_t ldy);

/* X (m x n, without gaps) = L Lᵀ X for L (m x m). */
void wsic_multiply_gram(size_t m, size_t n, const double *l, double *x);

/* C (m x n) = factor · A S for S (n x n, lower, symmetric). */
void wsic_multiply_symmetric(size_t m, size_t n, double factor, const double *a, size_t lda,
                             const double *s, size_t lds, double *c, size_t ldc);

/* C (m x n) = S B for S (m x m, lower, symmetric). */
void wsic_multiply_symmetric_left(size_t m, size_t n, const double *s, size_t lds, const double *b,
                                  size_t ldb, double *c, size_t ldc);

/* C (m x n) = Aᵀ B for A (k x m) and B (k x n). */
void wsic_gemm_transposed(size_t m, size_t n, size_t k, const double *a, size_t lda,
                          const double *b, size_t ldb, double *c, size_t ldc);
void wsic_gemm_transposed_f32(size_t m, size_t n, size_t k, const float *a, size_t lda,
                              const float *b, size_t ldb, float *c, size_t ldc);

/* A = Q R in place for A (m x n, m >= n), Q = I - V T Vᵀ: R in the upper triangle of A; V, whose
 * diagonal is 1, below it; and the upper triangle of T (n x n). */
void wsic_reflectors(size_t m, size_t n, double *a, size_t lda, double *t, size_t ldt);

/* Eigenvalues, ascending, of the symmetric matrix with these three diagonals: they replace the
 * main one; the n - 1 numbers beside it are destroyed. False if the iteration does not converge. */
bool wsic_tridiagonal_eigenvalues(size_t n, double *diagonal, double *beside);

#endif
