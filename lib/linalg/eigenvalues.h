/* SPDX-License-Identifier: MIT */
/* Eigenvalues of a symmetric matrix, on the library's threads: from the matrix to a band, from the
 * band to three diagonals, and their eigenvalues by LAPACK. The direct way to three diagonals, as
 * of LAPACK's dsyev, reads the whole matrix once for every column; here nearly all is matrix
 * products.
 *
 * The eigenvalues are those of a matrix that differs from A by a small multiple of the rounding of
 * ||A||, like those of dsyev. */
#ifndef WSIC_LINALG_EIGENVALUES_H
#define WSIC_LINALG_EIGENVALUES_H

#include "base/env.h"

/* Eigenvalues, ascending, of the symmetric matrix in the lower triangle of a (n x n, column-major,
 * without gaps; destroyed, the upper triangle too). WSIC_ERROR_NOT_FINITE where an element of a is
 * not finite. They do not depend on the number of threads. */
wsic_status wsic_eigenvalues(const wsic_env *env, size_t n, double *a, double *eigenvalues);

/* An upper bound of the bytes that wsic_eigenvalues() allocates beside a. */
double wsic_eigenvalues_memory(size_t n);

#endif
