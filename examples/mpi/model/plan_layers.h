/* SPDX-License-Identifier: MIT */
/* One plan over all layers (llm/watersic/allocation.h). The drafts that correct it are dealt out;
 * rank 0 solves it. */
#ifndef EXAMPLES_MPI_MODEL_PLAN_LAYERS_H
#define EXAMPLES_MPI_MODEL_PLAN_LAYERS_H

#include "mpi/model/job.h"

/* All ranks call it. Afterwards all know the rates of all layers. encoder, writer: rank 0's, whose
 * archive the budget is for; it notes what divergence is predicted. */
bool plan_layers(struct job *job, wsic_encoder *encoder, wsic_archive_writer *writer,
                 struct failure *failure);

/* The same again, when the layers before this one are in the archive: what they have left of the
 * budget is shared out over the others. */
bool plan_rest(struct job *job, size_t first, wsic_archive_writer *writer, struct failure *failure);

void plan_end(struct job *job);

#endif
