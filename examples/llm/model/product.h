/* SPDX-License-Identifier: MIT */
/* Products of the states of many tokens with the weights of layers, shared out among the workers in
 * tiles of tokens and outputs. Neither the tiles nor their sums depend on the number of workers. */
#ifndef EXAMPLES_LLM_MODEL_PRODUCT_H
#define EXAMPLES_LLM_MODEL_PRODUCT_H

#include <stddef.h>

#include "llm/model/model.h"

struct product {
    const float *weights; /* W, rows × columns */
    const float *bias;    /* NULL: none */
    size_t rows;
    size_t columns;
    const float *x; /* for each token a row */
    float *out;
    size_t out_stride; /* from row to row of out; 0: they lie without gaps */
    float addition;    /* what out held is multiplied by this and stays in the sum */
};

/* Layers that are applied at the same time: query, key and value at most. */
enum { PRODUCTS = 3 };

/* out = addition · out + x Wᵀ + bias, all of them for as many tokens. None may read what another
 * one writes. */
void products_run(const struct product *products, size_t number, size_t tokens, size_t workers);

/* out = addition · out + x W, the way back through a layer */
void product_back(const struct product *product, size_t tokens, size_t workers);

/* The product with a layer, in place of what out held. */
struct product product_of(const struct linear *linear, const float *x, float *out);

#endif
