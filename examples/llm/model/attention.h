/* SPDX-License-Identifier: MIT */
/* Attention with rotary positions and grouped queries. */
#ifndef EXAMPLES_LLM_MODEL_ATTENTION_H
#define EXAMPLES_LLM_MODEL_ATTENTION_H

#include "llm/model/attention_rule.h"
#include "llm/model/forward.h"
#include "llm/model/strip.h"

/* Queries whose scores are held at once: enough for BLAS to work at its best, few enough that the
 * scores stay in a cache, and that few of them are of keys that the query does not look at. */
#define ATTENTION_STRIP 64

/* Fill in forward's cosines and sines. */
void attention_fill_rotations(struct forward *forward);

/* Rotate queries and keys of a block that sees so by their positions (turn 1), or, where rotations
 * are transposed, back (turn -1). */
void attention_rotate(const struct forward *forward, enum block_sight sight, float *query,
                      float *key, size_t count, float turn);

/* The queries of a window of so many tokens from number `first` on, at most ATTENTION_STRIP, and
 * all keys that any of them looks at. */
struct strip attention_strip(const struct config *config, const struct attention_rule *rule,
                             size_t first, size_t tokens);

/* What queries and keys have in common, before some of it is left out. */
void attention_scores(const struct attention_rule *rule, const struct strip *strip,
                      const float *query, const float *key, float *scores);

/* Turn scores into weights: 0 for keys that the query does not look at. */
void attention_weights(const struct attention_rule *rule, const struct strip *strip, float *scores);

/* Rotate forward's query and key by their positions and fill in mix. */
void attention_run(struct forward *forward, const struct attention_rule *rule, size_t count);

#endif
