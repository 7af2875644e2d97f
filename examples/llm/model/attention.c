/* SPDX-License-Identifier: MIT */
#include "llm/model/attention.h"

#include <math.h>
#include <string.h>

#include "common/blas_threads.h"
#include "llm/model/vector.h"

static void fill_rotation(const struct rope *rope, size_t pair, size_t window,
                          struct rotations *rotations)
{
    const double frequency = rope_frequency(rope, pair, window);

    for (size_t position = 0; position < window; position++) {
        const double angle = (double)position * frequency;
        const size_t place = position * rotations->pairs + pair;
        rotations->cosine[place] = (float)(rope->amplitude * cos(angle));
        rotations->sine[place] = (float)(rope->amplitude * sin(angle));
    }
}

void attention_fill_rotations(struct forward *forward)
{
    for (size_t sight = 0; sight < SIGHTS; sight++)
        for (size_t pair = 0; pair < forward->rotations[sight].pairs; pair++)
            fill_rotation(&forward->config.rope[sight], pair, forward->window,
                          &forward->rotations[sight]);
}

/* Of the numbers of a head that turn, element i of the first half and element i of the second half
 * make a pair that turns together. */
static void rotate_heads(const struct rotations *rotations, float *row, size_t heads, size_t length,
                         size_t position, float turn)
{
    const size_t half = rotations->pairs;
    const float *const cosine = rotations->cosine + position * half;
    const float *const sine = rotations->sine + position * half;

    for (size_t head = 0; head < heads; head++) {
        float *const x = row + head * length;
        float *const y = x + half;
        /* Turned back, the second of a pair is in the place of the first. */
        vector_turn(turn > 0 ? x : y, turn > 0 ? y : x, cosine, sine, half);
    }
}

struct strip attention_strip(const struct config *config, const struct attention_rule *rule,
                             size_t first, size_t tokens)
{
    const size_t left = tokens - first;
    const size_t queries = left < ATTENTION_STRIP ? left : ATTENTION_STRIP;
    const size_t first_key = attention_first_key(rule, first);

    return (struct strip){.first_query = first,
                          .first_key = first_key,
                          .queries = (int)queries,
                          .keys = (int)(first + queries - first_key),
                          .length = (int)config->head_dim,
                          .query_stride = (int)(config->heads * config->head_dim),
                          .key_stride = (int)(config->kv_heads * config->head_dim)};
}

void attention_scores(const struct attention_rule *rule, const struct strip *strip,
                      const float *query, const float *key, float *scores)
{
    strip_scores(strip, rule->scale, query, key, scores);
    if (rule->cap != 0)
        vector_cap(scores, rule->cap, (size_t)strip->queries * (size_t)strip->keys);
}

static void softmax(float *scores, size_t count)
{
    vector_exponentials(scores, vector_largest(scores, count), count);
    vector_scale(scores, 1 / vector_sum(scores, count), count);
}

void attention_weights(const struct attention_rule *rule, const struct strip *strip, float *scores)
{
    const size_t keys = (size_t)strip->keys;

    for (size_t i = 0; i < (size_t)strip->queries; i++) {
        const size_t query = strip->first_query + i;
        const size_t first = attention_first_key(rule, query) - strip->first_key;
        const size_t end = query + 1 - strip->first_key;
        float *const row = scores + i * keys;
        memset(row, 0, first * sizeof *row);
        softmax(row + first, end - first);
        memset(row + end, 0, (keys - end) * sizeof *row);
    }
}

/* One head of one window. */
struct head {
    const float *query;
    const float *key;
    const float *value;
    float *mix;
    float *importance; /* of the window's tokens; may be NULL */
};

static void add_importance(const struct strip *strip, const float *weights, float *importance)
{
    const size_t keys = (size_t)strip->keys;

    for (size_t i = 0; i < (size_t)strip->queries; i++)
        for (size_t j = 0; j < keys; j++)
            importance[strip->first_key + j] += weights[i * keys + j];
}

static void attend_strip(const struct attention_rule *rule, const struct head *head,
                         const struct strip *strip, float *scores)
{
    const size_t query = strip->first_query * (size_t)strip->query_stride;
    const size_t key = strip->first_key * (size_t)strip->key_stride;

    attention_scores(rule, strip, head->query + query, head->key + key, scores);
    attention_weights(rule, strip, scores);
    if (head->importance)
        add_importance(strip, scores, head->importance);
    strip_mix(strip, 1, scores, head->value + key, head->mix + query);
}

struct rotation {
    const struct forward *forward;
    enum block_sight sight;
    float *query;
    float *key;
    float turn; /* 1, or -1 to turn back */
};

static void rotate_token(void *data, size_t token, size_t worker)
{
    const struct rotation *const job = data;
    const struct config *const config = &job->forward->config;
    const struct rotations *const rotations = &job->forward->rotations[job->sight];
    const size_t position = token % job->forward->window;
    const size_t length = config->head_dim;

    (void)worker;
    rotate_heads(rotations, job->query + token * config->heads * length, config->heads, length,
                 position, job->turn);
    rotate_heads(rotations, job->key + token * config->kv_heads * length, config->kv_heads, length,
                 position, job->turn);
}

void attention_rotate(const struct forward *forward, enum block_sight sight, float *query,
                      float *key, size_t count, float turn)
{
    struct rotation job = {
        .forward = forward, .sight = sight, .query = query, .key = key, .turn = turn};

    workers_run(forward->workers, count, rotate_token, &job);
}

struct batch {
    struct forward *forward;
    const struct attention_rule *rule;
    size_t count;
};

/* Head `number` of the window that begins at token `first`. */
static struct head find_head(const struct forward *forward, size_t first, size_t number)
{
    const struct config *const config = &forward->config;
    const size_t length = config->head_dim;
    const size_t query = (first * config->heads + number) * length;
    const size_t key =
        (first * config->kv_heads + number / (config->heads / config->kv_heads)) * length;

    return (struct head){.query = forward->query + query,
                         .key = forward->key + key,
                         .value = forward->value + key,
                         .mix = forward->mix + query,
                         .importance = forward->importance ? forward->importance +
                                                                 number * forward->capacity + first
                                                           : NULL};
}

/* index counts the heads of the first window, then those of the second, ... */
static void attend_head(void *data, size_t index, size_t worker)
{
    const struct batch *const batch = data;
    const struct forward *const forward = batch->forward;
    const struct config *const config = &forward->config;
    const size_t first = index / config->heads * forward->window;
    const size_t left = batch->count - first;
    const size_t tokens = left < forward->window ? left : forward->window;
    const struct head head = find_head(forward, first, index % config->heads);
    float *const scores = forward->scores + worker * ATTENTION_STRIP * forward->window;

    if (head.importance)
        memset(head.importance, 0, tokens * sizeof *head.importance);
    for (size_t query = 0; query < tokens; query += ATTENTION_STRIP) {
        const struct strip strip = attention_strip(config, batch->rule, query, tokens);
        attend_strip(batch->rule, &head, &strip, scores);
    }
}

void attention_run(struct forward *forward, const struct attention_rule *rule, size_t count)
{
    struct batch batch = {.forward = forward, .rule = rule, .count = count};
    const size_t windows = (count + forward->window - 1) / forward->window;

    attention_rotate(forward, rule->sight, forward->query, forward->key, count, 1);
    blas_workers_run(forward->workers, windows * forward->config.heads, attend_head, &batch);
}
