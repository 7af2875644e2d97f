/* SPDX-License-Identifier: MIT */
/* The text goes through the original model, block by block, on all ranks at once: each takes its
 * own shards along, and what the shards say of an input is added up in a tree (reduce.h). */
#ifndef EXAMPLES_MPI_MODEL_GATHER_SHARDS_H
#define EXAMPLES_MPI_MODEL_GATHER_SHARDS_H

#include "mpi/model/job.h"

/* All ranks call it. Afterwards the statistics of all inputs are files of the folder; what an
 * earlier run has left there is taken over. */
bool gather_shards(struct job *job, struct failure *failure);

#endif
