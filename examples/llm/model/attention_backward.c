/* SPDX-License-Identifier: MIT */
#include "llm/model/attention_backward.h"

#include <math.h>
#include <string.h>

#include "common/workers.h"
#include "llm/model/attention.h"

struct batch {
    const struct forward *forward;
    const struct attention_gradient *gradient;
    size_t count;
};

/* Some queries of one head of one window, and the keys up to the last of them. */
struct place {
    struct strip strip;
    size_t first;        /* query, counted in the window */
    size_t query_offset; /* of that query, and of the window's first key, in the arrays */
    size_t key_offset;
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

static void strip_backward(const struct batch *batch, const struct place *place, float *weights)
{
    const struct forward *const forward = batch->forward;
    const struct attention_gradient *const gradient = batch->gradient;
    const struct strip *const strip = &place->strip;
    const float scale = 1 / sqrtf((float)strip->length);
    const float *const query = forward->query + place->query_offset;
    const float *const key = forward->key + place->key_offset;
    const float *const mix = gradient->mix + place->query_offset;
    float *const scores = weights + ATTENTION_STRIP * forward->window;

    strip_scores(strip, scale, query, key, weights);
    attention_weights(strip, place->first, weights);
    strip_spread(strip, 1, weights, mix, gradient->value + place->key_offset);
    strip_scores(strip, 1, mix, forward->value + place->key_offset, scores);
    softmax_backward(strip, weights, scores);
    strip_mix(strip, scale, scores, key, gradient->query + place->query_offset);
    strip_spread(strip, scale, scores, query, gradient->key + place->key_offset);
}

static void query_head_backward(const struct batch *batch, struct place place, size_t tokens,
                                float *scores)
{
    const size_t head_offset = place.query_offset;

    for (place.first = 0; place.first < tokens; place.first += ATTENTION_STRIP) {
        const size_t left = tokens - place.first;
        const size_t queries = left < ATTENTION_STRIP ? left : ATTENTION_STRIP;
        place.strip.queries = (int)queries;
        place.strip.keys = (int)(place.first + queries);
        place.query_offset = head_offset + place.first * (size_t)place.strip.query_stride;
        strip_backward(batch, &place, scores);
    }
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
    const size_t query_stride = config->heads * length;
    const size_t key_stride = config->kv_heads * length;
    const size_t first = index / config->kv_heads * forward->window;
    const size_t number = index % config->kv_heads;
    const size_t group = config->heads / config->kv_heads;
    const size_t left = batch->count - first;
    const size_t tokens = left < forward->window ? left : forward->window;
    struct place place = {.strip = {.length = (int)length,
                                    .query_stride = (int)query_stride,
                                    .key_stride = (int)key_stride},
                          .key_offset = first * key_stride + number * length};
    float *const scores = batch->gradient->scores + worker * 2 * ATTENTION_STRIP * forward->window;

    clear_rows(batch->gradient->key + place.key_offset, tokens, length, key_stride);
    clear_rows(batch->gradient->value + place.key_offset, tokens, length, key_stride);
    for (size_t i = 0; i < group; i++) {
        place.query_offset = first * query_stride + (number * group + i) * length;
        query_head_backward(batch, place, tokens, scores);
    }
}

void attention_backward(const struct forward *forward, const struct attention_gradient *gradient,
                        size_t count)
{
    struct batch batch = {.forward = forward, .gradient = gradient, .count = count};
    const size_t windows = (count + forward->window - 1) / forward->window;

    workers_run(forward->workers, windows * forward->config.kv_heads, key_head_backward, &batch);
}
