/* SPDX-License-Identifier: MIT */
#include "mpi/output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool fail(const struct output *output, struct failure *failure)
{
    return refuse(failure, "output: %s", wsic_context_message(output->context));
}

bool output_begin(struct output *output, wsic_context *context, const char *path,
                  const char *const *names, size_t count, struct failure *failure)
{
    *output = (struct output){.context = context, .names = names, .count = count};
    output->early = calloc(count, sizeof *output->early);
    if (!output->early)
        return refuse(failure, "out of memory for %zu layers", count);
    if (wsic_archive_writer_resume(context, path, &output->writer) != WSIC_OK) {
        output_end(output);
        return fail(output, failure);
    }
    output->next = wsic_archive_writer_count(output->writer);
    return true;
}

/* A run that goes on must be the run that was begun. */
bool output_settings(const struct output *output, const char *path, const char *key,
                     const char *settings, struct failure *failure)
{
    const char *const before = wsic_archive_writer_metadata(output->writer, key);

    if (output->next == 0)
        return wsic_archive_writer_set_metadata(output->writer, key, settings) == WSIC_OK ||
               fail(output, failure);
    return (before && strcmp(before, settings) == 0 && output->next <= output->count) ||
           refuse(failure, "%s.part was left by a run with other settings: remove it to begin anew",
                  path);
}

static bool add(struct output *output, size_t number, struct failure *failure)
{
    const struct made_piece *const made = &output->early[number];
    wsic_layer *layer;

    const bool ok =
        wsic_layer_create_view(output->context, made->bytes, made->size, &layer) == WSIC_OK &&
        wsic_archive_writer_add(output->writer, output->names[number], layer) == WSIC_OK;
    if (!ok)
        fail(output, failure);
    wsic_layer_destroy(layer);
    return ok;
}

static void tell(const struct output *output, size_t number, const struct made_piece *layer)
{
    printf("%s: %llu bytes%s%s\n", output->names[number], (unsigned long long)layer->size,
           *layer->notice ? ": " : "", layer->notice);
    fflush(stdout);
}

bool output_take(void *self, size_t number, const struct made_piece *layer, struct failure *failure)
{
    struct output *const output = self;

    tell(output, number, layer);
    output->early[number] = *layer;
    while (output->next < output->count && output->early[output->next].bytes) {
        if (!add(output, output->next, failure))
            return false;
        free(output->early[output->next].bytes);
        output->early[output->next++].bytes = NULL;
    }
    return true;
}

bool output_finish(const struct output *output, struct failure *failure)
{
    return wsic_archive_writer_finish(output->writer) == WSIC_OK || fail(output, failure);
}

void output_end(struct output *output)
{
    wsic_archive_writer_destroy(output->writer);
    output->writer = NULL;
    for (size_t i = 0; output->early && i < output->count; i++)
        free(output->early[i].bytes);
    free(output->early);
    output->early = NULL;
}

bool output_copy(const wsic_layer *layer, struct made_piece *made, struct failure *failure)
{
    const void *bytes;
    size_t size;

    wsic_layer_get_bytes(layer, &bytes, &size);
    made->bytes = malloc(size);
    made->size = size;
    if (!made->bytes)
        return refuse(failure, "out of memory for %zu bytes", size);
    memcpy(made->bytes, bytes, size);
    return true;
}
