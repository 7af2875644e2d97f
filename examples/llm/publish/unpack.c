/* SPDX-License-Identifier: MIT */
#include "llm/publish/unpack.h"

#include <stdlib.h>
#include <string.h>

#include "common/coded_tensors.h"
#include "llm/model/coded.h"
#include "llm/publish/directory.h"

/* What of a tensor a tensor of the directory is. */
enum part { PART_SAME, PART_WEIGHTS, PART_CODES, PART_ROW_SCALES, PART_COLUMN_SCALES };

struct origin {
    const struct tensor *tensor;
    enum part part;
    char *name;     /* of a part that is a tensor of its own; NULL: that of the tensor */
    uint32_t codes; /* type of PART_CODES */
};

struct unpack {
    const struct unpacking *unpacking;
    struct unpacked *unpacked;
    struct directory directory;
    struct origin *origins;
    size_t capacity;
    struct failure *failure;
    bool ok;
};

enum { BAND_ROWS = 1024, PARTS_OF_CODES = 3 };

/* --- what there will be --------------------------------------------------- */

/* Of weights: those of the original if it was of a type that codes decode to. */
static uint32_t weight_type(const struct unpack *unpack, const struct tensor *tensor)
{
    static const uint32_t types[] = {WSIC_F64, WSIC_F32, WSIC_F16, WSIC_BF16};

    if (unpack->unpacking->weights != 0)
        return unpack->unpacking->weights;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(safetensors_type(types[i]), tensor->coded_type) == 0)
            return types[i];
    return WSIC_BF16;
}

static size_t columns_of(const struct tensor *tensor)
{
    return tensor->shape[tensor->dimensions - 1];
}

/* Bytes of a row of codes: of two 4-bit codes in a byte the last may be alone. */
static size_t code_row_bytes(const struct origin *origin)
{
    const size_t columns = columns_of(origin->tensor);

    return origin->codes == WSIC_I4 ? (columns + 1) / 2 : columns * wsic_dtype_size(origin->codes);
}

static void set_shape(struct safetensors_entry *entry, const struct tensor *tensor)
{
    entry->dimensions = tensor->dimensions;
    memcpy(entry->shape, tensor->shape, sizeof entry->shape);
}

static struct safetensors_entry describe_part(const struct unpack *unpack,
                                              const struct origin *origin)
{
    const struct tensor *const tensor = origin->tensor;
    const size_t rows = tensor->count / columns_of(tensor);
    struct safetensors_entry entry = {.name = origin->name ? origin->name : tensor->name,
                                      .type = "F32"};

    set_shape(&entry, tensor);
    switch (origin->part) {
    case PART_WEIGHTS:
        entry.type = safetensors_type(weight_type(unpack, tensor));
        entry.bytes = (uint64_t)tensor->count * wsic_dtype_size(weight_type(unpack, tensor));
        break;
    case PART_CODES:
        entry.type = origin->codes == WSIC_I16 ? "I16" : origin->codes == WSIC_I8 ? "I8" : "U8";
        entry.bytes = (uint64_t)rows * code_row_bytes(origin);
        if (origin->codes == WSIC_I4)
            entry.shape[tensor->dimensions - 1] = code_row_bytes(origin);
        break;
    case PART_ROW_SCALES:
        entry.dimensions = tensor->dimensions - 1;
        entry.bytes = (uint64_t)rows * sizeof(float);
        break;
    case PART_COLUMN_SCALES:
        entry.dimensions = tensor->layers > 1 ? 2 : 1;
        entry.shape[0] = tensor->layers > 1 ? tensor->layers : columns_of(tensor);
        entry.shape[1] = columns_of(tensor);
        entry.bytes = (uint64_t)tensor->layers * columns_of(tensor) * sizeof(float);
        break;
    case PART_SAME:
        entry.type = tensor->type;
        entry.bytes = tensor->bytes;
        break;
    }
    return entry;
}

