/* SPDX-License-Identifier: MIT */
/* The two steps of wsic_eigenvalues(), each an orthogonal similarity transformation. */
#ifndef WSIC_LINALG_BAND_H
#define WSIC_LINALG_BAND_H

#include "base/env.h"

/* Diagonals below the main one that the first step leaves. More make its products faster, and the
 * second step slower. */
enum { WSIC_BAND_WIDTH = 48 };

/* Of a band: element (i, j), 0 <= i - j < WSIC_BAND_STRIDE, is band[j * WSIC_BAND_STRIDE + i - j].
 * Those with i - j > WSIC_BAND_WIDTH, and WSIC_BAND_STRIDE numbers behind the last column, are room
 * for the second step, and zero at first. */
enum { WSIC_BAND_STRIDE = 2 * WSIC_BAND_WIDTH };

static inline size_t wsic_band_size(size_t n)
{
    return (n + 1) * WSIC_BAND_STRIDE;
}

/* Reduce the symmetric matrix in the lower triangle of a (n x n, column-major, without gaps;
 * destroyed, the upper triangle too) to a band. The caller has filled the band with zeros. The only
 * error is lack of memory. */
wsic_status wsic_reduce_to_band(const wsic_env *env, size_t n, double *a, double *band);

/* Reduce a band (destroyed) to a tridiagonal matrix: n numbers of the diagonal, n - 1 beside it. */
void wsic_reduce_band(const wsic_env *env, size_t n, double *band, double *diagonal,
                      double *beside);

/* What wsic_reduce_band() does in place on the band, for processors with AVX2. */
void wsic_band_chase_avx2(size_t n, double *band);

#endif
