/* SPDX-License-Identifier: MIT */
/* One layer, by the rank that it was dealt to. */
#ifndef EXAMPLES_MPI_ENCODE_H
#define EXAMPLES_MPI_ENCODE_H

#include <watersic/watersic.h>

#include "mpi/output.h"

struct workshop {
    wsic_context *context;
    wsic_encoder *encoder;
    const struct manifest *manifest;
    const char *folder; /* of the statistics */
    size_t input;       /* whose statistics are here, for the next layer with the same input */
    wsic_stats *stats;  /* NULL: none yet */
};

enum { STATISTICS_PATH_SIZE = 4096 };

/* The file of an input's statistics. */
void statistics_path(char path[STATISTICS_PATH_SIZE], const char *folder, size_t input);

/* Quantize a layer. The bytes are the caller's. notice is empty if the rate was reached. */
bool encode_layer(struct workshop *workshop, size_t number, struct made_layer *made,
                  char notice[256], struct failure *failure);

#endif
