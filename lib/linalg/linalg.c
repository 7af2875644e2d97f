/* SPDX-License-Identifier: MIT */
#include "linalg/linalg.h"

#include <cblas.h>

/* Debian's OpenBLAS ships no LAPACKE, which would allocate behind our allocator
 * anyway: the few routines needed are declared here in Fortran's convention, with the
 * lengths of the character arguments at the end. */
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info,
             size_t uplo_length);
void dpotrs_(const char *uplo, const int *n, const int *nrhs, const double *a, const int *lda,
             double *b, const int *ldb, int *info, size_t uplo_length);
void dgeqrt3_(const int *m, const int *n, double *a, const int *lda, double *t, const int *ldt,
              int *info);
void dsterf_(const int *n, double *d, double *e, int *info);

/* Row-major X is column-major Xᵀ. */

void wsic_cross_accumulate(const wsic_product *product, const double *x, const double *y, double *c)
{
    const int m = (int)product->m, n = (int)product->n, k = (int)product->k;

    if (product->lower)
        cblas_dsyrk(CblasColMajor, CblasLower, CblasNoTrans, n, k, 1.0, x, (int)product->ldx, 1.0,
                    c, (int)product->ldc);
    else
        cblas_dgemm(CblasColMajor, CblasNoTrans, CblasTrans, m, n, k, 1.0, x, (int)product->ldx, y,
                    (int)product->ldy, 1.0, c, (int)product->ldc);
}

void wsic_cross_singles(const wsic_product *product, const float *x, const float *y, float *c)
{
    const int m = (int)product->m, n = (int)product->n, k = (int)product->k;

    if (product->lower)
        cblas_ssyrk(CblasColMajor, CblasLower, CblasNoTrans, n, k, 1.0F, x, (int)product->ldx, 0.0F,
                    c, (int)product->ldc);
    else
        cblas_sgemm(CblasColMajor, CblasNoTrans, CblasTrans, m, n, k, 1.0F, x, (int)product->ldx, y,
                    (int)product->ldy, 0.0F, c, (int)product->ldc);
}

size_t wsic_cholesky_block(size_t n, double *a, size_t lda)
{
    const int order = (int)n, leading = (int)lda;
    int info = 0;

    dpotrf_("L", &order, a, &leading, &info, 1);
    return (size_t)info;
}

void wsic_cholesky_solve(size_t n, const double *l, double *x)
{
    const int order = (int)n, one = 1;
    int info = 0;

    dpotrs_("L", &order, &one, l, &order, x, &order, &info, 1);
}

void wsic_multiply_lower(size_t m, size_t n, const double *l, size_t ldl, double *y, size_t ldy)
{
    cblas_dtrmm(CblasColMajor, CblasRight, CblasLower, CblasNoTrans, CblasNonUnit, (int)m, (int)n,
                1.0, l, (int)ldl, y, (int)ldy);
}

void wsic_multiply_lower_f32(size_t m, size_t n, const float *l, size_t ldl, float *y, size_t ldy)
{
    cblas_strmm(CblasColMajor, CblasRight, CblasLower, CblasNoTrans, CblasNonUnit, (int)m, (int)n,
                1.0F, l, (int)ldl, y, (int)ldy);
}

void wsic_multiply_lower_transposed(size_t m, size_t n, const double *l, size_t ldl, double *y,
                                    size_t ldy)
{
    cblas_dtrmm(CblasColMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, (int)m, (int)n,
                1.0, l, (int)ldl, y, (int)ldy);
}

void wsic_multiply_lower_transposed_f32(size_t m, size_t n, const float *l, size_t ldl, float *y,
                                        size_t ldy)
{
    cblas_strmm(CblasColMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, (int)m, (int)n,
                1.0F, l, (int)ldl, y, (int)ldy);
}

void wsic_solve_lower(size_t m, size_t n, const double *l, size_t ldl, double *y, size_t ldy)
{
    cblas_dtrsm(CblasColMajor, CblasRight, CblasLower, CblasNoTrans, CblasNonUnit, (int)m, (int)n,
                1.0, l, (int)ldl, y, (int)ldy);
}

void wsic_solve_lower_transposed(size_t m, size_t n, const double *l, size_t ldl, double *y,
                                 size_t ldy)
{
    cblas_dtrsm(CblasColMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, (int)m, (int)n,
                1.0, l, (int)ldl, y, (int)ldy);
}

void wsic_solve_lower_transposed_f32(size_t m, size_t n, const float *l, size_t ldl, float *y,
                                     size_t ldy)
{
    cblas_strsm(CblasColMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, (int)m, (int)n,
                1.0F, l, (int)ldl, y, (int)ldy);
}

void wsic_gemm_subtract(size_t m, size_t n, size_t k, const double *a, size_t lda, const double *b,
                        size_t ldb, double *c, size_t ldc)
{
    cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, (int)m, (int)n, (int)k, -1.0, a,
                (int)lda, b, (int)ldb, 1.0, c, (int)ldc);
}

void wsic_gemm_subtract_f32(size_t m, size_t n, size_t k, const float *a, size_t lda,
                            const float *b, size_t ldb, float *c, size_t ldc)
{
    cblas_sgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, (int)m, (int)n, (int)k, -1.0F, a,
                (int)lda, b, (int)ldb, 1.0F, c, (int)ldc);
}

