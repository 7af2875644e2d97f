/* SPDX-License-Identifier: MIT */
/* A matrix to quantize through the public interface, and its truth. */
#ifndef TESTS_LAYER_FIXTURE_H
#define TESTS_LAYER_FIXTURE_H

#include <watersic/watersic.h>

typedef struct layer_fixture {
    size_t rows, columns;
    double *weights;    /* rows x columns, row-major */
    double *covariance; /* columns x columns */
    wsic_context *context;
    wsic_stats *stats;
    wsic_encoder *encoder;
    wsic_matrix matrix; /* describes weights */
} layer_fixture;

/* Covariances. */
enum {
    COVARIANCE_IDENTITY,
    COVARIANCE_AR,       /* 0.9^|i-j| */
    COVARIANCE_CHANNELS, /* the same with channel scales over three octaves */
    COVARIANCE_SINGULAR, /* rank 3 */
    COVARIANCE_DEAD      /* every fourth input is always 0 */
};

/* Weights N(0, 1). */
layer_fixture layer_open(size_t rows, size_t columns, int covariance, uint64_t seed);
void layer_close(layer_fixture *f);

/* Begin again with other weights or covariance in the same arrays. */
void layer_refresh(layer_fixture *f);

/* tr(E Σ Eᵀ) / (a n) for E of the shape of the weights, by plain loops. */
double layer_energy(const layer_fixture *f, const double *e);

/* tr((W - Ŵ) Σ (W - Ŵ)ᵀ) / (a n) from the layer's dequantized rows, by plain loops. */
double layer_distortion(const layer_fixture *f, const wsic_layer *layer);

/* Encode at a rate. Small matrices cannot meet every rate: a notice is allowed, since their
 * bytes come in steps. */
wsic_layer *layer_encode(layer_fixture *f, double rate);

/* Quantizers, for what must hold with all of them: scalar, rdo, trellises of 4 and 32
 * states. */
enum { LAYER_VARIANTS = 4 };
void layer_choose(layer_fixture *f, size_t variant);

wsic_layer_info layer_info(const wsic_layer *layer);

#endif
