/* SPDX-License-Identifier: MIT */
#include "llm/model/attention.h"

#include <math.h>
#include <string.h>

#include "common/workers.h"

/* Between the two bounds the part that is left grows with the number of turns. */
static double scale_frequency(const struct rope_scaling *scaling, double frequency)
{
    const double turns = (double)scaling->original * frequency / (2 * acos(-1));
    const double left = (turns - scaling->low) / (scaling->high - scaling->low);
    const double part = fmin(fmax(left, 0), 1);

    return part * frequency + (1 - part) * frequency / scaling->factor;
}

static double rotation_frequency(const struct config *config, size_t pair)
{
    const double frequency =
        pow(config->rope_theta, -(double)(2 * pair) / (double)config->head_dim);

    return config->rope_scaling.on ? scale_frequency(&config->rope_scaling, frequency) : frequency;
}

void attention_fill_rotations(struct forward *forward)
{
    const size_t half = forward->config.head_dim / 2;

    for (size_t i = 0; i < half; i++) {
        const double frequency = rotation_frequency(&forward->config, i);
        for (size_t position = 0; position < forward->window; position++) {
            forward->cosine[position * half + i] = (float)cos((double)position * frequency);
            forward->sine[position * half + i] = (float)sin((double)position * frequency);
        }
    }
}

/* Element i of the first half and element i of the second half make a pair that turns together. */
static void rotate(float *head, size_t half, const float *cosine, const float *sine, float turn)
{
    for (size_t i = 0; i < half; i++) {
        const float x = head[i];
        const float y = head[half + i];
        head[i] = x * cosine[i] - turn * y * sine[i];
        head[half + i] = y * cosine[i] + turn * x * sine[i];
    }
}

static void rotate_heads(const struct forward *forward, float *row, size_t heads, size_t position,
                         float turn)
{
    const size_t half = forward->config.head_dim / 2;

    for (size_t head = 0; head < heads; head++)
        rotate(row + head * 2 * half, half, forward->cosine + position * half,
               forward->sine + position * half, turn);
}

static void softmax(float *scores, size_t count)
{
    float largest = scores[0];
    float sum = 0;

    for (size_t i = 1; i < count; i++)
        largest = scores[i] > largest ? scores[i] : largest;
    for (size_t i = 0; i < count; i++) {
        scores[i] = expf(scores[i] - largest);
        sum += scores[i];
    }
    for (size_t i = 0; i < count; i++)
        scores[i] /= sum;
}

void attention_weights(const struct strip *strip, size_t first, float *scores)
{
    const size_t keys = (size_t)strip->keys;

    for (size_t i = 0; i < (size_t)strip->queries; i++) {
        float *const row = scores + i * keys;
        softmax(row, first + i + 1);
        for (size_t j = first + i + 1; j < keys; j++)
            row[j] = 0;
    }
}

/* One head of one window. */
struct head {
    const float *query;
    const float *key;
    const float *value;
    float *mix;
    float *importance; /* of the window's tokens; may be NULL */
    int query_stride;
    int key_stride;
    int head_dim;
};

/* Queries first to end - 1 against keys 0 to end - 1. */
static void attend_strip(const struct head *head, size_t first, size_t end, float *scores)
{
    const size_t offset = first * (size_t)head->query_stride;
    const struct strip strip = {.queries = (int)(end - first),
                                .keys = (int)end,
                                .length = head->head_dim,
                                .query_stride = head->query_stride,
                                .key_stride = head->key_stride};

    strip_scores(&strip, 1 / sqrtf((float)head->head_dim), head->query + offset, head->key, scores);
    attention_weights(&strip, first, scores);
    for (size_t i = first; head->importance && i < end; i++)
        for (size_t j = 0; j <= i; j++)
            head->importance[j] += scores[(i - first) * end + j];
    strip_mix(&strip, 1, scores, head->value, head->mix + offset);
}

struct rotation {
    const struct forward *forward;
    float *query;
    float *key;
    float turn; /* 1, or -1 to turn back */
};

static void rotate_token(void *data, size_t token, size_t worker)
{
    const struct rotation *const job = data;
    const struct config *const config = &job->forward->config;
    const size_t position = token % job->forward->window;

    (void)worker;
    rotate_heads(job->forward, job->query + token * config->heads * config->head_dim, config->heads,
                 position, job->turn);
    rotate_heads(job->forward, job->key + token * config->kv_heads * config->head_dim,
                 config->kv_heads, position, job->turn);
}

void attention_rotate(const struct forward *forward, float *query, float *key, size_t count,
                      float turn)
{
    struct rotation job = {.forward = forward, .query = query, .key = key, .turn = turn};

    workers_run(forward->workers, count, rotate_token, &job);
}

struct batch {
    struct forward *forward;
    size_t count;
};

/* index counts the heads of the first window, then those of the second, ... */
static void attend_head(void *data, size_t index, size_t worker)
{
    const struct batch *const batch = data;
    const struct forward *const forward = batch->forward;
    const struct config *const config = &forward->config;
    const size_t first = index / config->heads * forward->window;
    const size_t number = index % config->heads;
    const size_t left = batch->count - first;
    const size_t tokens = left < forward->window ? left : forward->window;
    const size_t query_stride = config->heads * config->head_dim;
    const size_t key_stride = config->kv_heads * config->head_dim;
    const size_t query_offset = first * query_stride + number * config->head_dim;
    const size_t key_offset =
        first * key_stride + number / (config->heads / config->kv_heads) * config->head_dim;
    float *const importance =
        forward->importance ? forward->importance + number * forward->capacity + first : NULL;
    const struct head head = {.query = forward->query + query_offset,
                              .key = forward->key + key_offset,
                              .value = forward->value + key_offset,
                              .mix = forward->mix + query_offset,
                              .importance = importance,
                              .query_stride = (int)query_stride,
                              .key_stride = (int)key_stride,
                              .head_dim = (int)config->head_dim};

    if (importance)
        memset(importance, 0, tokens * sizeof *importance);
    for (size_t row = 0; row < tokens; row += ATTENTION_STRIP)
        attend_strip(&head, row, row + ATTENTION_STRIP < tokens ? row + ATTENTION_STRIP : tokens,
                     forward->scores + worker * ATTENTION_STRIP * forward->window);
}

void attention_run(struct forward *forward, size_t count)
{
    struct batch batch = {.forward = forward, .count = count};
    const size_t windows = (count + forward->window - 1) / forward->window;

    attention_rotate(forward, forward->query, forward->key, count, 1);
    workers_run(forward->workers, windows * forward->config.heads, attend_head, &batch);
}
