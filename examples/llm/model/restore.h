/* SPDX-License-Identifier: MIT */
/* Weights from an archive. */
#ifndef EXAMPLES_LLM_MODEL_RESTORE_H
#define EXAMPLES_LLM_MODEL_RESTORE_H

#include <watersic/watersic.h>

#include "llm/model/model.h"
#include "llm/model/package.h"

/* An archive beside the model that it was made from. Blocks are decoded one at a time. */
struct restored {
    struct package *package;
    const char *path;
    uint64_t weights; /* in all layers of the archive */
    const struct model *original;
    struct model model; /* the original's, or from the archive: embedding, norm, head; no blocks */
    struct block block; /* the one that was decoded last; its norms are those of the original */
    wsic_layer_info *info; /* of its layers */
};

/* Open an archive, or a directory that was packed of one, and decode what it has of embedding and
 * head. A layer that is missing but was not skipped, or is no part of the model, is refused. The
 * path and the model's other tensors are borrowed. */
bool restored_open(struct restored *restored, const struct model *original, wsic_context *context,
                   const char *path, struct failure *failure);
void restored_close(struct restored *restored);

/* Whether the archive has a layer of that name. */
bool restored_has(const struct restored *restored, const char *name);

/* Whether the archive says that the layer of that name was left as it is in the checkpoint. */
bool restored_skips(const struct restored *restored, const char *name);

/* Open a layer. One that is missing, or of another shape, is refused. NULL on failure. */
wsic_layer *restored_layer(const struct restored *restored, const char *name,
                           const struct linear *shape, wsic_layer_info *info,
                           struct failure *failure);

/* Decode a block, whose skipped layers are the original ones. A layer of another shape than the
 * original's is refused. NULL on failure; else valid until the next call. */
const struct block *restored_block(struct restored *restored, size_t number,
                                   const struct block *original, struct failure *failure);

#endif
