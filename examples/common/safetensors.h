/* SPDX-License-Identifier: MIT */
/* Reader of the safetensors format: a JSON header that names the tensors, then their bytes.
 *
 * The file is mapped, not read: opening a large checkpoint costs nothing. The header is not
 * trusted: all that it says is checked against the file when it is opened, so that a tensor that
 * can be asked for can be read. */
#ifndef EXAMPLES_SAFETENSORS_H
#define EXAMPLES_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "common/failure.h"
#include "common/filemap.h"

#define SAFETENSORS_MAX_DIMENSIONS 8

struct safetensors;

/* A layer in a coded tensor. */
struct coded_layer {
    const char *name;
    size_t bytes;
};

struct tensor {
    const char *name;
    const char *file;  /* path, for messages */
    const char *type;  /* as in the file: "F32", "BF16", ... */
    uint32_t dtype;    /* WSIC_F64, F32, F16, BF16; 0 for the format's other types */
    size_t dimensions; /* 0 for a single number */
    size_t shape[SAFETENSORS_MAX_DIMENSIONS];
    size_t count; /* numbers */
    size_t bytes;
    const unsigned char *data; /* may be unaligned */
    const struct filemap *map; /* of the file */
    /* Of one that is coded (coded_tensors.h), whose shape and count are those of what it stands
     * for: the type of the numbers that were coded, and the layers that they are in. */
    const char *coded_type; /* NULL: it is not coded */
    struct coded_layer *coded;
    size_t layers;
};

bool safetensors_open(struct safetensors **out, const char *path, struct failure *failure);
void safetensors_close(struct safetensors *file);

/* A string of the file's metadata; NULL if there is none under that key. */
const char *safetensors_metadata(const struct safetensors *file, const char *key);

/* As it was opened by; valid until it is closed. */
const char *safetensors_path(const struct safetensors *file);

size_t safetensors_count(const struct safetensors *file);

/* In the order of their bytes. index is below safetensors_count(). */
const struct tensor *safetensors_at(const struct safetensors *file, size_t index);

/* NULL if there is none of that name. */
const struct tensor *safetensors_find(const struct safetensors *file, const char *name);

/* The format's name of a type of numbers, or NULL if there is none for it. */
const char *safetensors_type(uint32_t dtype);

/* All numbers of a tensor as floats. Refuses types that are not floating, NaN and infinity, and
 * tensors that are coded. */
bool tensor_read_f32(const struct tensor *tensor, float *out, struct failure *failure);

/* The same of some: first and count lie within the tensor's. */
bool tensor_read_part_f32(const struct tensor *tensor, size_t first, size_t count, float *out,
                          struct failure *failure);

/* Let the pages of the file go that the tensor is on, so that a large file does not fill the
 * process's memory as it is read. It can be read again. */
void tensor_release(const struct tensor *tensor);

#endif
