/* SPDX-License-Identifier: MIT */
/* One archive, whose layers have the order of the manifest, in whatever order they are made. */
#ifndef EXAMPLES_MPI_OUTPUT_H
#define EXAMPLES_MPI_OUTPUT_H

#include <stdint.h>
#include <watersic/watersic.h>

#include "mpi/manifest.h"

struct made_layer {
    void *bytes;
    uint64_t size;
};

struct output {
    wsic_context *context;
    const struct manifest *manifest;
    wsic_archive_writer *writer;
    size_t next;              /* the first layer that the archive does not have */
    struct made_layer *early; /* by number: layers that wait for those before them */
};

/* Begin an archive, or go on with one that a run of the same settings has left. */
bool output_begin(struct output *output, wsic_context *context, const struct manifest *manifest,
                  const char *path, const char *settings, struct failure *failure);

/* Take a layer; the bytes belong to the output from now on. */
bool output_take(struct output *output, size_t number, struct made_layer layer,
                 struct failure *failure);

/* All layers are there: give the file its name. */
bool output_finish(struct output *output, struct failure *failure);
void output_end(struct output *output);

#endif
