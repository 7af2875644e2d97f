/* SPDX-License-Identifier: MIT */
/* A directory in the layout of Hugging Face that is written as a whole: tensors in one file or in
 * several with an index, a config.json, and the other files of the checkpoint that it is made from,
 * such as those of its tokenizer. It appears under its name only when it is complete. */
#ifndef EXAMPLES_LLM_PUBLISH_DIRECTORY_H
#define EXAMPLES_LLM_PUBLISH_DIRECTORY_H

#include <jansson.h>
#include <stdint.h>

#include "common/meter.h"
#include "common/safetensors_writer.h"

/* Bytes of data in one file, unless something else is asked for: what the hub's tools take. */
#define DIRECTORY_SHARD_BYTES UINT64_C(5000000000)

struct directory_tensor {
    struct safetensors_entry entry;
    json_t *stamp; /* coded_tensors.h; NULL: not coded */
    size_t source; /* where the caller's function finds it */
};

struct directory {
    const char *source; /* the directory of the checkpoint; NULL: there is none */
    const char *output;
    uint64_t shard_bytes;
    struct directory_tensor *tensors; /* are put into an order of their own */
    size_t count;
    struct meter *meter; /* how far it is goes there; NULL for nowhere */
    json_t *run;         /* object of strings for the metadata of the first file; may be NULL */
    json_t *config;      /* what config.json is to be */
    /* Add the bytes of a tensor. */
    bool (*write)(void *self, const struct directory_tensor *tensor,
                  struct safetensors_writer *writer, struct failure *failure);
    void *self;
    uint64_t bytes;   /* of all tensors; directory_write() counts these two */
    uint64_t written; /* of these, so far */
};

/* Fail if something stands under the name of the output but an empty directory. */
bool directory_is_free(const char *output, struct failure *failure);

/* Write all of it. On failure nothing is left. */
bool directory_write(struct directory *directory, struct failure *failure);

/* The config.json of a checkpoint. NULL on failure. */
json_t *directory_config(const char *source, struct failure *failure);

#endif
