/* SPDX-License-Identifier: MIT */
/* The statistics of an input, from shards on all ranks. */
#ifndef EXAMPLES_MPI_REDUCE_H
#define EXAMPLES_MPI_REDUCE_H

#include <watersic/watersic.h>

#include "mpi/manifest.h"

struct reduction {
    wsic_context *context;
    size_t rank;
    size_t ranks;
    const char *scratch; /* a file of this rank, for statistics that are sent or received */
};

/* All ranks call it for the same input. The rank with the first shard writes the sum over all
 * shards to a file, which appears when it is complete. */
bool reduce_input(const struct reduction *reduction, const struct manifest_input *input,
                  const char *path, struct failure *failure);

#endif
