/* SPDX-License-Identifier: MIT */
#include "common/synthetic.h"

static float noise(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return (float)(int32_t)*state / 2147483648.0F;
}

void synthetic_weights(float *weights, size_t rows, size_t columns, float scale, uint32_t seed)
{
    for (size_t i = 0; i < rows * columns; i++)
        weights[i] = scale * noise(&seed);
}

void synthetic_activations(float *activations, size_t tokens, size_t columns, uint32_t seed)
{
    for (size_t t = 0; t < tokens; t++) {
        float previous = 0;
        for (size_t j = 0; j < columns; j++) {
            previous = 0.9F * previous + noise(&seed);
            activations[t * columns + j] = previous;
        }
    }
}
