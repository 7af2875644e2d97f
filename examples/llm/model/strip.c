/* SPDX-License-Identifier: MIT */
#include "llm/model/strip.h"

#include <cblas.h>

void strip_scores(const struct strip *strip, float factor, const float *query, const float *key,
                  float *scores)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, strip->queries, strip->keys, strip->length,
                factor, query, strip->query_stride, key, strip->key_stride, 0, scores, strip->keys);
}

void strip_mix(const struct strip *strip, float factor, const float *scores, const float *value,
               float *mix)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, strip->queries, strip->length,
                strip->keys, factor, scores, strip->keys, value, strip->key_stride, 0, mix,
                strip->query_stride);
}

void strip_spread(const struct strip *strip, float factor, const float *scores, const float *query,
                  float *out)
{
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, strip->keys, strip->length, strip->queries,
                factor, scores, strip->keys, query, strip->query_stride, 1, out, strip->key_stride);
}
