/* SPDX-License-Identifier: MIT */
/* Matrices of either precision. Which of the two it is stands beside them: single is true for
 * floats. Column-major, as in linalg/linalg.h. */
#ifndef WSIC_QUANT_REALS_H
#define WSIC_QUANT_REALS_H

#include <stdbool.h>
#include <stddef.h>

typedef union wsic_reals {
    double *f64;
    float *f32;
} wsic_reals;

/* Bytes of one number. */
size_t wsic_reals_size(bool single);

/* Where number `index` stands. */
wsic_reals wsic_reals_at(wsic_reals reals, bool single, size_t index);

/* Y (m x n, leading dimension ldy) = Y L, Y Lᵀ or Y L⁻ᵀ for L (n x n, lower). */
void wsic_reals_multiply_lower(bool single, size_t m, size_t n, wsic_reals l, wsic_reals y,
                               size_t ldy);
void wsic_reals_multiply_lower_transposed(bool single, size_t m, size_t n, wsic_reals l,
                                          wsic_reals y, size_t ldy);
void wsic_reals_solve_lower_transposed(bool single, size_t m, size_t n, wsic_reals l, wsic_reals y,
                                       size_t ldy);

/* out[i] = factor · in[i]. */
void wsic_reals_scale(bool single, size_t count, double factor, wsic_reals in, wsic_reals out);

/* y[i] -= x[i]. */
void wsic_reals_subtract(bool single, size_t count, wsic_reals x, wsic_reals y);

/* Σ y[i]², in double precision. */
double wsic_reals_square_sum(bool single, size_t count, wsic_reals y);

#endif
