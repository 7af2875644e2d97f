/* SPDX-License-Identifier: MIT */
#include "llm/run/takeover.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/path.h"
#include "llm/model/model.h"

static wsic_archive_writer *resume(wsic_context *context, const char *output,
                                   struct failure *failure)
{
    wsic_archive_writer *writer;

    if (wsic_archive_writer_resume(context, output, &writer) < 0)
        refuse(failure, "%s: %s", output, wsic_context_message(context));
    return writer;
}

static bool remove_part(const char *output, struct failure *failure)
{
    char path[PATH_MAX];

    if (!path_format(path, failure, "%s.part", output))
        return false;
    if (unlink(path) != 0 && errno != ENOENT)
        return refuse(failure, "%s: %s", path, strerror(errno));
    return true;
}

/* The file is opened before it is removed: nobody else is at work on it then. */
wsic_archive_writer *takeover_open(wsic_context *context, const char *output, bool restart,
                                   struct failure *failure)
{
    wsic_archive_writer *const writer = resume(context, output, failure);

    if (!writer || !restart || wsic_archive_writer_count(writer) == 0)
        return writer;
    wsic_archive_writer_destroy(writer);
    return remove_part(output, failure) ? resume(context, output, failure) : NULL;
}

/* SIZE_MAX if there is none. */
static size_t find_layer(const wsic_archive_writer *writer, const char *name)
{
    const char *found;

    for (size_t i = 0; (found = wsic_archive_writer_name(writer, i)); i++)
        if (strcmp(found, name) == 0)
            return i;
    return SIZE_MAX;
}

bool takeover_has(const wsic_archive_writer *writer, const char *name)
{
    return find_layer(writer, name) != SIZE_MAX;
}

bool takeover_layer(wsic_archive_writer *writer, const char *name, wsic_layer **layer,
                    struct failure *failure)
{
    return wsic_archive_writer_load_layer(writer, find_layer(writer, name), layer) >= 0 ||
           refuse(failure, "%s: %s", name, wsic_archive_writer_message(writer));
}

bool takeover_find(struct takeover *takeover, const wsic_archive_writer *writer,
                   const struct config *config, const char *output, struct failure *failure)
{
    char name[MODEL_NAME_SIZE];

    *takeover = (struct takeover){.taken = calloc(layers_count(config), sizeof(bool))};
    if (!takeover->taken)
        return refuse(failure, "%s: out of memory", output);
    for (size_t i = 0; i < layers_count(config); i++) {
        layers_name(config, i, name);
        takeover->taken[i] = takeover_has(writer, name);
        takeover->count += takeover->taken[i];
    }
    takeover->count +=
        takeover_has(writer, model_embedding_name) + takeover_has(writer, model_head_name);
    if (takeover->count != wsic_archive_writer_count(writer))
        return refuse(failure,
                      "%s.part: holds a layer that the model does not have (--restart throws it "
                      "away)",
                      output);
    return true;
}

void takeover_free(struct takeover *takeover)
{
    free(takeover->taken);
    *takeover = (struct takeover){.count = 0};
}

void takeover_tell(const wsic_archive_writer *writer, const char *output, struct failure *failure)
{
    const size_t length = strlen(failure->text);

    snprintf(failure->text + length, sizeof failure->text - length,
             " (%s.part keeps %zu layers; the same command goes on with them)", output,
             wsic_archive_writer_count(writer));
}
