/* SPDX-License-Identifier: MIT */
/* A model's weights in single precision: block by block from its checkpoint, or all in memory. */
#ifndef EXAMPLES_LLM_MODEL_MODEL_H
#define EXAMPLES_LLM_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "llm/model/block.h"
#include "llm/model/checkpoint.h"
#include "llm/model/exclusions.h"
#include "llm/model/table.h"
#include "llm/model/tensors.h"

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

#endif
