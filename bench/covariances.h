/* SPDX-License-Identifier: MIT */
/* Covariances with which quantizers are compared, all of trace n. */
#ifndef BENCH_COVARIANCES_H
#define BENCH_COVARIANCES_H

#include <stddef.h>
#include <stdint.h>

/* Names that bench_covariance() knows, separated by '|'. */
#define BENCH_COVARIANCES "id|ar0.9|mild|spread|FILE.npy|DIR/FILE"

/* n x n, both triangles, to be released with free(). Ends the program if the name is unknown or
 * the file cannot be used.
 *
 * id      the identity
 * ar0.9   0.9^|i-j|: neighbours are alike, as samples of a signal
 * mild    as spread, with D = diag(exp(0.2 g)): channels nearly equal, as gradients of outputs are
 * spread  D Q diag(1/k) Qᵀ D, Q orthogonal at random, D = diag(exp(0.8 g)), g ~ N(0, 1):
 *         a power law of eigenvalues and unequal channels, as language models have
 * *.npy   that matrix, scaled; it sets n
 * DIR/... statistics that the library has saved, as watersic-llm does with --run; likewise */
double *bench_covariance(const char *name, size_t *n, uint64_t seed);

#endif
