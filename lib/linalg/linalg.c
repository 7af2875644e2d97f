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
void dpstrf_(const char *uplo, const int *n, double *a, const int *lda, int *piv, int *rank,
             const double *tol, double *work, int *info, size_t uplo_length);
void dsyev_(const char *jobz, const char *uplo, const int *n, double *a, const int *lda, double *w,
            double *work, const int *lwork, int *info, size_t jobz_length, size_t uplo_length);

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

size_t wsic_cholesky(size_t n, double *a)
{
    const int order = (int)n;
    int info = 0;

    dpotrf_("L", &order, a, &order, &info, 1);
    return (size_t)info;
}

wsic_status wsic_pivot_order(const wsic_env *env, size_t n, double *a, size_t *order)
{
    const int size = (int)n;
    const double tolerance = 0.0; /* go on to the end: only the order is wanted */
    int rank = 0, info = 0;
    wsic_status status = WSIC_OK;
    double *const work = wsic_alloc(env, 2 * n, sizeof *work, &status);

    if (!work)
        return status;
    int *const pivots = wsic_alloc(env, n, sizeof *pivots, &status);
    if (pivots) {
        dpstrf_("L", &size, a, &size, pivots, &rank, &tolerance, work, &info, 1);
        for (size_t k = 0; k < n; k++)
            order[k] = (size_t)pivots[k] - 1;
    }
    wsic_free(env, pivots);
    wsic_free(env, work);
    return status;
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

void wsic_gemm_subtract(size_t m, size_t n, size_t k, const double *a, size_t lda, const double *b,
                        size_t ldb, double *c, size_t ldc)
{
    cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, (int)m, (int)n, (int)k, -1.0, a,
                (int)lda, b, (int)ldb, 1.0, c, (int)ldc);
}

void wsic_multiply(size_t m, size_t n, size_t k, double factor, const double *a, size_t lda,
                   const double *b, size_t ldb, double *c, size_t ldc)
{
    cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, (int)m, (int)n, (int)k, factor, a,
                (int)lda, b, (int)ldb, 0.0, c, (int)ldc);
}

void wsic_gemm_add_transposed(size_t m, size_t n, size_t k, const double *a, size_t lda,
                              const double *b, size_t ldb, double *c, size_t ldc)
{
    cblas_dgemm(CblasColMajor, CblasTrans, CblasNoTrans, (int)m, (int)n, (int)k, 1.0, a, (int)lda,
                b, (int)ldb, 1.0, c, (int)ldc);
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

void wsic_gram_accumulate(size_t m, size_t n, const double *a, size_t lda, double *f)
{
    cblas_dsyrk(CblasColMajor, CblasLower, CblasTrans, (int)n, (int)m, 1.0, a, (int)lda, 1.0, f,
                (int)n);
}

wsic_status wsic_eigenvalues(const wsic_env *env, size_t n, double *a, double *eigenvalues)
{
    /* Workspace for the blocked reduction with blocks of 64; without eigenvectors it is
     * linear in n, so that it fits LAPACK's 32-bit sizes where dsyevd's would not. */
    const size_t work_size = (64 + 2) * n;
    const int order = (int)n;
    int info = 0;
    wsic_status status = WSIC_OK;

    if (work_size > INT32_MAX)
        return wsic_fail(env, WSIC_ERROR_TOO_LARGE, "%zu eigenvalues pass LAPACK's 32-bit sizes",
                         n);
    double *const work = wsic_alloc(env, work_size, sizeof *work, &status);
    if (!work)
        return status;
    const int length = (int)work_size;
    dsyev_("N", "L", &order, a, &order, eigenvalues, work, &length, &info, 1, 1);
    wsic_free(env, work);
    if (info != 0)
        return wsic_fail(env, WSIC_ERROR_NOT_FINITE, "the eigenvalue iteration did not converge");
    return WSIC_OK;
}
