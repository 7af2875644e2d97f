/* SPDX-License-Identifier: MIT */
/* Sums of squares, in double precision. */
#ifndef EXAMPLES_LLM_MODEL_SQUARES_H
#define EXAMPLES_LLM_MODEL_SQUARES_H

#include <stddef.h>

double squares_sum(const float *values, size_t count);

/* Of the differences. */
double squares_distance(const float *a, const float *b, size_t count);

#endif
