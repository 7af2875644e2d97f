/* SPDX-License-Identifier: MIT */
/* The statistics of the input of a layer, kept for the next layer with the same input. */
#ifndef EXAMPLES_MPI_INPUT_STATS_H
#define EXAMPLES_MPI_INPUT_STATS_H

#include <watersic/watersic.h>

#include "mpi/folder.h"

/* Begins with zeros. */
struct input_stats {
    wsic_stats *stats; /* NULL: none yet */
    size_t input;      /* whose they are */
};

/* Read those of an input from the folder, unless they are here. On failure the context has the
 * message, and there are none. */
bool input_stats_load(struct input_stats *kept, wsic_context *context, const struct folder *folder,
                      size_t input);
void input_stats_release(struct input_stats *kept);

#endif
