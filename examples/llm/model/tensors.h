/* SPDX-License-Identifier: MIT */
/* Where a checkpoint keeps what a model consists of: the names of tensors in its family, and the
 * rows of one that several layers share. */
#ifndef EXAMPLES_LLM_MODEL_TENSORS_H
#define EXAMPLES_LLM_MODEL_TENSORS_H

#include "llm/model/checkpoint.h"
#include "llm/model/layers.h"
#include "llm/model/stored.h"

/* Tensors that are no part of a block. A tied model has no head. */
extern const char model_embedding_name[];
extern const char model_head_name[];

/* A tensor of a block: part.end */
void tensors_name(const struct config *config, size_t block, const char *part, const char *end,
                  char name[MODEL_NAME_SIZE]);

/* A tensor beside those of blocks. */
void tensors_name_outer(const struct config *config, const char *own, char name[MODEL_NAME_SIZE]);

/* Name of the checkpoint's tensor that has a layer or table of that name of ours: several layers
 * can be bands of one tensor, one below the other. A name that is none of ours stays. */
void tensors_of_layer(const struct config *config, const char *name, char tensor[MODEL_NAME_SIZE]);

/* The weights of a layer; its tensors count as taken. */
bool tensors_find(struct stored *stored, struct checkpoint *checkpoint, const struct config *config,
                  const struct layer_place *place, struct failure *failure);

/* How the checkpoint has its experts: config->mixture.stacked. */
void tensors_look(struct config *config, const struct checkpoint *checkpoint);

#endif
