/* SPDX-License-Identifier: MIT */
/* Stamps of coded tensors: what the metadata of a safetensors file say of tensors that are the
 * bytes of layers (docs/format.md, "Layers in safetensors files"). */
#ifndef EXAMPLES_CODED_TENSORS_H
#define EXAMPLES_CODED_TENSORS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "common/safetensors.h"

/* Of the format of stamps. */
#define CODED_VERSION "1"

/* Keys of the metadata. */
extern const char coded_version_key[]; /* CODED_VERSION */
extern const char coded_tensors_key[]; /* the stamps */
extern const char coded_run_key[];     /* of the first file: the metadata of the archive */

/* Layers begin at multiples of this in their tensor, and what lies between is zero. */
#define CODED_ALIGNMENT 64

/* The tensor that the layers stand for. They are bands of its rows one below the other; a tensor of
 * more than two dimensions counts as a matrix whose rows are as long as its last dimension. */
struct coded_stamp {
    const char *type; /* of the numbers that were coded, as the format names it */
    size_t dimensions;
    size_t shape[SAFETENSORS_MAX_DIMENSIONS];
    size_t layers;
    const struct coded_layer *coded;
};

/* Bytes of a layer with the zeros behind it. */
uint64_t coded_padded(uint64_t bytes);

/* Bytes of a tensor with such a stamp. */
uint64_t coded_bytes(const struct coded_stamp *stamp);

/* The stamp as JSON; NULL if memory is short. */
json_t *coded_describe(const struct coded_stamp *stamp);

/* The stamps of a file by the names of its tensors, from its metadata, which may be NULL. *stamps
 * is NULL where there are none. A version of stamps that is not known is refused. */
bool coded_load(json_t **stamps, const json_t *metadata, const char *path, struct failure *failure);

/* Read a stamp and let a tensor be what it says: shape and count become those of the matrix that is
 * coded. Names of layers are the stamp's; the list of them is allocated: release tensor->coded
 * with free(). */
bool coded_apply(struct tensor *tensor, const json_t *stamp, struct failure *failure);

#endif
