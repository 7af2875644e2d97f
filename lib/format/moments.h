/* SPDX-License-Identifier: MIT */
/* The sums that statistics consist of: what is accumulated, stored and read by the encoder. */
#ifndef WSIC_FORMAT_MOMENTS_H
#define WSIC_FORMAT_MOMENTS_H

#include "base/env.h"

/* Sums over tokens, not normalised: divided by samples they are the moments. X is the input of
 * the layer, X̂ its input behind quantized layers, ΔR = R - R̂ the difference of the residual
 * streams that its output is added to. All column-major. */
typedef struct wsic_moments {
    size_t columns; /* n */
    size_t outputs; /* a, the length of ΔR; 0: there is none */
    double samples; /* sum of the weights w */
    double bound;   /* no element of the sums is larger in magnitude */
    double *input;  /* n x n, lower: Σ w X Xᵀ */
    /* Of pairs, else NULL: */
    double *quantized; /* n x n, lower: Σ w X̂ X̂ᵀ */
    double *cross;     /* n x n: Σ w X X̂ᵀ */
    /* Of pairs with residuals, else NULL: */
    double *residual;        /* a x n: Σ w ΔR X̂ᵀ */
    double *residual_input;  /* a x n: Σ w ΔR Xᵀ */
    double *residual_energy; /* a: Σ w ΔR² */
} wsic_moments;

/* What the encoder knows of the outputs of a layer: sums of δδᵀ, or the diagonal of their mean,
 * where nothing is known of two outputs together. One of the two is there if anything is known. */
typedef struct wsic_output_moments {
    const wsic_moments *sums;
    const double *diagonal; /* of every output */
} wsic_output_moments;

static inline bool wsic_outputs_known(const wsic_output_moments *outputs)
{
    return outputs->sums || outputs->diagonal;
}

/* G_ij. */
static inline double wsic_outputs_element(const wsic_output_moments *outputs, size_t i, size_t j)
{
    const size_t row = i > j ? i : j, column = i > j ? j : i;

    if (outputs->diagonal)
        return i == j ? outputs->diagonal[i] : 0.0;
    return outputs->sums->input[column * outputs->sums->columns + row] / outputs->sums->samples;
}

/* One of them as a matrix. */
typedef struct wsic_moment {
    double *sum;
    size_t rows, columns;
    bool lower;   /* symmetric: only the lower triangle is there */
    bool squares; /* sums of squares, none of them negative */
} wsic_moment;

enum { WSIC_MOMENTS = 6 };

/* Those that are there, in the order of the struct. Returns their number. */
size_t wsic_moments_list(const wsic_moments *moments, wsic_moment list[WSIC_MOMENTS]);

/* All zero. On failure *moments is empty. */
wsic_status wsic_moments_create(const wsic_env *env, size_t columns, bool pairs, size_t outputs,
                                wsic_moments *moments);
/* Add, all zero, what pairs need; outputs may be 0. On failure nothing has changed. */
wsic_status wsic_moments_extend(const wsic_env *env, size_t outputs, wsic_moments *moments);
void wsic_moments_release(const wsic_env *env, wsic_moments *moments);

/* Do all values lie within the range of double, sums and means? */
bool wsic_moments_in_range(double bound, double samples);

#endif
