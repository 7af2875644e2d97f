/* SPDX-License-Identifier: MIT */
/* Going on with an archive that was not finished. */
#ifndef EXAMPLES_LLM_RUN_TAKEOVER_H
#define EXAMPLES_LLM_RUN_TAKEOVER_H

#include <watersic/watersic.h>

#include "common/failure.h"
#include "llm/model/config.h"

struct takeover {
    bool *taken;  /* by number: layers of blocks that are in the archive */
    size_t count; /* of them, and of embedding and head */
};

/* Open the writer of an archive, with what an earlier run has left of it; with restart that is
 * thrown away. NULL on failure. */
wsic_archive_writer *takeover_open(wsic_context *context, const char *output, bool restart,
                                   struct failure *failure);

/* Whether the writer has a layer of this name; and the layer, if it has. False on failure. */
bool takeover_has(const wsic_archive_writer *writer, const char *name);
bool takeover_layer(wsic_archive_writer *writer, const char *name, wsic_layer **layer,
                    struct failure *failure);

/* See which layers of a model the writer has. Layers that the model does not have are refused. */
bool takeover_find(struct takeover *takeover, const wsic_archive_writer *writer,
                   const struct config *config, const char *output, struct failure *failure);
void takeover_free(struct takeover *takeover);

/* After a failure: add to its text that what was made so far is kept. */
void takeover_tell(const wsic_archive_writer *writer, const char *output, struct failure *failure);

#endif
