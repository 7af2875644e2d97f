/* SPDX-License-Identifier: MIT */
/* A model's weights in single precision. */
#ifndef EXAMPLES_LLM_MODEL_H
#define EXAMPLES_LLM_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "llm/config.h"

/* The linear layers of a block, in the order in which they are computed. */
enum linear_kind {
    LINEAR_Q,
    LINEAR_K,
    LINEAR_V,
    LINEAR_O,
    LINEAR_GATE,
    LINEAR_UP,
    LINEAR_DOWN,
    LINEAR_KINDS
};

/* y = W x */
struct linear {
    size_t rows;
    size_t columns;
    float *weights; /* rows × columns */
};

struct block {
    float *attention_norm; /* gains, one for each element of the residual stream */
    float *ffn_norm;
    float *query_norm; /* gains of every head's elements; NULL where heads are not normalised */
    float *key_norm;
    struct linear linear[LINEAR_KINDS];
};

struct model {
    struct config config;
    float *embedding; /* vocabulary × hidden */
    float *norm;
    float *head; /* vocabulary × hidden; the embedding itself if tied */
    struct block *blocks;
    double stored_bits; /* bits per weight of the linear layers in the checkpoint */
};

/* Load DIRECTORY/config.json and the checkpoint beside it (checkpoint.h). */
bool model_load(struct model *model, const char *directory, struct failure *failure);

void model_free(struct model *model);

/* Give `to` the linear layers of `from`, a model of the same configuration. */
void model_copy_linear(struct model *to, const struct model *from);

/* Number of weights in all linear layers. */
size_t model_linear_weights(const struct model *model);

enum { MODEL_NAME_SIZE = 96 };

/* Name of a linear layer's tensor in the checkpoint. */
void model_linear_name(char name[MODEL_NAME_SIZE], size_t block, enum linear_kind kind);

#endif