/* Codes that a byte does not hold are wider, in all of their tensor. */
static bool find_code_type(const struct unpack *unpack, struct origin *origin)
{
    struct coded_walk walk = coded_walk(origin->tensor, unpack->unpacking->context);
    wsic_layer_info info = {.size = sizeof info};
    wsic_layer *layer;

    origin->codes = unpack->unpacking->codes;
    while (origin->codes == WSIC_I8 && walk.next < origin->tensor->layers) {
        if (!coded_next(&walk, &layer, unpack->failure))
            return false;
        if (wsic_layer_get_info(layer, &info) >= 0 && info.code_dtype != WSIC_I8)
            origin->codes = WSIC_I16;
        wsic_layer_destroy(layer);
    }
    unpack->unpacked->wide += origin->codes == WSIC_I16;
    return true;
}

static bool add_part(struct unpack *unpack, const struct tensor *tensor, enum part part,
                     const char *suffix)
{
    struct directory *const directory = &unpack->directory;
    struct origin *const origin = &unpack->origins[directory->count];

    *origin = (struct origin){.tensor = tensor, .part = part};
    if (part == PART_CODES && !find_code_type(unpack, origin))
        return false;
    if (suffix) {
        const size_t size = strlen(tensor->name) + strlen(suffix) + 1;
        origin->name = malloc(size);
        if (!origin->name)
            return refuse(unpack->failure, "%s: out of memory", unpack->unpacking->output);
        snprintf(origin->name, size, "%s%s", tensor->name, suffix);
    }
    directory->tensors[directory->count] = (struct directory_tensor){
        .entry = describe_part(unpack, origin), .source = directory->count};
    unpack->unpacked->bytes += directory->tensors[directory->count].entry.bytes;
    directory->count++;
    return true;
}

static bool add_coded(struct unpack *unpack, const struct tensor *tensor)
{
    unpack->unpacked->coded++;
    if (unpack->unpacking->codes == 0)
        return add_part(unpack, tensor, PART_WEIGHTS, NULL);
    return add_part(unpack, tensor, PART_CODES, "_codes") &&
           add_part(unpack, tensor, PART_ROW_SCALES, "_row_scales") &&
           add_part(unpack, tensor, PART_COLUMN_SCALES, "_column_scales");
}

static void add_tensor(void *self, const struct tensor *tensor)
{
    struct unpack *const unpack = self;

    if (!unpack->ok)
        return;
    if (tensor->coded_type) {
        unpack->ok = add_coded(unpack, tensor);
        return;
    }
    unpack->unpacked->others++;
    unpack->ok = add_part(unpack, tensor, PART_SAME, NULL);
}

/* --- writing -------------------------------------------------------------- */

static bool refuse_layer(const struct unpack *unpack, const struct tensor *tensor,
                         const wsic_layer *layer)
{
    return refuse(unpack->failure, "%s: tensor \"%s\": %s", tensor->file, tensor->name,
                  wsic_layer_message(layer));
}

/* Some rows of a layer on all threads of the context. */
static bool decode_band(const struct unpack *unpack, const struct origin *origin,
                        const wsic_layer *layer, size_t first_row, size_t rows, void *out)
{
    const bool codes = origin->part == PART_CODES;
    const uint32_t type = codes ? origin->codes : weight_type(unpack, origin->tensor);
    wsic_matrix output;
    const wsic_layer_job job = {.size = sizeof job,
                                .layer = layer,
                                .kind = codes ? WSIC_JOB_CODES : WSIC_JOB_WEIGHTS,
                                .first_row = first_row,
                                .output = &output};

    wsic_matrix_init(&output, sizeof output, out, type, rows, columns_of(origin->tensor),
                     type == WSIC_I4 ? 2 * code_row_bytes(origin) : 0);
    return wsic_layers_run(unpack->unpacking->context, &job, 1, 0, NULL, 0) >= 0 ||
           refuse_layer(unpack, origin->tensor, layer);
}

static bool write_rows(const struct unpack *unpack, const struct origin *origin,
                       const wsic_layer *layer, size_t rows, struct safetensors_writer *writer)
{
    const struct tensor *const tensor = origin->tensor;
    const size_t row_bytes =
        origin->part == PART_CODES
            ? code_row_bytes(origin)
            : columns_of(tensor) * wsic_dtype_size(weight_type(unpack, tensor));
    const size_t most = rows < BAND_ROWS ? rows : BAND_ROWS;
    unsigned char *const band = calloc(most, row_bytes);
    bool ok = band || refuse(unpack->failure, "%s: out of memory", unpack->unpacking->output);

    for (size_t first = 0; ok && first < rows; first += most) {
        const size_t count = rows - first < most ? rows - first : most;
        ok = decode_band(unpack, origin, layer, first, count, band) &&
             safetensors_writer_add(writer, band, count * row_bytes, unpack->failure);
    }
    free(band);
    return ok;
}

