/* SPDX-License-Identifier: MIT */
/* Loops over the elements of vectors, on as wide registers as the processor has: all give the same
 * bits. */
#ifndef EXAMPLES_LLM_MODEL_VECTOR_H
#define EXAMPLES_LLM_MODEL_VECTOR_H

#include <stddef.h>
#include <stdint.h>

/* The largest element; count is at least 1. */
float vector_largest(const float *v, size_t count);

float vector_sum(const float *v, size_t count);

/* v = exp(v - shift), within 2 units in the last place; of what lies below -87 or above 87, the
 * exponential of that bound. */
void vector_exponentials(float *v, float shift, size_t count);

/* v = exp(v) / sum of exp(v); count is at least 1. */
void vector_softmax(float *v, size_t count);

/* Σ a_i b_i */
float vector_dot(const float *a, const float *b, size_t count);

/* The same with codes of one byte. */
float vector_dot_codes(const int8_t *codes, const float *x, size_t count);

/* The same with codes of two bytes. */
float vector_dot_wide(const int16_t *codes, const float *x, size_t count);

/* out = out + factor · v */
void vector_add(float *out, const float *v, float factor, size_t count);

/* v = cap · tanh(v / cap) */
void vector_cap(float *v, float cap, size_t count);

/* gate = silu(gate) ∘ up with silu(x) = x / (1 + exp(-x)) */
void vector_gate(float *gate, const float *up, size_t count);

/* gate = gelu(gate) ∘ up with gelu(x) = x / 2 · (1 + tanh(√(2/π) (x + 0.044715 x³))) */
void vector_gelu_gate(float *gate, const float *up, size_t count);

/* out = factor · gains ∘ v; out may be v. */
void vector_gain(float *out, const float *v, const float *gains, float factor, size_t count);

/* v = factor · v */
void vector_scale(float *v, float factor, size_t count);

/* The pairs (x_i, y_i) turn by angles with these cosines and sines. */
void vector_turn(float *x, float *y, const float *cosine, const float *sine, size_t count);

#endif
