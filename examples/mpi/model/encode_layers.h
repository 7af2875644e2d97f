/* SPDX-License-Identifier: MIT */
/* Layers at the rates of the plan, dealt out over ranks, in one archive. A layer meets its rate but
 * nearly: when all blocks but the last are made, the plan for that one is made again, so that the
 * archive has the size that was asked for. */
#ifndef EXAMPLES_MPI_MODEL_ENCODE_LAYERS_H
#define EXAMPLES_MPI_MODEL_ENCODE_LAYERS_H

#include "mpi/model/job.h"
#include "mpi/output.h"

/* All ranks call it; output is rank 0's. */
bool encode_layers(struct job *job, wsic_encoder *encoder, struct output *output,
                   struct failure *failure);

#endif
