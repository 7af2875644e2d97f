/* SPDX-License-Identifier: MIT */
/* Layers that are encoded with statistics of their outputs. */
#ifndef TESTS_OUTPUTS_FIXTURE_H
#define TESTS_OUTPUTS_FIXTURE_H

#include "layer_fixture.h"

enum { OUTPUTS_PRESETS = 3 };
extern const char *const outputs_presets[OUTPUTS_PRESETS];

/* G = A Aᵀ with A = I and a few more columns: rows that go together. a x a. */
void outputs_random(double *g, size_t a, uint64_t seed);

/* Statistics of so many samples whose mean is G. */
wsic_stats *outputs_stats(const layer_fixture *f, const double *g, size_t a, double samples);

/* The fixture's matrix with statistics of its outputs; NULL for none. */
wsic_problem *outputs_problem(const layer_fixture *f, const wsic_stats *outputs);

/* The layer with the given G, of 1000 samples; NULL for none. */
wsic_layer *outputs_encode(const layer_fixture *f, const double *g);

wsic_encoder_report outputs_report(const layer_fixture *f);
void outputs_set(const layer_fixture *f, const char *name, const char *value);

void outputs_check_same(const wsic_layer *a, const wsic_layer *b);
void outputs_restore(const wsic_layer *layer, size_t rows, size_t columns, double *out);
void outputs_codes(const wsic_layer *layer, size_t rows, size_t columns, int32_t *out);

/* tr(G E Σ Eᵀ) / (a n) by plain loops. */
double outputs_distortion(const layer_fixture *f, const double *g, const wsic_layer *layer);

#endif
