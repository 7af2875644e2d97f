/* SPDX-License-Identifier: MIT */
/* How well a model predicts a text. */
#ifndef EXAMPLES_LLM_EVALUATE_H
#define EXAMPLES_LLM_EVALUATE_H

#include <stddef.h>

#include "common/tokens.h"
#include "llm/model.h"

struct evaluation {
    double cross_entropy; /* nats per predicted token */
    double perplexity;
    double kl_bits; /* KL(reference || model) per predicted token, bits; 0 without a reference */
    size_t predictions;
};

/* The last hidden states (input of the head) of a text, tokens × hidden. The text is cut into
 * windows that do not see each other. Release with free(); NULL on failure. */
float *evaluate_hidden(const struct model *model, const struct tokens *tokens, size_t window,
                       struct failure *failure);

/* Compare what the head makes of hidden states with the tokens that follow, and with what it makes
 * of the reference's states (may be NULL). Keeping states instead of probabilities saves memory in
 * the ratio of the vocabulary to the hidden size. The first token of a window is not predicted. */
bool evaluate_states(struct evaluation *evaluation, const struct model *model,
                     const struct tokens *tokens, size_t window, const float *hidden,
                     const float *reference, struct failure *failure);

/* Both in one. */
bool evaluate(struct evaluation *evaluation, const struct model *model, const struct tokens *tokens,
              size_t window, const float *reference, struct failure *failure);

#endif
