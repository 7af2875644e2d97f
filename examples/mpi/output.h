/* SPDX-License-Identifier: MIT */
/* One archive, whose layers have a given order, in whatever order they are made. */
#ifndef EXAMPLES_MPI_OUTPUT_H
#define EXAMPLES_MPI_OUTPUT_H

#include <watersic/watersic.h>

#include "mpi/deal.h"

struct output {
    wsic_context *context;
    wsic_archive_writer *writer;
    const char *const *names; /* of all layers; borrowed */
    size_t count;
    size_t next;              /* the first layer that the archive does not have */
    struct made_piece *early; /* by number: layers that wait for those before them */
};

/* Begin an archive, or go on with one that a run has left. It is the caller's to see that this was
 * the same run. */
bool output_begin(struct output *output, wsic_context *context, const char *path,
                  const char *const *names, size_t count, struct failure *failure);

/* Note settings of the run under a key; or, where the archive has layers, see that they are the
 * same. */
bool output_settings(const struct output *output, const char *path, const char *key,
                     const char *settings, struct failure *failure);

/* Take a layer and tell of it; self is a struct output (see dealing.take). */
bool output_take(void *self, size_t number, const struct made_piece *layer,
                 struct failure *failure);

/* All layers are there: give the file its name. */
bool output_finish(const struct output *output, struct failure *failure);
void output_end(struct output *output);

/* Copy the bytes of a layer, to be sent to rank 0. */
bool output_copy(const wsic_layer *layer, struct made_piece *made, struct failure *failure);

#endif
