/* SPDX-License-Identifier: MIT */
/* The weights of one block in single precision. */
#ifndef EXAMPLES_LLM_MODEL_BLOCK_H
#define EXAMPLES_LLM_MODEL_BLOCK_H

#include <stdint.h>

#include "llm/model/attention_rule.h"
#include "llm/model/layers.h"
#include "llm/model/resident.h"

/* y = W x + b */
struct linear {
    size_t rows;
    size_t columns;
    float *weights;                  /* rows × columns */
    float *bias;                     /* NULL: none */
    const struct resident *resident; /* what products are computed with instead; NULL: weights */
    struct resident_work *work;      /* with it */
};

/* Gains: one for each element of the residual stream, or of a head. NULL where the family does not
 * normalise. */
struct block {
    float *attention_norm;
    float *attention_output_norm; /* of what the output projection gives */
    float *ffn_norm;
    float *ffn_output_norm; /* of what down gives */
    float *query_norm;
    float *key_norm;
    float *router;         /* experts × hidden: logits of the experts; NULL: there is one way */
    size_t layers;         /* of linear */
    struct linear *linear; /* by slot (layers.h) */
    struct attention_rule attention;
};

/* Vectors and matrices that a block has beside its linear layers. */
struct gains {
    const char *name; /* of its tensor, behind that of the block and before "weight" */
    size_t rows;      /* 0: a vector */
    size_t length;
    float **place; /* in the block */
};

enum { BLOCK_MAX_GAINS = 8 };

/* Those of a block; place is NULL where the block is. Returns their number. */
size_t block_gains(const struct config *config, size_t number, struct block *block,
                   struct gains gains[BLOCK_MAX_GAINS]);

/* A block without weights, whose layers have their shapes. */
bool block_create(struct block *block, const struct config *config, size_t number,
                  struct failure *failure);
void block_free(struct block *block);

/* What a block has beside its linear layers: where one of the two only stands for the other. All
 * pointers stay the original's. */
void block_borrow(struct block *block, const struct block *original);

/* Bytes of the largest block in memory. */
uint64_t block_memory(const struct config *config);

/* Whether a layer of a kind has a bias. */
bool block_has_bias(const struct config *config, enum linear_kind kind);

#endif
