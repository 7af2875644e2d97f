/* SPDX-License-Identifier: MIT */
/* What the outputs of layers are worth (llm/watersic/outputs.h), from a sample of every shard: only
 * the diagonals of G, which are means over the samples of all shards. */
#ifndef EXAMPLES_MPI_MODEL_SHARE_OUTPUTS_H
#define EXAMPLES_MPI_MODEL_SHARE_OUTPUTS_H

#include "mpi/model/job.h"

/* All ranks call it. Afterwards all know the job's outputs; what an earlier run has left is taken
 * over. */
bool share_outputs(struct job *job, struct failure *failure);

#endif
