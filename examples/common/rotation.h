/* SPDX-License-Identifier: MIT */
/* A random Hadamard rotation, which makes all inputs of a layer alike: x → Q x with
 *
 *     Q = (C ⊗ H) diag(±1)        n = m 2^k
 *
 * where the signs are random, H is the normalised Hadamard matrix of size 2^k, and C, for the odd
 * part m of the length, the orthogonal matrix of the discrete Hartley transform, (cos 2πij/m +
 * sin 2πij/m) / √m. A seed tells all of it, so that it takes no bytes. */
#ifndef EXAMPLES_ROTATION_H
#define EXAMPLES_ROTATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rotation {
    size_t length;  /* n */
    size_t odd;     /* m */
    double *signs;  /* n */
    double *cosine; /* C, m × m; NULL where m is 1 */
    double *room;   /* 2 n */
};

bool rotation_create(struct rotation *rotation, size_t length, uint64_t seed);
void rotation_free(struct rotation *rotation);

/* Replace a vector by Q x, or by Qᵀ x. */
void rotation_apply(const struct rotation *rotation, double *vector);
void rotation_undo(const struct rotation *rotation, double *vector);

/* Every row of a matrix: W ← W Qᵀ, or W ← W Q. */
void rotation_apply_rows(const struct rotation *rotation, float *rows, size_t count);
void rotation_undo_rows(const struct rotation *rotation, float *rows, size_t count);

/* Σ ← Q Σ Qᵀ, symmetric, n × n */
void rotation_apply_both(const struct rotation *rotation, double *covariance);

#endif
