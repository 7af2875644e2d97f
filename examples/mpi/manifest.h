/* SPDX-License-Identifier: MIT */
/* What a run is made of: lines of words, in a file.
 *
 *     # a comment
 *     input NAME SHARD...             the input of layers, and what it was in parts of the text
 *     layer NAME WEIGHTS INPUT        a matrix, and the name of its input, which comes before
 *
 * A shard is a .npy file of activations, one token in each row, or a file of wsic_stats_save().
 * Weights are a .npy file. An expert of a mixture is a layer like any other, with an input of its
 * own: the tokens that were routed to it. */
#ifndef EXAMPLES_MPI_MANIFEST_H
#define EXAMPLES_MPI_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>

#include "common/failure.h"

struct manifest_input {
    const char *name;
    const char **shards;
    size_t count;
};

struct manifest_layer {
    const char *name;
    const char *weights;
    size_t input; /* its number */
};

struct manifest {
    char *words; /* owns all names */
    struct manifest_input *inputs;
    size_t input_count;
    struct manifest_layer *layers;
    size_t layer_count;
};

/* Understand a text. Failures name the line. */
bool manifest_parse(struct manifest *manifest, const char *text, struct failure *failure);
void manifest_free(struct manifest *manifest);

#endif
