/* SPDX-License-Identifier: MIT */
#include "llm/model/attention_cache.h"

#include <stdlib.h>
#include <string.h>

#include "common/workers.h"
#include "llm/model/attention.h"
#include "llm/model/vector.h"

bool attention_cache_create(struct attention_cache *cache, const struct config *config,
                            size_t capacity, struct failure *failure)
{
    const size_t width = config->kv_heads * config->head_dim;

    *cache = (struct attention_cache){.keys = forward_numbers(capacity, width),
                                      .values = forward_numbers(capacity, width)};
    if (cache->keys && cache->values)
        return true;
    attention_cache_free(cache);
    return refuse(failure, "out of memory for keys and values of %zu tokens", capacity);
}

void attention_cache_free(struct attention_cache *cache)
{
    free(cache->keys);
    free(cache->values);
    *cache = (struct attention_cache){.keys = NULL};
}

/* One query of one head. */
struct look {
    const float *query;
    const float *keys; /* of the first token that it looks at */
    const float *values;
    size_t stride; /* from token to token */
    size_t tokens;
    size_t length;
    float *mix;
};

static void look(const struct attention_rule *rule, const struct look *look, float *weights)
{
    for (size_t i = 0; i < look->tokens; i++)
        weights[i] =
            rule->scale * vector_dot(look->query, look->keys + i * look->stride, look->length);
    if (rule->cap != 0)
        vector_cap(weights, rule->cap, look->tokens);
    vector_softmax(weights, look->tokens);
    memset(look->mix, 0, look->length * sizeof *look->mix);
    for (size_t i = 0; i < look->tokens; i++)
        vector_add(look->mix, look->values + i * look->stride, weights[i], look->length);
}

struct step {
    struct forward *forward;
    const struct attention_rule *rule;
};

/* index counts the heads of the first query, then those of the second, ... */
static void look_once(void *data, size_t index, size_t worker)
{
    const struct step *const step = data;
    const struct forward *const forward = step->forward;
    const struct config *const config = &forward->config;
    const size_t length = config->head_dim;
    const size_t stride = config->kv_heads * length;
    const size_t head = index % config->heads / (config->heads / config->kv_heads);
    const size_t position = forward->past + index / config->heads;
    const size_t first = attention_first_key(step->rule, position);
    const size_t place = first * stride + head * length;
    const struct look job = {.query = forward->query + index * length,
                             .keys = forward->cache->keys + place,
                             .values = forward->cache->values + place,
                             .stride = stride,
                             .tokens = position + 1 - first,
                             .length = length,
                             .mix = forward->mix + index * length};

    look(step->rule, &job, forward->scores + worker * ATTENTION_STRIP * forward->window);
}

void attention_cached(struct forward *forward, const struct attention_rule *rule, size_t count)
{
    const struct config *const config = &forward->config;
    const size_t width = config->kv_heads * config->head_dim;
    const size_t place = forward->past * width;
    struct step step = {forward, rule};

    memcpy(forward->cache->keys + place, forward->key, count * width * sizeof(float));
    memcpy(forward->cache->values + place, forward->value, count * width * sizeof(float));
    const size_t multiplications =
        2 * count * config->heads * config->head_dim * (forward->past + count);
    workers_run(workers_for(multiplications, forward->workers), count * config->heads, look_once,
                &step);
}
