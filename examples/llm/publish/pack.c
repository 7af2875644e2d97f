/* SPDX-License-Identifier: MIT */
#include "llm/publish/pack.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/coded_tensors.h"
#include "common/path.h"
#include "llm/model/stored.h"
#include "llm/publish/directory.h"
#include "llm/publish/homes.h"

/* Where a tensor of the directory comes from: as it is, or from some layers of the archive. */
struct origin {
    const struct tensor *tensor;
    const struct home *homes; /* in the archive, the first rows first */
    struct coded_layer *coded;
    size_t count; /* 0: as it is */
};

struct pack {
    const struct packing *packing;
    struct packed *packed;
    struct directory directory;
    struct origin *origins;
    struct homes homes;
    size_t count;
    struct failure *failure;
    bool ok;
};

static bool refuse_layer(const struct pack *pack, size_t layer, const char *reason)
{
    return refuse(pack->failure, "%s: layer \"%s\": %s", pack->packing->archive_path,
                  wsic_archive_name(pack->packing->archive, layer), reason);
}

/* A layer of the archive on its bytes there; NULL on failure. */
static wsic_layer *view_layer(const struct pack *pack, size_t index)
{
    wsic_layer *layer;

    if (wsic_archive_view_layer(pack->packing->archive, index, &layer) < 0)
        refuse_layer(pack, index, wsic_archive_message(pack->packing->archive));
    return layer;
}

static bool measure_layer(const struct pack *pack, struct origin *origin, size_t number,
                          size_t *rows)
{
    const size_t columns = origin->tensor->shape[origin->tensor->dimensions - 1];
    const size_t index = origin->homes[number].layer;
    wsic_layer *const layer = view_layer(pack, index);
    wsic_layer_info info = {.size = sizeof info};
    const void *bytes;

    if (!layer)
        return false;
    bool ok = (wsic_layer_get_info(layer, &info) >= 0 &&
               wsic_layer_get_bytes(layer, &bytes, &origin->coded[number].bytes) >= 0) ||
              refuse_layer(pack, index, wsic_layer_message(layer));
    if (ok && info.columns != columns)
        ok = refuse(pack->failure, "%s: layer \"%s\" has %llu columns, but tensor \"%s\" has %zu",
                    pack->packing->archive_path, wsic_archive_name(pack->packing->archive, index),
                    (unsigned long long)info.columns, origin->tensor->name, columns);
    origin->coded[number].name = wsic_archive_name(pack->packing->archive, index);
    *rows += (size_t)info.rows;
    wsic_layer_destroy(layer);
    return ok;
}

static bool find_layers(struct pack *pack, struct origin *origin)
{
    origin->homes = homes_in(&pack->homes, origin->tensor->name, &origin->count);
    if (origin->count == 0)
        return true;
    origin->coded = calloc(origin->count, sizeof *origin->coded);
    return origin->coded || refuse(pack->failure, "%s: out of memory", pack->packing->output);
}

/* A stack whose matrices are layers of their own must have all of them, NAME.0, NAME.1 and so on.
 * Layers of a model's experts have names of their own. */
static bool check_stack(const struct pack *pack, const struct origin *origin)
{
    const struct tensor *const tensor = origin->tensor;
    const size_t length = strlen(tensor->name);
    char name[HOME_NAME_SIZE + 24];

    if (tensor->dimensions != 3 || strncmp(origin->coded[0].name, tensor->name, length) != 0)
        return true;
    for (size_t i = 0; i < tensor->shape[0]; i++) {
        snprintf(name, sizeof name, "%s.%zu", tensor->name, i);
        if (i >= origin->count || strcmp(origin->coded[i].name, name) != 0)
            return refuse(pack->failure,
                          "%s: tensor \"%s\" is a stack of %zu matrices, and layer \"%s\" is "
                          "missing where it belongs",
                          pack->packing->archive_path, tensor->name, tensor->shape[0], name);
    }
    return true;
}

