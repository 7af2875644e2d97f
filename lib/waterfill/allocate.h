/* SPDX-License-Identifier: MIT */
/* From a rate or a distortion to the step that all columns of a matrix share.
 *
 * Column j is a Gaussian source of standard deviation sigma[j] = √s_j L_jj; 0 marks a
 * column that is dead or zero, which costs nothing and counts in every mean. All
 * sigma must be finite and not negative. */
#ifndef WSIC_WATERFILL_ALLOCATE_H
#define WSIC_WATERFILL_ALLOCATE_H

#include <stddef.h>

typedef struct wsic_allocation {
    double step;        /* c; 0 where nothing is to be coded */
    double rate;        /* mean of H(σ_j / c), bits */
    double distortion;  /* mean of c² d(σ_j / c) */
    double water_level; /* c² / 12 */
} wsic_allocation;

/* All of the following change by a power of two, and no other bit, where sigma does. */

double wsic_largest_sigma(const double *sigma, size_t n);

/* Step for a mean rate in bits, > 0. A rate that no step in double precision reaches (all of
 * it on few columns of many) gives the nearest; out->rate says what it is. */
void wsic_allocate_rate(const double *sigma, size_t n, double bits, wsic_allocation *out);

/* Step for a mean distortion, > 0. At or beyond the mean of σ_j² nothing is coded. */
void wsic_allocate_distortion(const double *sigma, size_t n, double distortion,
                              wsic_allocation *out);

/* rates[j] = H(σ_j / step); all 0 for step 0. */
void wsic_column_rates(const double *sigma, size_t n, double step, double *rates);

/* The step of the reference implementation for its internal rate: the mean over the
 * columns with σ_j > 0 of ½ log2(12 σ_j² / c²) is `knob`. 0 if there is none. */
double wsic_reference_step(const double *sigma, size_t n, double knob);

#endif
