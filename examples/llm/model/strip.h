/* SPDX-License-Identifier: MIT */
/* The products of attention: of some queries of one head with its keys or values, which are those
 * of the strip's first query and key on. */
#ifndef EXAMPLES_LLM_MODEL_STRIP_H
#define EXAMPLES_LLM_MODEL_STRIP_H

#include <stddef.h>

/* Rows of queries and of keys lie at strides of their own; scores are queries × keys. Values are
 * laid out like keys, and what a query gets is laid out like queries. */
struct strip {
    size_t first_query; /* counted in the window, as is the next */
    size_t first_key;
    int queries;
    int keys;
    int length; /* of a query and of a key */
    int query_stride;
    int key_stride;
};

/* scores = factor · Q Kᵀ */
void strip_scores(const struct strip *strip, float factor, const float *query, const float *key,
                  float *scores);

/* mix = factor · scores V */
void strip_mix(const struct strip *strip, float factor, const float *scores, const float *value,
               float *mix);

/* out += factor · scoresᵀ Q, laid out like keys */
void strip_spread(const struct strip *strip, float factor, const float *scores, const float *query,
                  float *out);

#endif
