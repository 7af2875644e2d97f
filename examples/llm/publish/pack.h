/* SPDX-License-Identifier: MIT */
/* A quantized model as a directory that stands alone: the layers of an archive under the names of
 * their tensors, and all that the checkpoint has beside them. */
#ifndef EXAMPLES_LLM_PUBLISH_PACK_H
#define EXAMPLES_LLM_PUBLISH_PACK_H

#include <limits.h>
#include <stdint.h>
#include <watersic/watersic.h>

#include "common/meter.h"
#include "llm/model/model.h"

struct packing {
    const struct checkpoint *checkpoint;
    const char *source; /* its directory */
    const struct config
        *config; /* of the model: where its layers are in tensors; NULL: no model that is known */
    wsic_archive *archive;
    const char *archive_path;
    const char *output; /* directory, which must not be there yet */
    uint64_t shard_bytes;
    struct meter *meter; /* shows how far it is; may be NULL */
};

struct packed {
    uint64_t weights; /* that are coded */
    uint64_t coded_bytes;
    size_t coded;         /* tensors */
    uint64_t other_bytes; /* of tensors that are as in the checkpoint */
    size_t others;
};

/* Write the directory. Refused are layers that are no tensor of the checkpoint (homes.h), and those
 * that do not make up theirs, as where of query, key and value in one tensor not all are
 * quantized. */
bool pack_model(const struct packing *packing, struct packed *packed, struct failure *failure);

/* The name of the archive that a run makes before it packs its directory: it is named after it, and
 * kept beside it until then. Refused is a directory that is there already, and an archive: one that
 * is complete belongs to a run that could not pack it, or to somebody. */
bool pack_name_archive(const char *directory, char path[PATH_MAX], struct failure *failure);

/* pack_model() of the archive at archive_path, which is opened for it, and removed when the
 * directory is complete. */
bool pack_archive_away(const struct packing *packing, wsic_context *context, struct packed *packed,
                       struct failure *failure);

#endif
