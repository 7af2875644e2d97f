/* SPDX-License-Identifier: MIT */
/* The layers of a quantized model and what is known of how they were made: an archive of the
 * library, or a directory that was packed of one (coded_tensors.h). */
#ifndef EXAMPLES_LLM_MODEL_PACKAGE_H
#define EXAMPLES_LLM_MODEL_PACKAGE_H

#include <watersic/watersic.h>

#include "common/failure.h"
#include "llm/model/checkpoint.h"

struct package;

/* Open a file as an archive, a directory as one that was packed. A directory without coded tensors
 * is refused. */
bool package_open(struct package **out, wsic_context *context, const char *path,
                  struct failure *failure);
void package_close(struct package *package);

/* The directory, with all its tensors; NULL for an archive. */
const struct checkpoint *package_checkpoint(const struct package *package);

/* Bytes of the archive, or of all coded tensors. */
uint64_t package_bytes(const struct package *package);

size_t package_count(const struct package *package);

/* Layers keep the order of the archive. index is below package_count(). */
const char *package_name(const struct package *package, size_t index);

/* Whether there is a layer of that name; its index may be asked for. */
bool package_find(const struct package *package, const char *name, size_t *index);

/* A layer, which the caller destroys before the package is closed. NULL on failure. */
wsic_layer *package_layer(const struct package *package, size_t index, struct failure *failure);

/* What the archive's metadata say under a key; NULL for nothing. */
const char *package_metadata(const struct package *package, const char *key);

/* The keys, in whatever order; NULL beyond the last. */
const char *package_key(const struct package *package, size_t index);

#endif
