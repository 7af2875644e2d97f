/* SPDX-License-Identifier: MIT */
#include "llm/attention.h"

#include <cblas.h>
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
static void rotate(float *head, size_t half, const float *cosine, const float *sine)
{
    for (size_t i = 0; i < half; i++) {
        const float x = head[i];
        const float y = head[half + i];
        head[i] = x * cosine[i] - y * sine[i];
        head[half + i] = y * cosine[i] + x * sine[i];
    }
}

static void rotate_heads(const struct forward *forward, float *row, size_t heads, size_t position)
{
    const size_t half = forward->config.head_dim / 2;

    for (size_t head = 0; head < heads; head++)
        rotate(row + head * 2 * half, half, forward->cosine + position * half,
               forward->sine + position * half);
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

/* A BLAS with threads of its own may start them for every product, and many callers at once then
 * wait for each other. Products of no more multiplications than this are done on the calling
 * thread. */
static const size_t product_limit = 1 << 18;

static int tile_keys(const struct head *head)
{
    const size_t keys = product_limit / (ATTENTION_STRIP * (size_t)head->head_dim);

    return keys > 0 ? (int)keys : 1;
}

/* scores = scale · Q Kᵀ, queries × keys */
static void score_strip(const struct head *head, const float *query, int queries, int keys,
                        float *scores)
{
    const float scale = 1 / sqrtf((float)head->head_dim);
    const int tile = tile_keys(head);

    for (int first = 0; first < keys; first += tile)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, queries,
                    keys - first < tile ? keys - first : tile, head->head_dim, scale, query,
                    head->query_stride, head->key + (size_t)first * (size_t)head->key_stride,
                    head->key_stride, 0, scores + first, keys);
}

/* mix = scores V */
static void mix_strip(const struct head *head, const float *scores, int queries, int keys,
                      float *mix)
{
    const int tile = tile_keys(head);

    for (int first = 0; first < keys; first += tile)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, queries, head->head_dim,
                    keys - first < tile ? keys - first : tile, 1, scores + first, keys,
                    head->value + (size_t)first * (size_t)head->key_stride, head->key_stride,
                    first > 0 ? 1 : 0, mix, head->query_stride);
}

/* Queries first to end - 1 against keys 0 to end - 1. */
static void attend_strip(const struct head *head, size_t first, size_t end, float *scores)
{
    const size_t offset = first * (size_t)head->query_stride;
    const int queries = (int)(end - first);

    score_strip(head, head->query + offset, queries, (int)end, scores);
    for (size_t i = first; i < end; i++) {
        float *const row = scores + (i - first) * end;
        softmax(row, i + 1);
        for (size_t j = 0; head->importance && j <= i; j++)
            head->importance[j] += row[j];
        for (size_t j = i + 1; j < end; j++)
            row[j] = 0;
    }
    mix_strip(head, scores, queries, (int)end, head->mix + offset);
}

struct batch {
    struct forward *forward;
    size_t count;
};

static void rotate_token(void *data, size_t token, size_t worker)
{
    const struct batch *const batch = data;
    const struct forward *const forward = batch->forward;
    const struct config *const config = &forward->config;
    const size_t position = token % forward->window;

    (void)worker;
    rotate_heads(forward, forward->query + token * config->heads * config->head_dim, config->heads,
                 position);
    rotate_heads(forward, forward->key + token * config->kv_heads * config->head_dim,
                 config->kv_heads, position);
}

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

    workers_run(forward->workers, count, rotate_token, &batch);
    workers_run(forward->workers, windows * forward->config.heads, attend_head, &batch);
}
