/* SPDX-License-Identifier: MIT */
/* Writer of one file in the safetensors format. The header comes first, so that names, types and
 * sizes of all tensors must be known before the first byte of data. */
#ifndef EXAMPLES_SAFETENSORS_WRITER_H
#define EXAMPLES_SAFETENSORS_WRITER_H

#include <jansson.h>
#include <stdint.h>

#include "common/atomic_file.h"
#include "common/safetensors.h"

/* The data begin at a multiple of this, and with them the first tensor. */
#define SAFETENSORS_ALIGNMENT 64

struct safetensors_entry {
    const char *name;
    const char *type; /* one of the format's: "F32", "BF16", "U8", ... */
    size_t dimensions;
    size_t shape[SAFETENSORS_MAX_DIMENSIONS];
    uint64_t bytes;
};

struct safetensors_writer {
    atomic_file file;
    uint64_t promised; /* bytes of data */
    uint64_t written;
};

/* Open a file and write its header: the tensors in this order, without gaps, and the metadata, an
 * object of strings. The file appears under its name with safetensors_writer_commit(). */
bool safetensors_writer_open(struct safetensors_writer *writer, const char *path,
                             const json_t *metadata, const struct safetensors_entry *entries,
                             size_t count, struct failure *failure);

/* The next bytes of data. */
bool safetensors_writer_add(struct safetensors_writer *writer, const void *data, size_t size,
                            struct failure *failure);

/* Finish the file, all of whose data must have been added. It is closed in any case. */
bool safetensors_writer_commit(struct safetensors_writer *writer, struct failure *failure);

/* Close and leave nothing behind. Does nothing after a commit. */
void safetensors_writer_abandon(struct safetensors_writer *writer);

#endif
