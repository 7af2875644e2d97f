/* SPDX-License-Identifier: MIT */
#include "llm/model/package.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/coded_tensors.h"
#include "llm/model/checkpoint.h"
#include "llm/model/coded.h"

/* A layer of a coded tensor. */
struct place {
    const struct tensor *tensor;
    size_t layer;
};

struct named {
    const char *name;
    size_t layer;
};

struct package {
    wsic_context *context;
    char *path;
    wsic_archive *archive; /* NULL: a directory */
    struct checkpoint *checkpoint;
    struct place *places; /* of the layers of a directory */
    size_t count;         /* layers */
    struct named *sorted; /* all layers, by name */
    json_t *run;          /* metadata of the archive that the directory was packed of */
};

static bool is_directory(const char *path)
{
    struct stat facts;

    return stat(path, &facts) == 0 && S_ISDIR(facts.st_mode);
}

static void count_layers(void *self, const struct tensor *tensor)
{
    struct package *const package = self;

    package->count += tensor->coded_type ? tensor->layers : 0;
}

static void note_layers(void *self, const struct tensor *tensor)
{
    struct place **const next = self;

    for (size_t i = 0; tensor->coded_type && i < tensor->layers; i++)
        *(*next)++ = (struct place){tensor, i};
}

static bool find_layers(struct package *package, struct failure *failure)
{
    struct place *next;

    checkpoint_each(package->checkpoint, count_layers, package);
    if (package->count == 0)
        return refuse(failure, "%s: has no coded tensors", package->path);
    next = package->places = malloc(package->count * sizeof *package->places);
    if (!next)
        return refuse(failure, "%s: out of memory", package->path);
    checkpoint_each(package->checkpoint, note_layers, &next);
    return true;
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
    return checkpoint_open(&package->checkpoint, package->path, failure) &&
           find_layers(package, failure) && load_run(package, failure);
}

static bool open_archive(struct package *package, struct failure *failure)
{
    if (wsic_archive_open(package->context, package->path, &package->archive) < 0)
        return refuse(failure, "%s: %s", package->path, wsic_context_message(package->context));
    package->count = wsic_archive_count(package->archive);
    return true;
}

static int compare_names(const void *one, const void *other)
{
    const struct named *const a = one;
    const struct named *const b = other;

    return strcmp(a->name, b->name);
}

static bool sort_names(struct package *package, struct failure *failure)
{
    package->sorted = malloc((package->count + 1) * sizeof *package->sorted);
    if (!package->sorted)
        return refuse(failure, "%s: out of memory", package->path);
    for (size_t i = 0; i < package->count; i++)
        package->sorted[i] = (struct named){package_name(package, i), i};
    qsort(package->sorted, package->count, sizeof *package->sorted, compare_names);
    for (size_t i = 1; i < package->count; i++)
        if (compare_names(&package->sorted[i - 1], &package->sorted[i]) == 0)
            return refuse(failure, "%s: holds layer \"%s\" twice", package->path,
                          package->sorted[i].name);
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
    if ((is_directory(path) ? open_directory(package, failure) : open_archive(package, failure)) &&
        sort_names(package, failure)) {
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
    free(package->places);
    free(package->sorted);
    json_decref(package->run);
    free(package->path);
    free(package);
}

const struct checkpoint *package_checkpoint(const struct package *package)
{
    return package->checkpoint;
}

uint64_t package_bytes(const struct package *package)
{
    uint64_t bytes = 0;

    if (package->archive)
        return wsic_archive_size(package->archive);
    for (size_t i = 0; i < package->count; i++)
        bytes += coded_padded(package->places[i].tensor->coded[package->places[i].layer].bytes);
    return bytes;
}

size_t package_count(const struct package *package)
{
    return package->count;
}

const char *package_name(const struct package *package, size_t index)
{
    const struct place *const place = &package->places[index];

    return package->archive ? wsic_archive_name(package->archive, index)
                            : place->tensor->coded[place->layer].name;
}

bool package_find(const struct package *package, const char *name, size_t *index)
{
    const struct named sought = {.name = name};
    const struct named *const found =
        bsearch(&sought, package->sorted, package->count, sizeof *package->sorted, compare_names);

    if (found && index)
        *index = found->layer;
    return found != NULL;
}

/* A layer of a coded tensor, whose layers before it are opened on the way. */
static wsic_layer *tensor_layer(const struct package *package, const struct place *place,
                                struct failure *failure)
{
    struct coded_walk walk = coded_walk(place->tensor, package->context);
    wsic_layer *layer = NULL;

    while (walk.next <= place->layer) {
        wsic_layer_destroy(layer);
        if (!coded_next(&walk, &layer, failure))
            return NULL;
    }
    return layer;
}

wsic_layer *package_layer(const struct package *package, size_t index, struct failure *failure)
{
    wsic_layer *layer;

    if (!package->archive)
        return tensor_layer(package, &package->places[index], failure);
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
