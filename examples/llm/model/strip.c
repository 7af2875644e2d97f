/* SPDX-License-Identifier: MIT */
#include "llm/model/strip.h"

#include <cblas.h>
#include <stddef.h>

/* A BLAS with threads of its own may start them for every product, and many callers at once then
 * wait for each other. Products of no more multiplications than this are done on the calling
 * thread. */
static const size_t product_limit = 1 << 18;

static int tile_keys(const struct strip *strip)
{
    const size_t keys = product_limit / ((size_t)strip->queries * (size_t)strip->length);

    return keys > 0 ? (int)keys : 1;
}

static int tile_at(const struct strip *strip, int first, int tile)
{
    return strip->keys - first < tile ? strip->keys - first : tile;
}

void strip_scores(const struct strip *strip, float factor, const float *query, const float *key,
                  float *scores)
{
    const int tile = tile_keys(strip);

    for (int first = 0; first < strip->keys; first += tile)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, strip->queries,
                    tile_at(strip, first, tile), strip->length, factor, query, strip->query_stride,
                    key + (size_t)first * (size_t)strip->key_stride, strip->key_stride, 0,
                    scores + first, strip->keys);
}

void strip_mix(const struct strip *strip, float factor, const float *scores, const float *value,
               float *mix)
{
    const int tile = tile_keys(strip);

    for (int first = 0; first < strip->keys; first += tile)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, strip->queries, strip->length,
                    tile_at(strip, first, tile), factor, scores + first, strip->keys,
                    value + (size_t)first * (size_t)strip->key_stride, strip->key_stride,
                    first > 0 ? 1 : 0, mix, strip->query_stride);
}

void strip_spread(const struct strip *strip, float factor, const float *scores, const float *query,
                  float *out)
{
    const int tile = tile_keys(strip);

    for (int first = 0; first < strip->keys; first += tile)
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, tile_at(strip, first, tile),
                    strip->length, strip->queries, factor, scores + first, strip->keys, query,
                    strip->query_stride, 1, out + (size_t)first * (size_t)strip->key_stride,
                    strip->key_stride);
}
