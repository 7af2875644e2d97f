/* SPDX-License-Identifier: MIT */
/* What commands read: weights, statistics, archives. All functions print what is wrong and
 * return the exit code. */
#ifndef CLI_INPUTS_H
#define CLI_INPUTS_H

#include <watersic/watersic.h>

#include "common/npy.h"
#include "common/safetensors.h"

typedef struct weights_input {
    wsic_matrix matrix;
    char *name; /* the tensor's name, or the file's without directory and suffix */
    npy_array array;
    struct safetensors *file;
    void *copy; /* of a tensor that is not aligned in its file */
} weights_input;

/* A .npy file, or FILE.safetensors:TENSOR. */
int weights_open(const char *from, weights_input *weights);
/* spares_input() of the file that holds the weights. */
bool weights_spared(const char *output, const char *from);
/* Whether a name can be that of a layer: well-formed UTF-8. */
bool is_text(const char *name);
void weights_close(weights_input *weights);

/* A batch of activations, a token a row. */
int activations_open(const char *path, npy_array *array, wsic_matrix *matrix);

/* A covariance as .npy, or a saved statistics file: told apart by their first bytes.
 * samples is what a covariance stands for; NAN means its number of columns. */
int stats_open(wsic_context *context, const char *path, double samples, wsic_stats **out);

int archive_open(wsic_context *context, const char *path, wsic_archive **out);
int archive_layer(wsic_archive *archive, const char *path, size_t index, wsic_layer **out);

/* The same, and decode all of its codes to see that they can be. */
int archive_checked_layer(wsic_archive *archive, const char *path, size_t index, wsic_layer **out);

#endif
