/* SPDX-License-Identifier: MIT */
#include "llm/publish/directory.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/coded_tensors.h"
#include "common/interrupt.h"
#include "common/path.h"
#include "llm/publish/directory_files.h"

/* Tensors of one file: some that follow each other. */
struct band {
    size_t first;
    size_t count;
};

/* Coded tensors come first, as their sizes are multiples of their alignment, which they get so from
 * that of the data; then the wide numbers before the narrow, which aligns them all. */
static size_t grain(const struct directory_tensor *tensor)
{
    const size_t count = tensor->entry.bytes == 0 ? 0 : 1;
    size_t numbers = count;

    if (tensor->stamp)
        return CODED_ALIGNMENT;
    for (size_t i = 0; i < tensor->entry.dimensions; i++)
        numbers *= tensor->entry.shape[i];
    return numbers == 0 ? 1 : (size_t)(tensor->entry.bytes / numbers);
}

/* Within a band; the caller's order among equals. */
static int compare_grains(const void *left, const void *right)
{
    const struct directory_tensor *const a = left;
    const struct directory_tensor *const b = right;
    const size_t of_a = grain(a);
    const size_t of_b = grain(b);

    if (of_a != of_b)
        return of_a > of_b ? -1 : 1;
    return a->source < b->source ? -1 : a->source > b->source;
}

/* The next file: as many tensors as fit, at least one. */
static struct band next_band(const struct directory *directory, size_t first)
{
    uint64_t bytes = 0;
    size_t end = first;

    while (end < directory->count &&
           (end == first || bytes + directory->tensors[end].entry.bytes <= directory->shard_bytes))
        bytes += directory->tensors[end++].entry.bytes;
    return (struct band){.first = first, .count = end - first};
}

static size_t count_bands(const struct directory *directory)
{
    size_t bands = 0;

    for (size_t first = 0; first < directory->count; bands++)
        first += next_band(directory, first).count;
    return bands;
}

static void name_file(char name[64], size_t number, size_t files)
{
    if (files == 1)
        snprintf(name, 64, "model.safetensors");
    else
        snprintf(name, 64, "model-%05zu-of-%05zu.safetensors", number + 1, files);
}

static bool set_json(json_t *metadata, const char *key, const json_t *value)
{
    char *const text = json_dumps(value, JSON_COMPACT);
    const bool ok = text && json_object_set_new(metadata, key, json_string(text)) == 0;

    free(text);
    return ok;
}

static json_t *stamps_of(const struct directory_tensor *tensors, size_t count)
{
    json_t *const stamps = json_object();

    for (size_t i = 0; i < count; i++)
        if (tensors[i].stamp)
            json_object_set(stamps, tensors[i].entry.name, tensors[i].stamp);
    return stamps;
}

/* "format" is what the hub's tools want to see. NULL if memory is short. */
static json_t *describe_metadata(const struct directory *directory, const struct band *band)
{
    json_t *const metadata = json_pack("{s:s}", "format", "pt");
    json_t *const stamps = stamps_of(directory->tensors + band->first, band->count);
    bool ok = metadata && stamps;

    if (ok && json_object_size(stamps) > 0)
        ok = json_object_set_new(metadata, coded_version_key, json_string(CODED_VERSION)) == 0 &&
             set_json(metadata, coded_tensors_key, stamps);
    if (ok && band->first == 0 && directory->run)
        ok = set_json(metadata, coded_run_key, directory->run);
    json_decref(stamps);
    if (ok)
        return metadata;
    json_decref(metadata);
    return NULL;
}

/* The tensors of a band in the order of the file, as the writer takes them. */
static struct safetensors_entry *arrange(struct directory *directory, const struct band *band)
{
    struct directory_tensor *const tensors = directory->tensors + band->first;
    struct safetensors_entry *const entries = malloc(band->count * sizeof *entries);

    qsort(tensors, band->count, sizeof *tensors, compare_grains);
    for (size_t i = 0; entries && i < band->count; i++)
        entries[i] = tensors[i].entry;
    return entries;
}

static void show(struct directory *directory, const struct safetensors_entry *next)
{
    if (directory->meter)
        meter_update(directory->meter, (double)directory->written / (double)directory->bytes,
                     next->name);
}

static bool write_tensors(struct directory *directory, const struct band *band,
                          struct safetensors_writer *writer, struct failure *failure)
{
    for (size_t i = 0; i < band->count; i++) {
        const struct directory_tensor *const tensor = &directory->tensors[band->first + i];
        show(directory, &tensor->entry);
        if (!interrupt_none(failure) || !directory->write(directory->self, tensor, writer, failure))
            return false;
        directory->written += tensor->entry.bytes;
    }
    return true;
}

static bool write_band(struct directory *directory, const struct band *band, const char *path,
                       struct failure *failure)
{
    json_t *const metadata = describe_metadata(directory, band);
    struct safetensors_entry *const entries = arrange(directory, band);
    struct safetensors_writer writer;
    bool ok = (metadata && entries) || refuse(failure, "%s: out of memory", path);

    ok = ok && safetensors_writer_open(&writer, path, metadata, entries, band->count, failure);
    if (ok) {
        ok = write_tensors(directory, band, &writer, failure) &&
             safetensors_writer_commit(&writer, failure);
        safetensors_writer_abandon(&writer);
    }
    free(entries);
    json_decref(metadata);
    return ok;
}

/* NULL if memory is short. */
static json_t *describe_index(const struct directory *directory, size_t files)
{
    json_t *const map = json_object();
    size_t number = 0;

    for (size_t first = 0; first < directory->count; number++) {
        const struct band band = next_band(directory, first);
        char name[64];
        name_file(name, number, files);
        for (size_t i = first; i < first + band.count; i++)
            json_object_set_new(map, directory->tensors[i].entry.name, json_string(name));
        first += band.count;
    }
    return json_pack("{s:{s:I}, s:o}", "metadata", "total_size", (json_int_t)directory->bytes,
                     "weight_map", map);
}

static bool write_all(struct directory *directory, const char *folder, struct failure *failure)
{
    const size_t files = count_bands(directory);
    size_t number = 0;
    char path[PATH_MAX];
    char name[64];
    json_t *index;

    for (size_t first = 0; first < directory->count; number++) {
        const struct band band = next_band(directory, first);
        name_file(name, number, files);
        if (!path_join(path, folder, name, failure) || !write_band(directory, &band, path, failure))
            return false;
        first += band.count;
    }
    if (files < 2)
        return true;
    index = describe_index(directory, files);
    const bool ok = directory_put_json(folder, "model.safetensors.index.json", index, failure);
    json_decref(index);
    return ok;
}

bool directory_write(struct directory *directory, struct failure *failure)
{
    char temporary[PATH_MAX];

    directory->bytes = directory->written = 0;
    for (size_t i = 0; i < directory->count; i++)
        directory->bytes += directory->tensors[i].entry.bytes;
    if (!directory_is_free(directory->output, failure) ||
        !directory_begin(temporary, directory->output, failure))
        return false;
    if (write_all(directory, temporary, failure) &&
        directory_put_json(temporary, "config.json", directory->config, failure) &&
        (!directory->source || directory_copy_rest(temporary, directory->source, failure)) &&
        directory_finish(temporary, directory->output, failure))
        return true;
    directory_discard(temporary);
    return false;
}
