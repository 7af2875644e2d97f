/* SPDX-License-Identifier: MIT */
/* The work on a manifest: shards that are files, and layers whose weights are. */
#ifndef EXAMPLES_MPI_MANIFEST_RUN_H
#define EXAMPLES_MPI_MANIFEST_RUN_H

#include "mpi/deal.h"
#include "mpi/input_stats.h"
#include "mpi/manifest.h"
#include "mpi/reduce.h"

struct workshop {
    wsic_context *context;
    wsic_encoder *encoder;
    const struct manifest *manifest;
    const struct folder *folder;
    struct input_stats inputs;
};

/* The statistics of an input of the manifest, as files of the folder. All ranks call it. */
bool workshop_reduce(struct workshop *workshop, size_t input, struct failure *failure);

/* Quantize a layer; self is a struct workshop (see dealing.make). */
bool workshop_encode(void *self, size_t number, struct made_piece *made, struct failure *failure);

#endif
