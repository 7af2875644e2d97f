/* SPDX-License-Identifier: MIT */
#include "llm/model/attention_backward.h"

#include <string.h>

#include "common/blas_threads.h"
#include "llm/model/attention.h"

struct batch {
    const struct forward *forward;
    const struct attention_rule *rule;
    const struct attention_gradient *gradient;
    size_t count;
};

/* A query head of a window: where its queries, and the keys that they share, lie in the arrays. */
struct place {
    size_t query;
    size_t key;
};

/* From derivatives by weights to those by scores: where the weights of a query are p = softmax(s),
 * ∂loss/∂s = p ∘ (d - Σ p d) with d = ∂loss/∂p. */
static void softmax_backward(const struct strip *strip, const float *weights, float *gradient)
{
    const size_t keys = (size_t)strip->keys;

    for (size_t i = 0; i < (size_t)strip->queries; i++) {
        const float *const p = weights + i * keys;
        float *const d = gradient + i * keys;
        float mean = 0;
        for (size_t j = 0; j < keys; j++)
            mean += p[j] * d[j];
        for (size_t j = 0; j < keys; j++)
            d[j] = p[j] * (d[j] - mean);
    }
}

/* The derivatives of capped scores c = cap · tanh(s / cap) by s: 1 - (c / cap)². */
static void find_slopes(const struct attention_rule *rule, const struct strip *strip,
                        const float *scores, float *slopes)
{
    for (size_t i = 0; i < (size_t)strip->queries * (size_t)strip->keys; i++) {
        const float part = scores[i] / rule->cap;
        slopes[i] = 1 - part * part;
    }
}

static void apply_slopes(const struct strip *strip, const float *slopes, float *gradient)
{
    for (size_t i = 0; i < (size_t)strip->queries * (size_t)strip->keys; i++)
        gradient[i] *= slopes[i];
}

static void strip_backward(const struct batch *batch, const struct place *place,
                           const struct strip *strip, float *weights)
{
    const struct forward *const forward = batch->forward;
    const struct attention_gradient *const gradient = batch->gradient;
    const struct attention_rule *const rule = batch->rule;
    const size_t query = place->query + strip->first_query * (size_t)strip->query_stride;
    const size_t key = place->key + strip->first_key * (size_t)strip->key_stride;
    float *const scores = weights + ATTENTION_STRIP * forward->window;
    float *const slopes = scores + ATTENTION_STRIP * forward->window;

    attention_scores(rule, strip, forward->query + query, forward->key + key, weights);
    if (rule->cap != 0)
        find_slopes(rule, strip, weights, slopes);
    attention_weights(rule, strip, weights);
    strip_spread(strip, 1, weights, gradient->mix + query, gradient->value + key);
    strip_scores(strip, 1, gradient->mix + query, forward->value + key, scores);
    softmax_backward(strip, weights, scores);
    if (rule->cap != 0)
        apply_slopes(strip, slopes, scores);
    strip_mix(strip, rule->scale, scores, forward->key + key, gradient->query + query);
    strip_spread(strip, rule->scale, scores, forward->query + query, gradient->key + key);
}

static void clear_rows(float *rows, size_t count, size_t length, size_t stride)
{
    for (size_t i = 0; i < count; i++)
        memset(rows + i * stride, 0, length * sizeof *rows);
}

/* index counts the key heads of the first window, then those of the second, ...: all queries that
 * share a key head add to its derivatives, so that they are done by the same worker. */
static void key_head_backward(void *data, size_t index, size_t worker)
{
    const struct batch *const batch = data;
    const struct forward *const forward = batch->forward;
    const struct config *const config = &forward->config;
    const size_t length = config->head_dim;
    const size_t key_stride = config->kv_heads * length;
    const size_t first = index / config->kv_heads * forward->window;
    const size_t number = index % config->kv_heads;
    const size_t group = config->heads / config->kv_heads;
    const size_t left = batch->count - first;
    const size_t tokens = left < forward->window ? left : forward->window;
    struct place place = {.key = first * key_stride + number * length};
    float *const scores = batch->gradient->scores +
                          worker * ATTENTION_BACKWARD_STRIPS * ATTENTION_STRIP * forward->window;

    clear_rows(batch->gradient->key + place.key, tokens, length, key_stride);
    clear_rows(batch->gradient->value + place.key, tokens, length, key_stride);
    for (size_t i = 0; i < group; i++) {
        place.query = (first * config->heads + number * group + i) * length;
        for (size_t query = 0; query < tokens; query += ATTENTION_STRIP) {
            const struct strip strip = attention_strip(config, batch->rule, query, tokens);
            strip_backward(batch, &place, &strip, scores);
        }
    }
}

void attention_backward(const struct forward *forward, const struct attention_rule *rule,
                        const struct attention_gradient *gradient, size_t count)
{
    struct batch batch = {.forward = forward, .rule = rule, .gradient = gradient, .count = count};
    const size_t windows = (count + forward->window - 1) / forward->window;

    blas_workers_run(forward->workers, windows * forward->config.kv_heads, key_head_backward,
                     &batch);
}