static bool measure_layers(struct pack *pack, struct origin *origin)
{
    const struct tensor *const tensor = origin->tensor;
    size_t rows = 0;

    if (tensor->dimensions < 2)
        return refuse_layer(pack, origin->homes[0].layer,
                            "its tensor in the checkpoint is no matrix");
    for (size_t i = 0; i < origin->count; i++)
        if (!measure_layer(pack, origin, i, &rows))
            return false;
    if (!check_stack(pack, origin))
        return false;
    return rows == tensor->count / tensor->shape[tensor->dimensions - 1] ||
           refuse(pack->failure,
                  "%s: its %zu layers of tensor \"%s\" have %zu rows, but the tensor has %zu",
                  pack->packing->archive_path, origin->count, tensor->name, rows,
                  tensor->count / tensor->shape[tensor->dimensions - 1]);
}

static struct safetensors_entry as_it_is(const struct tensor *tensor)
{
    struct safetensors_entry entry = {.name = tensor->name,
                                      .type = tensor->type,
                                      .dimensions = tensor->dimensions,
                                      .bytes = tensor->bytes};

    memcpy(entry.shape, tensor->shape, sizeof entry.shape);
    return entry;
}

static bool describe_coded(struct pack *pack, struct directory_tensor *output,
                           struct origin *origin)
{
    const struct tensor *const tensor = origin->tensor;
    struct coded_stamp stamp = {.type = tensor->type,
                                .dimensions = tensor->dimensions,
                                .layers = origin->count,
                                .coded = origin->coded};

    if (!measure_layers(pack, origin))
        return false;
    memcpy(stamp.shape, tensor->shape, sizeof stamp.shape);
    output->stamp = coded_describe(&stamp);
    if (!output->stamp)
        return refuse(pack->failure, "%s: out of memory", pack->packing->output);
    output->entry.type = "U8";
    output->entry.dimensions = 1;
    output->entry.bytes = coded_bytes(&stamp);
    output->entry.shape[0] = (size_t)output->entry.bytes;
    pack->packed->coded++;
    pack->packed->weights += tensor->count;
    for (size_t i = 0; i < origin->count; i++)
        pack->packed->coded_bytes += origin->coded[i].bytes;
    return true;
}

/* Scales of numbers in FP8, which are gone where these are coded. */
static bool scales_coded(const struct pack *pack, const struct tensor *tensor)
{
    char numbers[HOME_NAME_SIZE];
    size_t layers;

    return stored_is_scales(tensor->name, numbers, sizeof numbers) &&
           homes_in(&pack->homes, numbers, &layers);
}

static void add_tensor(void *self, const struct tensor *tensor)
{
    struct pack *const pack = self;
    struct directory_tensor *const output = &pack->directory.tensors[pack->count];
    struct origin *const origin = &pack->origins[pack->count];

    if (!pack->ok || scales_coded(pack, tensor))
        return;
    *origin = (struct origin){.tensor = tensor};
    *output = (struct directory_tensor){.entry = as_it_is(tensor), .source = pack->count++};
    pack->directory.count = pack->count;
    pack->ok = find_layers(pack, origin);
    if (origin->count > 0) {
        pack->ok = pack->ok && describe_coded(pack, output, origin);
        return;
    }
    pack->packed->others++;
    pack->packed->other_bytes += tensor->bytes;
}

static bool write_layer(const struct pack *pack, size_t index, struct safetensors_writer *writer)
{
    static const unsigned char zeros[CODED_ALIGNMENT];
    wsic_layer *const layer = view_layer(pack, index);
    const void *bytes;
    size_t size;

    if (!layer)
        return false;
    const bool ok =
        (wsic_layer_get_bytes(layer, &bytes, &size) >= 0 ||
         refuse_layer(pack, index, wsic_layer_message(layer))) &&
        safetensors_writer_add(writer, bytes, size, pack->failure) &&
        safetensors_writer_add(writer, zeros, (size_t)(coded_padded(size) - size), pack->failure);
    wsic_layer_destroy(layer);
    return ok;
}

static bool write_tensor(void *self, const struct directory_tensor *output,
                         struct safetensors_writer *writer, struct failure *failure)
{
    const struct pack *const pack = self;
    const struct origin *const origin = &pack->origins[output->source];

    for (size_t i = 0; i < origin->count; i++)
        if (!write_layer(pack, origin->homes[i].layer, writer))
            return false;
    if (origin->count > 0)
        return true;
    const bool ok =
        safetensors_writer_add(writer, origin->tensor->data, origin->tensor->bytes, failure);
    tensor_release(origin->tensor);
    return ok;
}

