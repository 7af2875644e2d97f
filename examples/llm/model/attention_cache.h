/* SPDX-License-Identifier: MIT */
/* Attention of a text that grows: keys and values of the tokens before are kept.
 *
 * Sums have a fixed order, and BLAS has no part in them: the same bits on every machine and with
 * every number of threads. */
#ifndef EXAMPLES_LLM_MODEL_ATTENTION_CACHE_H
#define EXAMPLES_LLM_MODEL_ATTENTION_CACHE_H

#include "llm/model/attention_rule.h"
#include "llm/model/forward.h"

/* Of one block. */
struct attention_cache {
    float *keys; /* capacity × kv_heads · head_dim, rotated */
    float *values;
};

bool attention_cache_create(struct attention_cache *cache, const struct config *config,
                            size_t capacity, struct failure *failure);
void attention_cache_free(struct attention_cache *cache);

/* Keep forward's key and value, which are rotated as its query is, behind the `past` tokens of the
 * cache, and fill in mix: every query looks at its own token and those before it. */
void attention_cached(struct forward *forward, const struct attention_rule *rule, size_t count);

#endif
