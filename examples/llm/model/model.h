/* SPDX-License-Identifier: MIT */
/* A model's weights in single precision: block by block from its checkpoint, or all in memory. */
#ifndef EXAMPLES_LLM_MODEL_MODEL_H
#define EXAMPLES_LLM_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "llm/model/attention_rule.h"
#include "llm/model/checkpoint.h"
#include "llm/model/config.h"
#include "llm/model/exclusions.h"
#include "llm/model/resident.h"
#include "llm/model/table.h"

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
    struct linear linear[LINEAR_KINDS];
    struct attention_rule attention;
};

struct model {
    struct config config;
    struct checkpoint *checkpoint;
    struct table embedding;
    struct table head; /* empty if tied: see model_head() */
    float *norm;
    float embedding_factor;              /* of its rows, where they become states */
    const struct exclusions *exclusions; /* whose rows are zero in blocks that are loaded; may be
                                            NULL. Borrowed. */
    struct block *blocks;                /* NULL unless they are in memory */
    double stored_bits; /* bits per weight of the linear layers in the checkpoint */
};

/* Read DIRECTORY/config.json and open the checkpoint beside it (checkpoint.h). Names and shapes of
 * all tensors are checked, but none but the last norm is loaded. */
bool model_open(struct model *model, const char *directory, struct failure *failure);

/* Load a block's original weights. Those that are not finite are refused. */
bool model_load_block(const struct model *model, size_t number, struct block *block,
                      struct failure *failure);

/* Linear layers whose weights the caller has in a form of its own. */
struct model_absence {
    bool (*has)(const void *self, const char *layer);
    const void *self;
};

/* The same without the weights of these layers: they are not even decoded where they are coded, and
 * are NULL in the block. */
bool model_load_block_without(const struct model *model, size_t number,
                              const struct model_absence *absence, struct block *block,
                              struct failure *failure);
void block_free(struct block *block);

/* What a block has beside its linear layers: where one of the two only stands for the other. All
 * pointers stay the original's. */
void block_borrow(struct block *block, const struct block *original);

/* Bytes of a block in memory. */
uint64_t block_memory(const struct config *config);

/* The block in memory; if there is none, its original weights, loaded in place of those that loaded
 * held (nothing at first), which the caller frees in the end. NULL on failure. */
const struct block *model_block(const struct model *model, size_t number, struct block *loaded,
                                struct failure *failure);

/* Have the head in memory, if it is not there yet. */
bool model_load_head(struct model *model, struct failure *failure);

/* Have embedding and head in memory. */
bool model_load_tables(struct model *model, struct failure *failure);

/* Have all blocks and the head in memory. */
bool model_load_rest(struct model *model, struct failure *failure);

/* Open, with all blocks and the head in memory. */
bool model_load(struct model *model, const char *directory, struct failure *failure);

void model_free(struct model *model);

/* What makes logits of states: the embedding itself if tied. */
const struct table *model_head(const struct model *model);

/* Shape of the linear layers of a kind; no weights. */
struct linear model_linear_shape(const struct config *config, enum linear_kind kind);

/* Inputs of the widest layer. */
size_t model_widest(const struct config *config);

/* Number of weights in all linear layers. */
size_t model_linear_weights(const struct model *model);

enum { MODEL_NAME_SIZE = 96 };

/* Tensors of the checkpoint that are no part of a block. A tied model has no head. */
extern const char model_embedding_name[];
extern const char model_head_name[];

/* Name of a linear layer in archives and messages: that of its tensor in checkpoints whose families
 * neither fuse layers nor add a prefix. */
void model_linear_name(char name[MODEL_NAME_SIZE], size_t block, enum linear_kind kind);

/* Name of the checkpoint's tensor that has a layer or table of that name of ours: several layers can
 * be bands of one tensor, one below the other. A name that is none of ours stays. */
void model_tensor_name(const struct config *config, const char *name, char tensor[MODEL_NAME_SIZE]);

#endif
