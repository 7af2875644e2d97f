/* SPDX-License-Identifier: MIT */
/* The tails of the built-in shapes, as integers. */
#ifndef WSIC_CODING_MODEL_TABLES_H
#define WSIC_CODING_MODEL_TABLES_H

#include <stdint.h>

enum {
    WSIC_MODEL_SHAPES = 4,   /* generalised Gaussians of exponent 2, 1.5, 1 and 0.7 */
    WSIC_TAIL_STEPS = 512,   /* table steps, */
    WSIC_TAIL_STEP_BITS = 5, /* 32 to a standard deviation: the tables end at 16 */
    WSIC_TAIL_UNIT_BITS = 24 /* probabilities count units of 2^-24 */
};

/* P(X > i / 32) * 2^24, rounded to nearest, for a density of mean 0 and variance 1
 * proportional to exp(-|x / a|^exponent). */
extern const uint32_t wsic_model_tail[WSIC_MODEL_SHAPES][WSIC_TAIL_STEPS + 1];

#endif
