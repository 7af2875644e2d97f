/* SPDX-License-Identifier: MIT */
/* The methods that WaterSIC is compared with, on one matrix: rounding to nearest and GPTQ with
 * codes of fixed length (see rounding.h), and GPTQ with entropy-coded integers, which is the
 * library with other settings. */
#ifndef EXAMPLES_BASELINES_H
#define EXAMPLES_BASELINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Make the factor that GPTQ needs in place of a covariance, n x n: damped by 1 % of the mean of
 * its diagonal, as is usual. False if the matrix is not positive definite. */
bool gptq_factor(double *covariance, size_t n);

/* Replace weights by their reconstruction from grids of that many levels, one for every row: by
 * GPTQ with its factor, by rounding to nearest with NULL. All processors are used. False if memory
 * is short. */
bool baseline_round(float *weights, size_t rows, size_t columns, uint32_t levels,
                    const double *factor);

/* What makes the library's preset "paper" GPTQ with entropy-coded integers, as "name=value". */
enum { CODED_GPTQ_SETTINGS = 4 };

extern const char *const coded_gptq_settings[CODED_GPTQ_SETTINGS];

#endif
