/* SPDX-License-Identifier: MIT */
/* The ZSIC recursion: successive interference cancellation from the last column to
 * the first. Paper, algorithm ZSIC; docs/algorithm.md, section "The recursion". */
#ifndef WSIC_QUANT_ZSIC_H
#define WSIC_QUANT_ZSIC_H

#include "base/env.h"
#include "quant/quantizer.h"
#include "quant/reals.h"

typedef struct wsic_zsic {
    size_t rows;     /* a */
    size_t columns;  /* n, at least 1 */
    const double *L; /* n x n, lower */
    /* The same in single precision: the recursion then is, too, but for decisions and sums. NULL:
     * double precision. Not with survivors. docs/algorithm.md, section "Precision". */
    const float *L_single;
    const double *alpha; /* n spacings; the codes of column j count α_j L_jj */
    bool lmmse; /* γ_j = <z, y> / (<z, z> step) for the step that the quantizer sees, else 1 */
    const wsic_quantizer *quantizer;
    const int8_t *row_width; /* a widths, see wsic_stretch, or NULL */
    /* Ways kept open for each row, see kbest.h; 0 or 1: the nearest alone. More are for
     * rounding to integers without LMMSE. */
    size_t survivors;
    /* n: of L_jj² what is error, where the rest is ridge that stands for the bits of column j. A
     * quantizer that counts these bits itself has to decide without that part of the ridge; for
     * all other columns it remains. NULL: all of it is error. */
    const double *error_share;

    /* tiles + 1 places at which the quantizer begins anew; NULL: at every multiple of its
     * restart_rows. */
    const size_t *tile_start;
    size_t tiles;
} wsic_zsic;

/* Quantize the target Y (a x n, leading dimension a), of the precision of the factor.
 *
 * codes (a x n) and gamma (n) are filled; *residual receives ||Y - Ŵ L||², where Ŵ is the
 * reconstruction before rescaling, Z diag(α ∘ γ). Y is overwritten with the error Y - Ŵ L; with
 * survivors its content is undefined afterwards. γ_j is 0 for a column of zeros. On failure
 * (WSIC_ERROR_RANGE, WSIC_ERROR_CANCELLED) Y, codes and gamma are undefined. Results do
 * not depend on the number of threads. */
wsic_status wsic_zsic_run(const wsic_env *env, const wsic_progress *progress,
                          const wsic_zsic *problem, wsic_reals y, int32_t *codes, double *gamma,
                          double *residual);

#endif
