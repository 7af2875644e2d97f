/* SPDX-License-Identifier: MIT */
/* How far the distributions of two models are apart: Kullback and Leibler's divergence of the
 * tokens that they expect next, in nats. */
#ifndef EXAMPLES_LLM_REPORT_DIVERGENCE_H
#define EXAMPLES_LLM_REPORT_DIVERGENCE_H

#include "llm/model/model.h"

/* Logits, and the logarithm of what their exponentials sum up to. */
struct scores {
    const float *logits;
    double norm;
};

struct scores scores_of(const float *logits, size_t count);

/* Σ p_ref (log p_ref - log p) */
double scores_divergence(struct scores reference, struct scores scores, size_t count);

/* Two models, and room for the logits of some tokens at once. */
struct divergence {
    const struct model *original; /* both have their heads in memory */
    const struct model *model;
    size_t workers;
    size_t capacity;  /* tokens */
    float *reference; /* logits of the original: capacity × vocabulary */
    float *logits;
    double *losses; /* one for each token */
};

bool divergence_create(struct divergence *divergence, const struct model *original,
                       const struct model *model, size_t workers, struct failure *failure);
void divergence_free(struct divergence *divergence);

/* sum: the divergences from what the original makes of its last hidden states to what the model
 * makes of its own, summed up over the tokens. stream: weight · the derivative of sum by hidden.
 * All states are count × hidden. */
bool divergence_backward(const struct divergence *divergence, const float *reference,
                         const float *hidden, size_t count, float weight, float *stream,
                         double *sum, struct failure *failure);

#endif
