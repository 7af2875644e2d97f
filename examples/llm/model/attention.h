/* SPDX-License-Identifier: MIT */
/* Causal attention with rotary positions and grouped queries. */
#ifndef EXAMPLES_LLM_MODEL_ATTENTION_H
#define EXAMPLES_LLM_MODEL_ATTENTION_H

#include "llm/model/forward.h"
#include "llm/model/strip.h"

/* Queries whose scores are held at once: bounds the memory, and leaves out most of the scores of
 * tokens that come later. */
#define ATTENTION_STRIP 32

/* Fill in forward's cosines and sines. */
void attention_fill_rotations(struct forward *forward);

/* Rotate queries and keys by their positions (turn 1), or back (turn -1). */
void attention_rotate(const struct forward *forward, float *query, float *key, size_t count,
                      float turn);

/* Turn the scores of a strip, whose first query is number `first`, into weights: no query looks at
 * a key after it. */
void attention_weights(const struct strip *strip, size_t first, float *scores);

/* Rotate forward's query and key by their positions and fill in mix. */
void attention_run(struct forward *forward, size_t count);

#endif
