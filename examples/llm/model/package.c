/* SPDX-License-Identifier: MIT */
#include "llm/model/package.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/coded_tensors.h"
#include "llm/model/checkpoint.h"
#include "llm/model/coded.h"

struct package {
    wsic_context *context;
    char *path;
    wsic_archive *archive; /* NULL: a directory */
    struct checkpoint *checkpoint;
    const struct tensor **tensors; /* of the directory that are coded */
    size_t count;
    json_t *run; /* metadata of the archive that the directory was packed of */
};

static bool is_directory(const char *path)
{
    struct stat facts;

    return stat(path, &facts) == 0 && S_ISDIR(facts.st_mode);
}

static void note_coded(void *self, const struct tensor *tensor)
{
    struct package *const package = self;

    if (tensor->coded_type)
        package->tensors[package->count++] = tensor;
}

static bool load_run(struct package *package, struct failure *failure)
{
    const char *const text = checkpoint_metadata(package->checkpoint, coded_run_key);
    json_error_t error;

    package->run = text ? json_loads(text, JSON_REJECT_DUPLICATES, &error) : json_object();
    if (json_is_object(package->run))
        return true;
    return refuse(failure, "%s: metadata \"%s\" is not an object", package->path, coded_run_key);
}

static bool open_directory(struct package *package, struct failure *failure)
{
    if (!checkpoint_open(&package->checkpoint, package->path, failure))
        return false;
    package->tensors =
        malloc((checkpoint_count(package->checkpoint) + 1) * sizeof *package->tensors);
    if (!package->tensors)
        return refuse(failure, "%s: out of memory", package->path);
    checkpoint_each(package->checkpoint, note_coded, package);
    return (package->count > 0 || refuse(failure, "%s: has no coded tensors", package->path)) &&
           load_run(package, failure);
}

static bool open_archive(struct package *package, struct failure *failure)
{
    if (wsic_archive_open(package->context, package->path, &package->archive) < 0)
        return refuse(failure, "%s: %s", package->path, wsic_context_message(package->context));
    package->count = wsic_archive_count(package->archive);
    return true;
}

bool package_open(struct package **out, wsic_context *context, const char *path,
                  struct failure *failure)
{
    struct package *const package = calloc(1, sizeof *package);

    *out = NULL;
    if (!package || !(package->path = strdup(path))) {
        free(package);
        return refuse(failure, "%s: out of memory", path);
    }
    package->context = context;
    if (is_directory(path) ? open_directory(package, failure) : open_archive(package, failure)) {
        *out = package;
        return true;
    }
    package_close(package);
    return false;
}

void package_close(struct package *package)
{
    if (!package)
        return;
    wsic_archive_close(package->archive);
    checkpoint_close(package->checkpoint);
    free(package->tensors);
    json_decref(package->run);
    free(package->path);
    free(package);
}

uint64_t package_bytes(const struct package *package)
{
    uint64_t bytes = 0;

    if (package->archive)
        return wsic_archive_size(package->archive);
    for (size_t i = 0; i < package->count; i++)
        bytes += package->tensors[i]->bytes;
    return bytes;
}

size_t package_count(const struct package *package)
{
    return package->count;
}

const char *package_name(const struct package *package, size_t index)
{
    return package->archive ? wsic_archive_name(package->archive, index)
                            : package->tensors[index]->name;
}

bool package_find(const struct package *package, const char *name, size_t *index)
{
    size_t found = 0;

    if (package->archive) {
        if (wsic_archive_find(package->archive, name, &found) != WSIC_OK)
            return false;
    } else {
        while (found < package->count && strcmp(package->tensors[found]->name, name) != 0)
            found++;
        if (found == package->count)
            return false;
    }
    if (index)
        *index = found;
    return true;
}

/* The one layer of a tensor. */
static wsic_layer *tensor_layer(const struct package *package, size_t index,
                                struct failure *failure)
{
    const struct tensor *const tensor = package->tensors[index];
    struct coded_walk walk = coded_walk(tensor, package->context);
    wsic_layer *layer;

    if (tensor->layers == 1)
        return coded_next(&walk, &layer, failure) ? layer : NULL;
    refuse(failure, "%s: tensor \"%s\" is coded in %zu layers, which is not read here",
           tensor->file, tensor->name, tensor->layers);
    return NULL;
}

wsic_layer *package_layer(const struct package *package, size_t index, struct failure *failure)
{
    wsic_layer *layer;

    if (!package->archive)
        return tensor_layer(package, index, failure);
    if (wsic_archive_load_layer(package->archive, index, &layer) < 0)
        refuse(failure, "%s: layer \"%s\": %s", package->path, package_name(package, index),
               wsic_archive_message(package->archive));
    return layer;
}

const char *package_metadata(const struct package *package, const char *key)
{
    return package->archive ? wsic_archive_metadata(package->archive, key)
                            : json_string_value(json_object_get(package->run, key));
}

const char *package_key(const struct package *package, size_t index)
{
    void *place;

    if (package->archive)
        return index < wsic_archive_metadata_count(package->archive)
                   ? wsic_archive_metadata_key(package->archive, index)
                   : NULL;
    place = json_object_iter(package->run);
    while (place && index-- > 0)
        place = json_object_iter_next(package->run, place);
    return place ? json_object_iter_key(place) : NULL;
}
