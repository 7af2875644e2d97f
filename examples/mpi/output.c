/* SPDX-License-Identifier: MIT */
#include "mpi/output.h"

#include <stdlib.h>
#include <string.h>

static const char settings_key[] = "run";

static bool fail(const struct output *output, struct failure *failure)
{
    return refuse(failure, "output: %s", wsic_context_message(output->context));
}

/* A run that goes on must be the run that was begun. */
static bool same_run(struct output *output, const char *path, const char *settings,
                     struct failure *failure)
{
    const char *const before = wsic_archive_writer_metadata(output->writer, settings_key);

    output->next = wsic_archive_writer_count(output->writer);
    if (output->next == 0)
        return wsic_archive_writer_set_metadata(output->writer, settings_key, settings) ==
                   WSIC_OK ||
               fail(output, failure);
    if (before && strcmp(before, settings) == 0 && output->next <= output->manifest->layer_count)
        return true;
    return refuse(failure,
                  "%s.part was left by a run with other settings or another manifest: "
                  "remove it to begin anew",
                  path);
}

bool output_begin(struct output *output, wsic_context *context, const struct manifest *manifest,
                  const char *path, const char *settings, struct failure *failure)
{
    *output = (struct output){.context = context, .manifest = manifest};
    output->early = calloc(manifest->layer_count, sizeof *output->early);
    if (!output->early)
        return refuse(failure, "out of memory for %zu layers", manifest->layer_count);
    const bool ok = (wsic_archive_writer_resume(context, path, &output->writer) == WSIC_OK ||
                     fail(output, failure)) &&
                    same_run(output, path, settings, failure);
    if (!ok)
        output_end(output);
    return ok;
}

static bool add(struct output *output, size_t number, struct failure *failure)
{
    const struct made_layer *const made = &output->early[number];
    wsic_layer *layer;

    const bool ok =
        wsic_layer_create_view(output->context, made->bytes, made->size, &layer) == WSIC_OK &&
        wsic_archive_writer_add(output->writer, output->manifest->layers[number].name, layer) ==
            WSIC_OK;
    if (!ok)
        fail(output, failure);
    wsic_layer_destroy(layer);
    return ok;
}

bool output_take(struct output *output, size_t number, struct made_layer layer,
                 struct failure *failure)
{
    output->early[number] = layer;
    while (output->next < output->manifest->layer_count && output->early[output->next].bytes) {
        if (!add(output, output->next, failure))
            return false;
        free(output->early[output->next].bytes);
        output->early[output->next++].bytes = NULL;
    }
    return true;
}

bool output_finish(struct output *output, struct failure *failure)
{
    return wsic_archive_writer_finish(output->writer) == WSIC_OK || fail(output, failure);
}

void output_end(struct output *output)
{
    wsic_archive_writer_destroy(output->writer);
    for (size_t i = 0; output->early && i < output->manifest->layer_count; i++)
        free(output->early[i].bytes);
    free(output->early);
}
