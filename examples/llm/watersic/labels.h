/* SPDX-License-Identifier: MIT */
/* Labels drawn from what a model itself expects next, and the derivatives of their logarithmic
 * likelihood. Over many tokens the products of such derivatives are on the average the Fisher
 * matrix, the curvature of the divergence from the model's predictions: for that the labels must
 * come from the model, not from the text. */
#ifndef EXAMPLES_LLM_WATERSIC_LABELS_H
#define EXAMPLES_LLM_WATERSIC_LABELS_H

#include <stddef.h>
#include <stdint.h>

#include "llm/model/model.h"

/* Room for the logits of some tokens by a strip of the head's rows at a time, so that neither the
 * head nor the logits of a large vocabulary need be in memory. */
struct labels {
    const struct model *model;
    uint64_t seed;
    size_t workers;
    size_t capacity;  /* tokens at once */
    size_t strip;     /* rows of the head at once */
    size_t strips;    /* in all */
    float *rows;      /* of a strip: strip × hidden */
    float *logits;    /* capacity × strip */
    double *sums;     /* logarithm of the sum of a strip's exponentials: capacity × strips */
    struct label *of; /* every token's: capacity */
    /* Of the caller: receives the sum over tokens of p (1 - p) of every label, times the square of
     * the cap's slope. NULL: it is not wanted. */
    double *spread;
};

/* capacity: most tokens in a call. The model must live as long. */
bool labels_create(struct labels *labels, const struct model *model, size_t capacity,
                   size_t workers, struct failure *failure);
void labels_free(struct labels *labels);

/* Bytes that this takes. */
uint64_t labels_memory(const struct config *config, size_t capacity);

/* Draw a label for every token from what the model expects there, given its last hidden states,
 * count × hidden. The draw belongs to the seed and to the number of the token, of which the first
 * one's is given. stream: the derivatives by hidden of Σ log p(label), in nats, count × hidden. */
bool labels_backward(struct labels *labels, size_t first, const float *hidden, size_t count,
                     float *stream, struct failure *failure);

#endif
