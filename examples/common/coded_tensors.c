/* SPDX-License-Identifier: MIT */
#include "common/coded_tensors.h"

#include <stdlib.h>
#include <string.h>

const char coded_version_key[] = "watersic.version";
const char coded_tensors_key[] = "watersic.tensors";
const char coded_run_key[] = "watersic.run";

uint64_t coded_padded(uint64_t bytes)
{
    return (bytes + CODED_ALIGNMENT - 1) / CODED_ALIGNMENT * CODED_ALIGNMENT;
}

uint64_t coded_bytes(const struct coded_stamp *stamp)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < stamp->layers; i++)
        bytes += coded_padded(stamp->coded[i].bytes);
    return bytes;
}

static json_t *describe_sizes(const size_t *sizes, size_t count)
{
    json_t *const array = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, json_integer((json_int_t)sizes[i]));
    return array;
}

static json_t *describe_layers(const struct coded_stamp *stamp)
{
    json_t *const array = json_array();

    for (size_t i = 0; i < stamp->layers; i++)
        json_array_append_new(array, json_pack("{s:s, s:I}", "name", stamp->coded[i].name, "bytes",
                                               (json_int_t)stamp->coded[i].bytes));
    return array;
}

json_t *coded_describe(const struct coded_stamp *stamp)
{
    return json_pack("{s:s, s:o, s:o}", "dtype", stamp->type, "shape",
                     describe_sizes(stamp->shape, stamp->dimensions), "layers",
                     describe_layers(stamp));
}

bool coded_load(json_t **stamps, const json_t *metadata, const char *path, struct failure *failure)
{
    const char *const version = json_string_value(json_object_get(metadata, coded_version_key));
    const char *const text = json_string_value(json_object_get(metadata, coded_tensors_key));
    json_error_t error;

    *stamps = NULL;
    if (!text)
        return true;
    if (!version || strcmp(version, CODED_VERSION) != 0)
        return refuse(
            failure,
            "%s: coded tensors of version \"%s\"; this program reads version " CODED_VERSION, path,
            version ? version : "");
    *stamps = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (!*stamps)
        return refuse(failure, "%s: metadata \"%s\", byte %d: %s", path, coded_tensors_key,
                      error.position, error.text);
    if (json_is_object(*stamps))
        return true;
    json_decref(*stamps);
    *stamps = NULL;
    return refuse(failure, "%s: metadata \"%s\" is not an object", path, coded_tensors_key);
}

static bool refuse_stamp(const struct tensor *tensor, struct failure *failure, const char *reason)
{
    return refuse(failure, "%s: tensor \"%s\": its stamp: %s", tensor->file, tensor->name, reason);
}

/* Sizes from 1 on that have a product. */
static bool read_sizes(const json_t *array, size_t *sizes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const json_t *const value = json_array_get(array, i);
        if (!json_is_integer(value) || json_integer_value(value) < 1)
            return false;
        sizes[i] = (size_t)json_integer_value(value);
    }
    return true;
}

static bool apply_shape(struct tensor *tensor, const json_t *stamp, struct failure *failure)
{
    const json_t *const shape = json_object_get(stamp, "shape");
    const size_t dimensions = json_array_size(shape);

    if (dimensions < 2 || dimensions > SAFETENSORS_MAX_DIMENSIONS ||
        !read_sizes(shape, tensor->shape, dimensions))
        return refuse_stamp(tensor, failure, "shape is no list of 2 to 8 sizes");
    tensor->dimensions = dimensions;
    tensor->count = 1;
    for (size_t i = 0; i < dimensions; i++)
        if (__builtin_mul_overflow(tensor->count, tensor->shape[i], &tensor->count))
            return refuse_stamp(tensor, failure, "shape is too large");
    return true;
}

static bool read_layer(struct coded_layer *layer, const json_t *value)
{
    const json_t *const bytes = json_object_get(value, "bytes");

    layer->name = json_string_value(json_object_get(value, "name"));
    if (!layer->name || !json_is_integer(bytes) || json_integer_value(bytes) < 1)
        return false;
    layer->bytes = (size_t)json_integer_value(bytes);
    return true;
}

static bool apply_layers(struct tensor *tensor, const json_t *stamp, struct failure *failure)
{
    const json_t *const layers = json_object_get(stamp, "layers");
    size_t left = tensor->bytes;

    tensor->layers = json_array_size(layers);
    tensor->coded = calloc(tensor->layers + 1, sizeof *tensor->coded);
    if (!tensor->coded)
        return refuse_stamp(tensor, failure, "out of memory");
    for (size_t i = 0; i < tensor->layers; i++) {
        struct coded_layer *const layer = &tensor->coded[i];
        if (!read_layer(layer, json_array_get(layers, i)))
            return refuse_stamp(tensor, failure, "layers is no list of names and bytes");
        if (layer->bytes > left || coded_padded(layer->bytes) > left)
            return refuse_stamp(tensor, failure, "its layers are more bytes than the tensor has");
        left -= (size_t)coded_padded(layer->bytes);
    }
    return left == 0 ||
           refuse_stamp(tensor, failure, "its layers are fewer bytes than the tensor has");
}

bool coded_apply(struct tensor *tensor, const json_t *stamp, struct failure *failure)
{
    if (strcmp(tensor->type, "U8") != 0)
        return refuse_stamp(tensor, failure, "the tensor is not of type U8");
    tensor->coded_type = json_string_value(json_object_get(stamp, "dtype"));
    if (!tensor->coded_type)
        return refuse_stamp(tensor, failure, "dtype is missing or not a string");
    return apply_shape(tensor, stamp, failure) && apply_layers(tensor, stamp, failure);
}
