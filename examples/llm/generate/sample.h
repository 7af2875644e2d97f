/* SPDX-License-Identifier: MIT */
/* Choosing the next token from its logits. The same seed chooses the same on every machine: nothing
 * but additions, multiplications, divisions and comparisons in a fixed order. */
#ifndef EXAMPLES_LLM_GENERATE_SAMPLE_H
#define EXAMPLES_LLM_GENERATE_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/failure.h"

struct sampling {
    double temperature; /* logits are divided by it; 0: always the most likely token */
    double top_p;       /* the likeliest tokens that have this much probability together; 1: all */
    size_t top_k;       /* the so many likeliest; 0: all */
};

struct sampler {
    struct sampling settings;
    uint64_t state; /* of the random numbers */
    size_t vocabulary;
    float *weights; /* of every token */
    uint32_t *order;
};

bool sampler_create(struct sampler *sampler, const struct sampling *settings, uint64_t seed,
                    size_t vocabulary, struct failure *failure);
void sampler_free(struct sampler *sampler);

/* Of tokens that are equally likely the one with the lowest number comes first. */
uint32_t sampler_choose(struct sampler *sampler, const float *logits);

#endif