static bool write_layer(const struct unpack *unpack, const struct origin *origin,
                        const wsic_layer *layer, struct safetensors_writer *writer)
{
    wsic_layer_info info = {.size = sizeof info};

    if (wsic_layer_get_info(layer, &info) < 0)
        return refuse_layer(unpack, origin->tensor, layer);
    if (origin->part == PART_ROW_SCALES)
        return safetensors_writer_add(writer, wsic_layer_row_scales(layer),
                                      (size_t)info.rows * sizeof(float), unpack->failure);
    if (origin->part == PART_COLUMN_SCALES)
        return safetensors_writer_add(writer, wsic_layer_column_scales(layer),
                                      (size_t)info.columns * sizeof(float), unpack->failure);
    return write_rows(unpack, origin, layer, (size_t)info.rows, writer);
}

static bool write_coded(const struct unpack *unpack, const struct origin *origin,
                        struct safetensors_writer *writer)
{
    struct coded_walk walk = coded_walk(origin->tensor, unpack->unpacking->context);
    wsic_layer *layer;
    bool ok = true;

    while (ok && (ok = coded_next(&walk, &layer, unpack->failure)) && layer) {
        ok = write_layer(unpack, origin, layer, writer);
        wsic_layer_destroy(layer);
    }
    return ok;
}

static bool write_tensor(void *self, const struct directory_tensor *output,
                         struct safetensors_writer *writer, struct failure *failure)
{
    const struct unpack *const unpack = self;
    const struct origin *const origin = &unpack->origins[output->source];
    const struct tensor *const tensor = origin->tensor;
    const bool ok = origin->part == PART_SAME
                        ? safetensors_writer_add(writer, tensor->data, tensor->bytes, failure)
                        : write_coded(unpack, origin, writer);

    tensor_release(tensor);
    return ok;
}

/* --- all of it ------------------------------------------------------------ */

static bool prepare(struct unpack *unpack)
{
    const struct unpacking *const unpacking = unpack->unpacking;
    struct directory *const directory = &unpack->directory;

    unpack->capacity = PARTS_OF_CODES * checkpoint_count(unpacking->checkpoint);
    unpack->origins = calloc(unpack->capacity, sizeof *unpack->origins);
    directory->tensors = calloc(unpack->capacity, sizeof *directory->tensors);
    if (!unpack->origins || !directory->tensors)
        return refuse(unpack->failure, "%s: out of memory", unpacking->output);
    directory->config = directory_config(unpacking->source, unpack->failure);
    if (!directory->config)
        return false;
    json_object_del(directory->config, "quantization_config");
    checkpoint_each(unpacking->checkpoint, add_tensor, unpack);
    return unpack->ok &&
           (unpack->unpacked->coded > 0 ||
            refuse(unpack->failure, "%s: has no coded tensors to restore", unpacking->source));
}

bool unpack_model(const struct unpacking *unpacking, struct unpacked *unpacked,
                  struct failure *failure)
{
    struct unpack unpack = {.unpacking = unpacking,
                            .unpacked = unpacked,
                            .directory = {.source = unpacking->source,
                                          .output = unpacking->output,
                                          .shard_bytes = unpacking->shard_bytes,
                                          .meter = unpacking->meter,
                                          .write = write_tensor},
                            .failure = failure,
                            .ok = true};

    *unpacked = (struct unpacked){.coded = 0};
    unpack.directory.self = &unpack;
    const bool ok = prepare(&unpack) && directory_write(&unpack.directory, failure);
    for (size_t i = 0; unpack.origins && i < unpack.capacity; i++)
        free(unpack.origins[i].name);
    free(unpack.directory.tensors);
    free(unpack.origins);
    json_decref(unpack.directory.config);
    return ok;
}
