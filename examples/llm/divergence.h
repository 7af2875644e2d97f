/* SPDX-License-Identifier: MIT */
/* How far the distributions of two models are apart: Kullback and Leibler's divergence of the
 * tokens that they expect next, in nats. */
#ifndef EXAMPLES_LLM_DIVERGENCE_H
#define EXAMPLES_LLM_DIVERGENCE_H

#include "llm/model.h"

/* log Σ exp(logit) */
double divergence_log_sum(const float *logits, size_t count);

/* Σ p_ref (log p_ref - log p); log_norm is the log sum of logits. */
double divergence_between(const float *reference, const float *logits, double log_norm,
                          size_t count);

/* Room for the logits of some tokens at once. */
struct divergence {
    const struct model *model; /* whose head makes logits of states */
    size_t workers;
    size_t capacity;  /* tokens */
    float *logits;    /* capacity × vocabulary */
    float *reference; /* likewise */
    double *losses;   /* one for each token */
};

bool divergence_create(struct divergence *divergence, const struct model *model, size_t workers,
                       struct failure *failure);
void divergence_free(struct divergence *divergence);

/* The divergences from what the head makes of reference to what it makes of hidden, summed up over
 * the tokens; and stream = weight · the derivative of that sum by hidden. All are count × hidden.
 */
double divergence_backward(const struct divergence *divergence, const float *reference,
                           const float *hidden, size_t count, float weight, float *stream);

#endif
