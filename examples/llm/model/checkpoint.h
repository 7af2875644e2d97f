/* SPDX-License-Identifier: MIT */
/* The tensors of a checkpoint in the layout of Hugging Face: DIRECTORY/model.safetensors, or
 * several files ("shards") and DIRECTORY/model.safetensors.index.json, which tells for every tensor
 * where it is. */
#ifndef EXAMPLES_LLM_MODEL_CHECKPOINT_H
#define EXAMPLES_LLM_MODEL_CHECKPOINT_H

#include "common/failure.h"
#include "common/safetensors.h"

struct checkpoint;

/* The index and all shards are checked against each other: every tensor that the index names must
 * be where it says, and every tensor of a shard must be named. */
bool checkpoint_open(struct checkpoint **out, const char *directory, struct failure *failure);
void checkpoint_close(struct checkpoint *checkpoint);

/* Its files: the index, where there is one, and then what holds tensors. NULL beyond the last. */
const char *checkpoint_file(const struct checkpoint *checkpoint, size_t index);

/* The tensor of that name, which now counts as used. NULL, with the reason, if there is none. */
const struct tensor *checkpoint_take(struct checkpoint *checkpoint, const char *name,
                                     struct failure *failure);

/* The same without counting; the tensor was taken before. */
const struct tensor *checkpoint_find(const struct checkpoint *checkpoint, const char *name);

/* A string of the metadata of the first file that has one under that key; NULL if none has. */
const char *checkpoint_metadata(const struct checkpoint *checkpoint, const char *key);

/* All numbers of one of its tensors as floats: tensor_read_f32(), and coded tensors as well. */
bool checkpoint_read_f32(const struct tensor *tensor, float *out, struct failure *failure);

/* The same of some rows, which are as long as the last of its dimensions. */
bool checkpoint_read_rows_f32(const struct tensor *tensor, size_t first, size_t count, float *out,
                              struct failure *failure);

/* Number of tensors in all files. */
size_t checkpoint_count(const struct checkpoint *checkpoint);

/* Call visit for every tensor, file after file. */
void checkpoint_each(const struct checkpoint *checkpoint,
                     void (*visit)(void *data, const struct tensor *tensor), void *data);

/* Call visit for every tensor that was taken. */
void checkpoint_each_taken(const struct checkpoint *checkpoint,
                           void (*visit)(void *data, const struct tensor *tensor), void *data);

/* Fail if a tensor was not taken: it is a part of the model that forward.c does not compute, such
 * as a bias. Two are known to be idle: the rotations, which some checkpoints store although they
 * follow from the configuration, and the head where the embedding takes its place. Where the
 * tensors of the model have a prefix (NULL: none), those without are parts of something else. */
bool checkpoint_refuse_rest(const struct checkpoint *checkpoint, const char *architecture,
                            const char *prefix, struct failure *failure);

#endif
