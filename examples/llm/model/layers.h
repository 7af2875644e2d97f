/* SPDX-License-Identifier: MIT */
/* The linear layers of a model: where each stands, its shape and its name.
 *
 * Layers have numbers in the order in which they are computed, counted from 0 over the whole model.
 * Within a block that number is the slot: query, key, value and output first, then gate, up and
 * down of every expert. A block without experts is like one that has one, which sees all tokens. */
#ifndef EXAMPLES_LLM_MODEL_LAYERS_H
#define EXAMPLES_LLM_MODEL_LAYERS_H

#include "llm/model/config.h"

/* What a linear layer does in a block. */
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

enum { MODEL_NAME_SIZE = 96 };

struct layer_place {
    size_t block;
    size_t slot; /* in the block */
    enum linear_kind kind;
    size_t expert; /* 0 unless the layer is one of an expert */
    size_t rows;
    size_t columns;
};

/* The slot of a layer; and what is in one. */
size_t layers_slot(enum linear_kind kind, size_t expert);
enum linear_kind layers_kind(size_t slot);
size_t layers_expert(size_t slot);

/* How many there are: in one block, in all before it, in the model. */
size_t layers_of_block(const struct config *config, size_t block);
size_t layers_before(const struct config *config, size_t block);
size_t layers_count(const struct config *config);

/* The layer in a slot, and the one of a number. */
struct layer_place layers_in(const struct config *config, size_t block, size_t slot);
struct layer_place layers_at(const struct config *config, size_t number);

/* Blocks that stand for all: one with experts and one without, as far as there are any. Returns
 * their number. */
enum { LAYERS_SHAPES = 2 };
size_t layers_shapes(const struct config *config, size_t blocks[LAYERS_SHAPES]);

/* The one of them that has most weights. */
size_t layers_largest_block(const struct config *config);

/* Inputs of the widest layer. */
size_t layers_widest(const struct config *config);

/* Weights in all of them. */
size_t layers_weights(const struct config *config);

/* The name of a layer in archives and messages: that of its tensor in checkpoints whose families
 * neither fuse layers nor add a prefix. */
void layers_name(const struct config *config, size_t number, char name[MODEL_NAME_SIZE]);

/* The part of that name that tells the layer within its block, without "weight". */
void layers_part(const struct config *config, const struct layer_place *place,
                 char part[MODEL_NAME_SIZE]);

/* The number of the layer of a name; false if no layer has it. */
bool layers_find(const struct config *config, const char *name, size_t *number);

#endif
