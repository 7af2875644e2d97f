/* SPDX-License-Identifier: MIT */
#include "mpi/manifest_run.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/npy.h"
#include "mpi/output.h"

/* --- statistics ------------------------------------------------------------ */

struct shard_files {
    const struct manifest_input *input;
    wsic_context *context;
};

static bool fail_input(const struct shard_files *files, const char *what, struct failure *failure)
{
    return refuse(failure, "input %s: %s: %s", files->input->name, what,
                  wsic_context_message(files->context));
}

static bool add_array(const struct shard_files *files, const char *path, wsic_stats **stats,
                      struct failure *failure)
{
    npy_array array;

    if (!npy_read(path, &array, failure))
        return false;
    const bool ok = npy_is_real(&array, failure)
                        ? (wsic_stats_create(files->context, array.columns, stats) == WSIC_OK &&
                           wsic_stats_add_activations_flat(*stats, array.data, array.dtype,
                                                           array.rows, 0, NULL) == WSIC_OK) ||
                              fail_input(files, path, failure)
                        : refuse(failure, "%s: activations are not integers", path);
    npy_release(&array);
    return ok;
}

/* Activations, or statistics that somebody else has saved. */
static bool take_file(void *self, size_t shard, wsic_stats **stats, struct failure *failure)
{
    const struct shard_files *const files = self;
    const char *const path = files->input->shards[shard];

    *stats = NULL;
    if (npy_recognize(path) ? add_array(files, path, stats, failure)
                            : wsic_stats_load(files->context, path, stats) == WSIC_OK ||
                                  fail_input(files, "shard", failure))
        return true;
    wsic_stats_destroy(*stats);
    return false;
}

bool workshop_reduce(struct workshop *w, size_t input, struct failure *failure)
{
    struct shard_files files = {.input = &w->manifest->inputs[input], .context = w->context};
    const struct sharded_input sharded = {
        .name = files.input->name, .shards = files.input->count, .take = take_file, .self = &files};

    return reduce_input(w->folder, &sharded, input, w->context, failure);
}

/* --- layers ----------------------------------------------------------------- */

static bool fail(const struct workshop *w, size_t number, struct failure *failure)
{
    return refuse(failure, "layer %s: %s", w->manifest->layers[number].name,
                  wsic_context_message(w->context));
}

static bool encode(struct workshop *w, size_t number, const npy_array *weights,
                   struct made_piece *made, struct failure *failure)
{
    wsic_matrix matrix;
    wsic_layer *layer;

    wsic_matrix_init(&matrix, sizeof matrix, weights->data, weights->dtype, weights->rows,
                     weights->columns, 0);
    const wsic_status status = wsic_encoder_run(w->encoder, w->inputs.stats, &matrix, &layer);
    if (status < 0)
        return fail(w, number, failure);
    snprintf(made->notice, sizeof made->notice, "%s",
             status > 0 ? wsic_encoder_message(w->encoder) : "");
    const bool ok = output_copy(layer, made, failure);
    wsic_layer_destroy(layer);
    return ok;
}

bool workshop_encode(void *self, size_t number, struct made_piece *made, struct failure *failure)
{
    struct workshop *const w = self;
    const struct manifest_layer *const entry = &w->manifest->layers[number];
    npy_array weights;

    if (!input_stats_load(&w->inputs, w->context, w->folder, entry->input))
        return fail(w, number, failure);
    if (!npy_read(entry->weights, &weights, failure))
        return false;
    const bool ok = npy_is_real(&weights, failure)
                        ? encode(w, number, &weights, made, failure)
                        : refuse(failure, "%s: weights are not integers", entry->weights);
    npy_release(&weights);
    return ok;
}
