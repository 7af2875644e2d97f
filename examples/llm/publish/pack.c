/* SPDX-License-Identifier: MIT */
#include "llm/publish/pack.h"

#include <stdlib.h>
#include <string.h>

#include "common/coded_tensors.h"
#include "llm/publish/directory.h"

/* Where a tensor of the directory comes from. */
struct origin {
    const struct tensor *tensor;
    bool coded;
    size_t layer; /* of the archive */
    size_t bytes; /* of the layer */
};

struct pack {
    const struct packing *packing;
    struct packed *packed;
    struct directory directory;
    struct origin *origins;
    size_t count;
    struct failure *failure;
    bool ok;
};

static bool refuse_layer(const struct pack *pack, size_t layer, const char *reason)
{
    return refuse(pack->failure, "%s: layer \"%s\": %s", pack->packing->archive_path,
                  wsic_archive_name(pack->packing->archive, layer), reason);
}

static bool check_shape(const struct pack *pack, size_t index, const wsic_layer *layer,
                        const struct tensor *tensor)
{
    wsic_layer_info info = {.size = sizeof info};

    if (wsic_layer_get_info(layer, &info) < 0)
        return refuse_layer(pack, index, wsic_layer_message(layer));
    if (tensor->dimensions == 2 && info.rows == tensor->shape[0] &&
        info.columns == tensor->shape[1])
        return true;
    return refuse(pack->failure,
                  "%s: layer \"%s\" is %llu x %llu, which is not the shape of the tensor in %s",
                  pack->packing->archive_path, tensor->name, (unsigned long long)info.rows,
                  (unsigned long long)info.columns, tensor->file);
}

/* A layer of the archive on its bytes there; NULL on failure. */
static wsic_layer *view_layer(const struct pack *pack, size_t index)
{
    wsic_layer *layer;

    if (wsic_archive_view_layer(pack->packing->archive, index, &layer) < 0)
        refuse_layer(pack, index, wsic_archive_message(pack->packing->archive));
    return layer;
}

static bool measure_layer(struct pack *pack, struct origin *origin)
{
    wsic_layer *const layer = view_layer(pack, origin->layer);
    const void *bytes;

    if (!layer)
        return false;
    const bool ok = check_shape(pack, origin->layer, layer, origin->tensor) &&
                    (wsic_layer_get_bytes(layer, &bytes, &origin->bytes) >= 0 ||
                     refuse_layer(pack, origin->layer, wsic_layer_message(layer)));
    wsic_layer_destroy(layer);
    return ok;
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
    struct coded_layer coded = {.name = tensor->name};
    struct coded_stamp stamp = {
        .type = tensor->type, .dimensions = tensor->dimensions, .layers = 1, .coded = &coded};

    if (!measure_layer(pack, origin))
        return false;
    coded.bytes = origin->bytes;
    memcpy(stamp.shape, tensor->shape, sizeof stamp.shape);
    output->stamp = coded_describe(&stamp);
    if (!output->stamp)
        return refuse(pack->failure, "%s: out of memory", pack->packing->output);
    output->entry.type = "U8";
    output->entry.dimensions = 1;
    output->entry.bytes = coded_bytes(&stamp);
    output->entry.shape[0] = (size_t)output->entry.bytes;
    pack->packed->coded++;
    pack->packed->coded_bytes += origin->bytes;
    pack->packed->weights += tensor->count;
    return true;
}

static void add_tensor(void *self, const struct tensor *tensor)
{
    struct pack *const pack = self;
    struct directory_tensor *const output = &pack->directory.tensors[pack->count];
    struct origin *const origin = &pack->origins[pack->count];

    if (!pack->ok)
        return;
    *origin = (struct origin){.tensor = tensor};
    origin->coded =
        wsic_archive_find(pack->packing->archive, tensor->name, &origin->layer) == WSIC_OK;
    *output = (struct directory_tensor){.entry = as_it_is(tensor), .source = pack->count++};
    pack->directory.count = pack->count;
    if (origin->coded) {
        pack->ok = describe_coded(pack, output, origin);
        return;
    }
    pack->packed->others++;
    pack->packed->other_bytes += tensor->bytes;
}

/* Nothing of an archive gets lost on the way. */
static bool check_layers(const struct pack *pack)
{
    const struct packing *const packing = pack->packing;

    for (size_t i = 0; i < wsic_archive_count(packing->archive); i++)
        if (!checkpoint_find(packing->checkpoint, wsic_archive_name(packing->archive, i)))
            return refuse(pack->failure, "%s: layer \"%s\" is no tensor of %s",
                          packing->archive_path, wsic_archive_name(packing->archive, i),
                          packing->source);
    return true;
}

static bool write_coded(const struct pack *pack, const struct origin *origin,
                        struct safetensors_writer *writer)
{
    static const unsigned char zeros[CODED_ALIGNMENT];
    wsic_layer *const layer = view_layer(pack, origin->layer);
    const void *bytes;
    size_t size;

    if (!layer)
        return false;
    const bool ok =
        (wsic_layer_get_bytes(layer, &bytes, &size) >= 0 ||
         refuse_layer(pack, origin->layer, wsic_layer_message(layer))) &&
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

    if (origin->coded)
        return write_coded(pack, origin, writer);
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
    if (!directory->config || !check_layers(pack))
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
                                      .write = write_tensor},
                        .failure = failure,
                        .ok = true};

    *packed = (struct packed){.weights = 0};
    pack.directory.self = &pack;
    const bool ok = prepare(&pack) && directory_write(&pack.directory, failure);
    for (size_t i = 0; i < pack.count; i++)
        json_decref(pack.directory.tensors[i].stamp);
    free(pack.directory.tensors);
    free(pack.origins);
    json_decref(pack.directory.run);
    json_decref(pack.directory.config);
    return ok;
}