/* The metadata of an archive; NULL if memory is short. */
static json_t *describe_run(const wsic_archive *archive)
{
    json_t *const run = json_object();

    for (size_t i = 0; i < wsic_archive_metadata_count(archive); i++) {
        const char *const key = wsic_archive_metadata_key(archive, i);
        if (json_object_set_new(run, key, json_string(wsic_archive_metadata(archive, key))) != 0) {
            json_decref(run);
            return NULL;
        }
    }
    return run;
}

/* What loaders are told in config.json. */
static bool describe_method(struct pack *pack)
{
    const struct packed *const packed = pack->packed;
    json_t *const method = json_pack(
        "{s:s, s:s, s:f, s:I, s:s*, s:s*}", "quant_method", "watersic", "version", CODED_VERSION,
        "bits_per_weight", 8 * (double)packed->coded_bytes / (double)packed->weights, "weights",
        (json_int_t)packed->weights, "library",
        wsic_archive_metadata(pack->packing->archive, "library"), "preset",
        wsic_archive_metadata(pack->packing->archive, "preset"));

    return (pack->directory.config &&
            json_object_set_new(pack->directory.config, "quantization_config", method) == 0) ||
           refuse(pack->failure, "%s: out of memory", pack->packing->output);
}

static bool prepare(struct pack *pack)
{
    const struct packing *const packing = pack->packing;
    const size_t tensors = checkpoint_count(packing->checkpoint);
    struct directory *const directory = &pack->directory;

    pack->origins = calloc(tensors, sizeof *pack->origins);
    directory->tensors = calloc(tensors, sizeof *directory->tensors);
    directory->run = describe_run(packing->archive);
    if (!pack->origins || !directory->tensors || !directory->run)
        return refuse(pack->failure, "%s: out of memory", packing->output);
    directory->config = directory_config(packing->source, pack->failure);
    if (!directory->config || !homes_find(&pack->homes, packing->checkpoint, packing->config,
                                          packing->archive, packing->archive_path, pack->failure))
        return false;
    checkpoint_each(packing->checkpoint, add_tensor, pack);
    return pack->ok && describe_method(pack);
}

bool pack_model(const struct packing *packing, struct packed *packed, struct failure *failure)
{
    struct pack pack = {.packing = packing,
                        .packed = packed,
                        .directory = {.source = packing->source,
                                      .output = packing->output,
                                      .shard_bytes = packing->shard_bytes,
                                      .meter = packing->meter,
                                      .write = write_tensor},
                        .failure = failure,
                        .ok = true};

    *packed = (struct packed){.weights = 0};
    pack.directory.self = &pack;
    const bool ok = prepare(&pack) && directory_write(&pack.directory, failure);
    for (size_t i = 0; i < pack.count; i++) {
        json_decref(pack.directory.tensors[i].stamp);
        free(pack.origins[i].coded);
    }
    free(pack.directory.tensors);
    free(pack.origins);
    homes_free(&pack.homes);
    json_decref(pack.directory.run);
    json_decref(pack.directory.config);
    return ok;
}

bool pack_name_archive(const char *directory, char path[PATH_MAX], struct failure *failure)
{
    size_t length = strlen(directory);

    while (length > 1 && directory[length - 1] == '/')
        length--;
    return path_format(path, failure, "%.*s.wsic", (int)length, directory) &&
           directory_is_free(directory, failure) &&
           (access(path, F_OK) != 0 ||
            refuse(failure,
                   "%s: is there already, and in the way of the run's own file (watersic-llm pack "
                   "makes a directory of an archive)",
                   path));
}

bool pack_archive_away(const struct packing *packing, wsic_context *context, struct packed *packed,
                       struct failure *failure)
{
    const char *const path = packing->archive_path;
    struct packing opened = *packing;

    if (wsic_archive_open(context, path, &opened.archive) < 0)
        return refuse(failure, "%s: %s", path, wsic_context_message(context));
    const bool ok = pack_model(&opened, packed, failure);
    wsic_archive_close(opened.archive);
    return ok && (unlink(path) == 0 ||
                  refuse(failure, "%s: cannot be removed: %s", path, strerror(errno)));
}
