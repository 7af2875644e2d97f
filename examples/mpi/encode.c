/* SPDX-License-Identifier: MIT */
#include "mpi/encode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/npy.h"

void statistics_path(char path[STATISTICS_PATH_SIZE], const char *folder, size_t input)
{
    snprintf(path, STATISTICS_PATH_SIZE, "%s/input%zu.stats", folder, input);
}

static bool fail(const struct workshop *w, size_t number, struct failure *failure)
{
    return refuse(failure, "layer %s: %s", w->manifest->layers[number].name,
                  wsic_context_message(w->context));
}

static bool have_statistics(struct workshop *w, size_t number, struct failure *failure)
{
    const size_t input = w->manifest->layers[number].input;
    char path[STATISTICS_PATH_SIZE];

    if (w->stats && w->input == input)
        return true;
    wsic_stats_destroy(w->stats);
    w->stats = NULL;
    w->input = input;
    statistics_path(path, w->folder, input);
    return wsic_stats_load(w->context, path, &w->stats) == WSIC_OK || fail(w, number, failure);
}

static bool copy_bytes(const wsic_layer *layer, struct made_layer *made, struct failure *failure)
{
    const void *bytes;
    size_t size;

    wsic_layer_get_bytes(layer, &bytes, &size);
    *made = (struct made_layer){.bytes = malloc(size), .size = size};
    if (!made->bytes)
        return refuse(failure, "out of memory for %zu bytes", size);
    memcpy(made->bytes, bytes, size);
    return true;
}

static bool encode(struct workshop *w, size_t number, const npy_array *weights,
                   struct made_layer *made, char notice[256], struct failure *failure)
{
    wsic_matrix matrix;
    wsic_layer *layer;

    wsic_matrix_init(&matrix, sizeof matrix, weights->data, weights->dtype, weights->rows,
                     weights->columns, 0);
    const wsic_status status = wsic_encoder_run(w->encoder, w->stats, &matrix, &layer);
    if (status < 0)
        return fail(w, number, failure);
    snprintf(notice, 256, "%s", status > 0 ? wsic_encoder_message(w->encoder) : "");
    const bool ok = copy_bytes(layer, made, failure);
    wsic_layer_destroy(layer);
    return ok;
}

bool encode_layer(struct workshop *workshop, size_t number, struct made_layer *made,
                  char notice[256], struct failure *failure)
{
    const struct manifest_layer *const entry = &workshop->manifest->layers[number];
    npy_array weights;

    if (!have_statistics(workshop, number, failure) || !npy_read(entry->weights, &weights, failure))
        return false;
    const bool ok = npy_is_real(&weights, failure)
                        ? encode(workshop, number, &weights, made, notice, failure)
                        : refuse(failure, "%s: weights are not integers", entry->weights);
    npy_release(&weights);
    return ok;
}