void wsic_gemm_subtract_transposed(size_t m, size_t n, size_t k, const double *a, size_t lda,
                                   const double *b, size_t ldb, double *c, size_t ldc)
{
    cblas_dgemm(CblasColMajor, CblasNoTrans, CblasTrans, (int)m, (int)n, (int)k, -1.0, a, (int)lda,
                b, (int)ldb, 1.0, c, (int)ldc);
}

void wsic_syrk_subtract(size_t n, size_t k, const double *a, size_t lda, double *c, size_t ldc)
{
    cblas_dsyrk(CblasColMajor, CblasLower, CblasNoTrans, (int)n, (int)k, -1.0, a, (int)lda, 1.0, c,
                (int)ldc);
}

void wsic_gemv_subtract(size_t m, size_t k, const double *a, size_t lda, const double *x,
                        size_t incx, double *y)
{
    cblas_dgemv(CblasColMajor, CblasNoTrans, (int)m, (int)k, -1.0, a, (int)lda, x, (int)incx, 1.0,
                y, 1);
}

void wsic_multiply(size_t m, size_t n, size_t k, double factor, const double *a, size_t lda,
                   const double *b, size_t ldb, double *c, size_t ldc)
{
    cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, (int)m, (int)n, (int)k, factor, a,
                (int)lda, b, (int)ldb, 0.0, c, (int)ldc);
}

void wsic_gemm_add(size_t m, size_t n, size_t k, const double *a, size_t lda, const double *b,
                   size_t ldb, double *c, size_t ldc)
{
    cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, (int)m, (int)n, (int)k, 1.0, a, (int)lda,
                b, (int)ldb, 1.0, c, (int)ldc);
}

void wsic_gemm_add_transposed(size_t m, size_t n, size_t k, const double *a, size_t lda,
                              const double *b, size_t ldb, double *c, size_t ldc)
{
    cblas_dgemm(CblasColMajor, CblasTrans, CblasNoTrans, (int)m, (int)n, (int)k, 1.0, a, (int)lda,
                b, (int)ldb, 1.0, c, (int)ldc);
}

void wsic_gemm_transposed(size_t m, size_t n, size_t k, const double *a, size_t lda,
                          const double *b, size_t ldb, double *c, size_t ldc)
{
    cblas_dgemm(CblasColMajor, CblasTrans, CblasNoTrans, (int)m, (int)n, (int)k, 1.0, a, (int)lda,
                b, (int)ldb, 0.0, c, (int)ldc);
}

void wsic_gemm_transposed_f32(size_t m, size_t n, size_t k, const float *a, size_t lda,
                              const float *b, size_t ldb, float *c, size_t ldc)
{
    cblas_sgemm(CblasColMajor, CblasTrans, CblasNoTrans, (int)m, (int)n, (int)k, 1.0F, a, (int)lda,
                b, (int)ldb, 0.0F, c, (int)ldc);
}

void wsic_solve_left_transposed(size_t m, size_t n, const double *l, size_t ldl, double *y,
                                size_t ldy)
{
    cblas_dtrsm(CblasColMajor, CblasLeft, CblasLower, CblasTrans, CblasNonUnit, (int)m, (int)n, 1.0,
                l, (int)ldl, y, (int)ldy);
}

void wsic_multiply_left_transposed(size_t m, size_t n, const double *l, size_t ldl, double *y,
                                   size_t ldy)
{
    cblas_dtrmm(CblasColMajor, CblasLeft, CblasLower, CblasTrans, CblasNonUnit, (int)m, (int)n, 1.0,
                l, (int)ldl, y, (int)ldy);
}

void wsic_multiply_gram(size_t m, size_t n, const double *l, double *x)
{
    wsic_multiply_left_transposed(m, n, l, m, x, m);
    cblas_dtrmm(CblasColMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, (int)m, (int)n,
                1.0, l, (int)m, x, (int)m);
}

void wsic_multiply_symmetric(size_t m, size_t n, double factor, const double *a, size_t lda,
                             const double *s, size_t lds, double *c, size_t ldc)
{
    cblas_dsymm(CblasColMajor, CblasRight, CblasLower, (int)m, (int)n, factor, s, (int)lds, a,
                (int)lda, 0.0, c, (int)ldc);
}

void wsic_multiply_symmetric_left(size_t m, size_t n, const double *s, size_t lds, const double *b,
                                  size_t ldb, double *c, size_t ldc)
{
    cblas_dsymm(CblasColMajor, CblasLeft, CblasLower, (int)m, (int)n, 1.0, s, (int)lds, b, (int)ldb,
                0.0, c, (int)ldc);
}

void wsic_reflectors(size_t m, size_t n, double *a, size_t lda, double *t, size_t ldt)
{
    const int rows = (int)m, columns = (int)n, leading_a = (int)lda, leading_t = (int)ldt;
    int info = 0;

    dgeqrt3_(&rows, &columns, a, &leading_a, t, &leading_t, &info);
}

bool wsic_tridiagonal_eigenvalues(size_t n, double *diagonal, double *beside)
{
    const int order = (int)n;
    int info = 0;

    dsterf_(&order, diagonal, beside, &info);
    return info == 0;
}
