/* SPDX-License-Identifier: MIT */
/* Layers are dealt out one by one: whoever has finished gets the next. */
#ifndef EXAMPLES_MPI_DEAL_H
#define EXAMPLES_MPI_DEAL_H

#include "mpi/encode.h"
#include "mpi/output.h"

/* Rank 0 of several: deal out the layers that the output does not have, and collect them. */
bool deal_out(struct output *output, int ranks, struct failure *failure);

/* The other ranks: make layers until there are no more. */
bool deal_in(struct workshop *workshop, struct failure *failure);

/* A single rank makes them all. */
bool deal_alone(struct workshop *workshop, struct output *output, struct failure *failure);

#endif
