/* SPDX-License-Identifier: MIT */
/* What attention does in a block: which tokens a query looks at, and how scores become weights. */
#ifndef EXAMPLES_LLM_MODEL_ATTENTION_RULE_H
#define EXAMPLES_LLM_MODEL_ATTENTION_RULE_H

#include <stddef.h>

#include "llm/model/config.h"

struct attention_rule {
    float scale; /* a score is scale · query · key */
    float cap;   /* scores s become cap · tanh(s / cap); 0: they stay */
    size_t span; /* a query looks at its own token and the span - 1 before it; 0: all before it */
    enum block_sight sight; /* tells by which angles queries and keys turn */
};

/* First token that a query looks at. */
static inline size_t attention_first_key(const struct attention_rule *rule, size_t query)
{
    return rule->span != 0 && query >= rule->span ? query - rule->span + 1 : 0;
}

#endif
