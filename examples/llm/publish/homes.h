/* SPDX-License-Identifier: MIT */
/* Which tensors of a checkpoint the layers of an archive stand for. */
#ifndef EXAMPLES_LLM_PUBLISH_HOMES_H
#define EXAMPLES_LLM_PUBLISH_HOMES_H

#include <stddef.h>
#include <watersic/watersic.h>

#include "common/failure.h"
#include "llm/model/checkpoint.h"
#include "llm/model/config.h"

enum { HOME_NAME_SIZE = 192 };

struct home {
    char tensor[HOME_NAME_SIZE];
    size_t layer; /* index in the archive */
};

/* Sorted by tensors; layers of one tensor as in the archive, which is the order of their rows. */
struct homes {
    struct home *of;
    size_t count;
};

/* Find the tensor of every layer: that of its name in the model (config; NULL: in no model that is
 * known), or the stack of matrices NAME where the layer is called NAME.0, NAME.1 and so on. Refuses
 * layers that are no tensor of the checkpoint, and those of MXFP4, whose two tensors no coded one
 * can replace. */
bool homes_find(struct homes *homes, const struct checkpoint *checkpoint,
                const struct config *config, const wsic_archive *archive, const char *archive_path,
                struct failure *failure);
void homes_free(struct homes *homes);

/* The first layer of a tensor, and how many it has; NULL if it has none. */
const struct home *homes_in(const struct homes *homes, const char *tensor, size_t *count);

#endif
