/* SPDX-License-Identifier: MIT */
/* How well a model predicts a text. */
#ifndef EXAMPLES_LLM_REPORT_EVALUATE_H
#define EXAMPLES_LLM_REPORT_EVALUATE_H

#include <stddef.h>
#include <stdint.h>

#include "common/meter.h"
#include "common/tokens.h"
#include "llm/model/forward.h"

struct evaluation {
    double cross_entropy;           /* nats per predicted token */
    double reference_cross_entropy; /* of the reference; 0 without one */
    double perplexity;
    double kl_bits; /* KL(reference || model) per predicted token, bits; 0 without a reference */
    size_t predictions;
};

/* Take the states of any number of tokens through a block, or through the last norm. Only an
 * interrupt is a failure. */
bool evaluate_block(struct forward *forward, const struct block *block, float *hidden,
                    size_t tokens, struct failure *failure);
bool evaluate_norm(struct forward *forward, const struct model *model, float *hidden, size_t tokens,
                   struct failure *failure);

/* The last hidden states (input of the head) of a text, tokens × hidden. The text is cut into
 * windows that do not see each other. Release with free(); NULL on failure. */
float *evaluate_hidden(const struct model *model, const struct tokens *tokens, size_t window,
                       struct failure *failure);

/* The same, and how far it is (meter may be NULL). */
float *evaluate_hidden_shown(const struct model *model, const struct tokens *tokens, size_t window,
                             struct meter *meter, struct failure *failure);

/* Show that a block is gone through next; meter may be NULL. */
void evaluate_show(struct meter *meter, size_t block, size_t blocks);

/* Last hidden states and the model whose head reads them. */
struct readout {
    const struct model *model;
    const float *hidden;
};

/* Compare what a model makes of its last hidden states with the tokens that follow, and with what
 * the reference (may be NULL) makes of its own. Keeping states instead of probabilities saves
 * memory in the ratio of the vocabulary to the hidden size. The first token of a window is not
 * predicted. */
bool evaluate_readout(struct evaluation *evaluation, const struct readout *readout,
                      const struct readout *reference, const struct tokens *tokens, size_t window,
                      struct failure *failure);

/* Memory that it takes in one call. */
uint64_t evaluate_memory(const struct config *config, size_t tokens, bool reference);

/* The same where the reference has the same head; its states may be NULL. */
bool evaluate_states(struct evaluation *evaluation, const struct model *model,
                     const struct tokens *tokens, size_t window, const float *hidden,
                     const float *reference, struct failure *failure);

/* Both in one. */
bool evaluate(struct evaluation *evaluation, const struct model *model, const struct tokens *tokens,
              size_t window, const float *reference, struct failure *failure);

#endif
