/* SPDX-License-Identifier: MIT */
/* The statistics of an input, from shards on all ranks. */
#ifndef EXAMPLES_MPI_REDUCE_H
#define EXAMPLES_MPI_REDUCE_H

#include <watersic/watersic.h>

#include "mpi/folder.h"

/* An input, and what it was in parts of the text. */
struct sharded_input {
    const char *name; /* for messages */
    size_t shards;
    /* Make the statistics of a shard of this rank. */
    bool (*take)(void *self, size_t shard, wsic_stats **stats, struct failure *failure);
    void *self;
};

/* All ranks call it for the same input. The rank with the first shard writes the sum over all
 * shards to a file of the folder, which appears when it is complete. */
bool reduce_input(const struct folder *folder, const struct sharded_input *input, size_t number,
                  wsic_context *context, struct failure *failure);

#endif
