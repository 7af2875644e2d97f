/* SPDX-License-Identifier: MIT */
/* What there is to say of a quantized model: an archive, or a directory that was packed. */
#ifndef CLI_PAGE_COLLECTION_H
#define CLI_PAGE_COLLECTION_H

#include <watersic/watersic.h>

#include "common/failure.h"
#include "llm/model/package.h"

struct collection {
    const char *path;
    struct package *package;
    size_t count; /* of layers */
    wsic_layer_info *infos;
    double weights; /* in all layers */
    uint64_t bytes; /* of the archive, or of all tensors of the directory */
    uint64_t code_bytes;
    uint64_t side_bytes;  /* of layers: scales, headers, checksums */
    uint64_t other_bytes; /* of tensors of the directory that are not coded */
};

/* Read the facts of all layers; no layer is decoded. Release in any case. */
bool collection_open(struct collection *collection, wsic_context *context, const char *path,
                     struct failure *failure);
void collection_close(struct collection *collection);

const char *collection_name(const struct collection *collection, size_t layer);

/* What is left of the bytes: records of the archive, zeros between layers. */
uint64_t collection_rest(const struct collection *collection);

/* Divergence in bits per token that was predicted before the run; NaN if nothing was. */
double collection_prediction(const struct collection *collection);

/* The same at the limit, as far as it is known: 2^(-2 gap) of it, on average over the weights, as a
 * plan spreads what a model loses evenly over them. NaN if a limit is not known. */
double collection_prediction_at_limit(const struct collection *collection);

#endif
