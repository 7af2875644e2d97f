/* SPDX-License-Identifier: MIT */
/* Cholesky factors, on the library's threads. Matrices as in linalg.h: n x n, column-major, without
 * gaps. Results do not depend on the number of threads. */
#ifndef WSIC_LINALG_CHOLESKY_H
#define WSIC_LINALG_CHOLESKY_H

#include "base/env.h"

/* A (lower) = L Lᵀ in place; the upper triangle is not touched. Returns 0, or the number (from 1)
 * of the pivot that is not positive; A is destroyed then. */
size_t wsic_cholesky(const wsic_env *env, size_t n, double *a);

/* The same for the columns in another order, which is found on the way: order[k] receives the
 * column taken as number k, the one of largest remaining variance. *pivot: as wsic_cholesky()
 * returns. Fails for want of memory alone. The upper triangle is not touched. */
wsic_status wsic_cholesky_pivoted(const wsic_env *env, size_t n, double *a, size_t *order,
                                  size_t *pivot);

#endif
