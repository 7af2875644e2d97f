/* SPDX-License-Identifier: MIT */
/* Attention backwards. */
#ifndef EXAMPLES_LLM_MODEL_ATTENTION_BACKWARD_H
#define EXAMPLES_LLM_MODEL_ATTENTION_BACKWARD_H

#include "llm/model/attention_rule.h"
#include "llm/model/forward.h"

/* Strips of ATTENTION_STRIP queries that a worker holds at once. */
enum { ATTENTION_BACKWARD_STRIPS = 3 };

/* Derivatives of the loss by what lies in struct forward under the same names, of the same
 * shapes. */
struct attention_gradient {
    const float *mix;
    float *query; /* after the rotation, as are the keys */
    float *key;
    float *value;
    float *scores; /* of ATTENTION_BACKWARD_STRIPS strips of queries, for each worker */
};

/* From the derivatives by mix to those by query, key and value, which forward_attend() has left in
 * forward, rotated. The weights of attention are computed again, a strip at a time. */
void attention_backward(const struct forward *forward, const struct attention_rule *rule,
                        const struct attention_gradient *gradient, size_t count);

#endif
