/* SPDX-License-Identifier: MIT */
/* Data for examples that need some: the same numbers on every machine. */
#ifndef EXAMPLES_SYNTHETIC_H
#define EXAMPLES_SYNTHETIC_H

#include <stddef.h>
#include <stdint.h>

/* rows x columns independent numbers between -scale and scale. */
void synthetic_weights(float *weights, size_t rows, size_t columns, float scale, uint32_t seed);

/* Inputs of a layer, a token a row. Neighbouring columns are correlated. */
void synthetic_activations(float *activations, size_t tokens, size_t columns, uint32_t seed);

#endif
