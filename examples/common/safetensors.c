/* SPDX-License-Identifier: MIT */
#include "common/safetensors.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/coded_tensors.h"
#include "common/file_kind.h"
#include "common/filemap.h"
#include "watersic/base.h"

struct safetensors {
    struct filemap map;
    char *path;
    json_t *header;
    json_t *stamps;            /* of coded tensors; NULL: there are none */
    const unsigned char *data; /* of the tensors */
    size_t data_bytes;
    struct tensor *tensors;
    const struct tensor **by_name; /* the same, sorted: headers of mixtures have many */
    size_t count;
};

/* The format's own bound, which keeps a damaged length from being taken for a header. */
static const uint64_t max_header_bytes = 100000000;

struct type {
    const char *name;
    size_t bytes;
    uint32_t dtype;
};

static const struct type types[] = {
    {"BF16", 2, WSIC_BF16}, {"BOOL", 1, 0},    {"F16", 2, WSIC_F16}, {"F32", 4, WSIC_F32},
    {"F64", 8, WSIC_F64},   {"F8_E4M3", 1, 0}, {"F8_E5M2", 1, 0},    {"I16", 2, 0},
    {"I32", 4, 0},          {"I64", 8, 0},     {"I8", 1, 0},         {"U16", 2, 0},
    {"U32", 4, 0},          {"U64", 8, 0},     {"U8", 1, 0},
};

static const struct type *find_type(const char *name)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(types[i].name, name) == 0)
            return &types[i];
    return NULL;
}

const char *safetensors_type(uint32_t dtype)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (dtype != 0 && types[i].dtype == dtype)
            return types[i].name;
    return NULL;
}

static bool refuse_tensor(const struct tensor *tensor, struct failure *failure, const char *reason)
{
    return refuse(failure, "%s: tensor \"%s\": %s", tensor->file, tensor->name, reason);
}

static bool parse_type(struct tensor *tensor, const json_t *entry, size_t *number_bytes,
                       struct failure *failure)
{
    const char *const name = json_string_value(json_object_get(entry, "dtype"));
    const struct type *const type = name ? find_type(name) : NULL;

    if (!name)
        return refuse_tensor(tensor, failure, "dtype is missing or not a string");
    if (!type)
        return refuse(failure, "%s: tensor \"%s\": dtype \"%s\" is unknown", tensor->file,
                      tensor->name, name);
    tensor->type = type->name;
    tensor->dtype = type->dtype;
    *number_bytes = type->bytes;
    return true;
}

static bool parse_size(const json_t *value, size_t *size)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        (uint64_t)json_integer_value(value) > SIZE_MAX)
        return false;
    *size = (size_t)json_integer_value(value);
    return true;
}

static bool parse_shape(struct tensor *tensor, const json_t *entry, struct failure *failure)
{
    const json_t *const shape = json_object_get(entry, "shape");

    if (!json_is_array(shape))
        return refuse_tensor(tensor, failure, "shape is missing or not an array");
    tensor->dimensions = json_array_size(shape);
    if (tensor->dimensions > SAFETENSORS_MAX_DIMENSIONS)
        return refuse(failure, "%s: tensor \"%s\": %zu dimensions, more than %d", tensor->file,
                      tensor->name, tensor->dimensions, SAFETENSORS_MAX_DIMENSIONS);
    tensor->count = 1;
    for (size_t i = 0; i < tensor->dimensions; i++) {
        if (!parse_size(json_array_get(shape, i), &tensor->shape[i]))
            return refuse_tensor(tensor, failure, "shape holds what is not a size");
        if (__builtin_mul_overflow(tensor->count, tensor->shape[i], &tensor->count))
            return refuse_tensor(tensor, failure, "shape is too large");
    }
    return true;
}

static bool parse_offsets(struct tensor *tensor, const json_t *entry, size_t number_bytes,
                          const struct safetensors *file, struct failure *failure)
{
    const json_t *const offsets = json_object_get(entry, "data_offsets");
    size_t begin, end, bytes;

    if (json_array_size(offsets) != 2 || !parse_size(json_array_get(offsets, 0), &begin) ||
        !parse_size(json_array_get(offsets, 1), &end))
        return refuse_tensor(tensor, failure, "data_offsets is not a pair of sizes");
    if (begin > end || end > file->data_bytes)
        return refuse(failure,
                      "%s: tensor \"%s\": data_offsets [%zu, %zu] do not lie in the %zu bytes of "
                      "data",
                      tensor->file, tensor->name, begin, end, file->data_bytes);
    if (__builtin_mul_overflow(tensor->count, number_bytes, &bytes) || bytes != end - begin)
        return refuse(failure, "%s: tensor \"%s\": %zu bytes do not fit shape and dtype %s",
                      tensor->file, tensor->name, end - begin, tensor->type);
    tensor->bytes = bytes;
    tensor->data = file->data + begin;
    return true;
}

static bool parse_tensor(struct tensor *tensor, const char *name, const json_t *entry,
                         const struct safetensors *file, struct failure *failure)
{
    size_t number_bytes = 0;

    *tensor = (struct tensor){.name = name, .file = file->path, .map = &file->map};
    if (!json_is_object(entry))
        return refuse_tensor(tensor, failure, "its entry is not an object");
    if (!parse_type(tensor, entry, &number_bytes, failure) ||
        !parse_shape(tensor, entry, failure) ||
        !parse_offsets(tensor, entry, number_bytes, file, failure))
        return false;
    const json_t *const stamp = json_object_get(file->stamps, name);
    return !stamp || coded_apply(tensor, stamp, failure);
}

/* By place; empty tensors before the one that begins where they lie. */
static int compare_places(const void *left, const void *right)
{
    const struct tensor *const a = left;
    const struct tensor *const b = right;

    if (a->data != b->data)
        return a->data < b->data ? -1 : 1;
    if (a->bytes != b->bytes)
        return a->bytes < b->bytes ? -1 : 1;
    return strcmp(a->name, b->name);
}

/* The format demands that the tensors cover the data exactly: bytes that belong to two tensors or
 * to none are a sign of a damaged or forged header. */
static bool check_cover(const struct safetensors *file, struct failure *failure)
{
    size_t reached = 0;

    for (size_t i = 0; i < file->count; i++) {
        const struct tensor *const tensor = &file->tensors[i];
        const size_t begin = (size_t)(tensor->data - file->data);
        if (begin < reached)
            return refuse(failure, "%s: tensor \"%s\" overlaps tensor \"%s\"", file->path,
                          tensor->name, file->tensors[i - 1].name);
        if (begin > reached)
            return refuse(failure, "%s: %zu bytes before tensor \"%s\" belong to no tensor",
                          file->path, begin - reached, tensor->name);
        reached = begin + tensor->bytes;
    }
    if (reached != file->data_bytes)
        return refuse(failure, "%s: %zu bytes at the end belong to no tensor", file->path,
                      file->data_bytes - reached);
    return true;
}

/* A stamp whose tensor is missing belongs to a damaged file. */
static bool check_stamps(const struct safetensors *file, struct failure *failure)
{
    const char *name;
    json_t *stamp;

    json_object_foreach(file->stamps, name, stamp)
    {
        if (!json_object_get(file->header, name))
            return refuse(failure, "%s: coded tensor \"%s\" is missing", file->path, name);
    }
    return true;
}

static bool parse_header(struct safetensors *file, struct failure *failure)
{
    const char *name;
    json_t *entry;

    if (!coded_load(&file->stamps, json_object_get(file->header, "__metadata__"), file->path,
                    failure) ||
        !check_stamps(file, failure))
        return false;
    file->tensors = calloc(json_object_size(file->header) + 1, sizeof *file->tensors);
    if (!file->tensors)
        return refuse(failure, "%s: out of memory", file->path);
    json_object_foreach(file->header, name, entry)
    {
        if (strcmp(name, "__metadata__") == 0)
            continue;
        if (!parse_tensor(&file->tensors[file->count++], name, entry, file, failure))
            return false;
    }
    qsort(file->tensors, file->count, sizeof *file->tensors, compare_places);
    return check_cover(file, failure);
}

/* Refuse what is no safetensors file at all: by what it is, if that can be seen. One that was cut
 * off still looks like one. */
static bool refuse_kind(const struct safetensors *file, const char *reason, struct failure *failure)
{
    const char *const kind = file_kind(file->map.data, file->map.size);

    return kind && strcmp(kind, file_kind_safetensors) != 0
               ? refuse(failure, "%s: is not a safetensors file but %s", file->path, kind)
               : refuse(failure, "%s: %s", file->path, reason);
}

static bool load_header(struct safetensors *file, struct failure *failure)
{
    const struct filemap *const map = &file->map;
    uint64_t length = 0;
    json_error_t error;
    char reason[JSON_ERROR_TEXT_LENGTH + 64];

    snprintf(reason, sizeof reason, "%zu bytes are too few for a safetensors file", map->size);
    if (map->size < 8)
        return refuse_kind(file, reason, failure);
    for (size_t i = 8; i-- > 0;)
        length = length << 8 | map->data[i];
    snprintf(reason, sizeof reason, "header of %llu bytes in a file of %zu",
             (unsigned long long)length, map->size);
    if (length > map->size - 8 || length > max_header_bytes)
        return refuse_kind(file, reason, failure);

    const size_t header_bytes = (size_t)length;
    file->data = map->data + 8 + header_bytes;
    file->data_bytes = map->size - 8 - header_bytes;
    file->header =
        json_loadb((const char *)map->data + 8, header_bytes, JSON_REJECT_DUPLICATES, &error);
    if (!file->header)
        return refuse(failure, "%s: header, byte %d: %s", file->path, error.position, error.text);
    if (!json_is_object(file->header))
        return refuse(failure, "%s: header is not an object", file->path);
    return parse_header(file, failure);
}

static int compare_tensors(const void *a, const void *b)
{
    const struct tensor *const *const one = a;
    const struct tensor *const *const other = b;

    return strcmp((*one)->name, (*other)->name);
}

static bool sort_names(struct safetensors *file, struct failure *failure)
{
    file->by_name = malloc((file->count + 1) * sizeof *file->by_name);
    if (!file->by_name)
        return refuse(failure, "%s: out of memory", file->path);
    for (size_t i = 0; i < file->count; i++)
        file->by_name[i] = &file->tensors[i];
    qsort(file->by_name, file->count, sizeof *file->by_name, compare_tensors);
    return true;
}

bool safetensors_open(struct safetensors **out, const char *path, struct failure *failure)
{
    struct safetensors *const file = calloc(1, sizeof *file);

    *out = NULL;
    if (!file || !(file->path = strdup(path))) {
        free(file);
        return refuse(failure, "%s: out of memory", path);
    }
    if (!filemap_open(&file->map, path, failure) || !load_header(file, failure) ||
        !sort_names(file, failure)) {
        safetensors_close(file);
        return false;
    }
    *out = file;
    return true;
}

void safetensors_close(struct safetensors *file)
{
    if (!file)
        return;
    for (size_t i = 0; i < file->count; i++)
        free(file->tensors[i].coded);
    free(file->tensors);
    free(file->by_name);
    json_decref(file->stamps);
    json_decref(file->header);
    filemap_close(&file->map);
    free(file->path);
    free(file);
}

const char *safetensors_metadata(const struct safetensors *file, const char *key)
{
    return json_string_value(json_object_get(json_object_get(file->header, "__metadata__"), key));
}

const char *safetensors_path(const struct safetensors *file)
{
    return file->path;
}

size_t safetensors_count(const struct safetensors *file)
{
    return file->count;
}

const struct tensor *safetensors_at(const struct safetensors *file, size_t index)
{
    return &file->tensors[index];
}

const struct tensor *safetensors_find(const struct safetensors *file, const char *name)
{
    const struct tensor sought = {.name = name};
    const struct tensor *const key = &sought;
    const struct tensor **const found =
        bsearch(&key, file->by_name, file->count, sizeof *file->by_name, compare_tensors);

    return found ? *found : NULL;
}

static float float_of_bits(uint32_t bits)
{
    float value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

static float float_of_half(uint32_t bits)
{
    const uint32_t sign = (bits & 0x8000U) << 16;
    const uint32_t exponent = bits >> 10 & 0x1FU;
    const uint32_t fraction = bits & 0x3FFU;

    if (exponent == 0x1F)
        return float_of_bits(sign | 0x7F800000U | fraction << 13);
    if (exponent == 0)
        return (sign ? -1.0F : 1.0F) * (float)fraction * 0x1p-24F;
    return float_of_bits(sign | (exponent + 112) << 23 | fraction << 13);
}

static float load_number(const unsigned char *bytes, uint32_t dtype)
{
    uint64_t bits = 0;
    double wide;

    for (size_t i = wsic_dtype_size(dtype); i-- > 0;)
        bits = bits << 8 | bytes[i];
    switch (dtype) {
    case WSIC_F64:
        memcpy(&wide, &bits, sizeof wide);
        return (float)wide;
    case WSIC_F16:
        return float_of_half((uint32_t)bits);
    default:
        return float_of_bits((uint32_t)bits);
    }
}

/* Most checkpoints are BF16 and large: a loop that the compiler can make wide. */
static void load_bfloats(const unsigned char *bytes, float *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i] = float_of_bits((uint32_t)bytes[2 * i] << 16 | (uint32_t)bytes[2 * i + 1] << 24);
}

static void load_numbers(const struct tensor *tensor, size_t first, size_t count, float *out)
{
    const size_t number_bytes = wsic_dtype_size(tensor->dtype);
    const unsigned char *const bytes = tensor->data + first * number_bytes;

    if (tensor->dtype == WSIC_BF16)
        load_bfloats(bytes, out, count);
    else
        for (size_t i = 0; i < count; i++)
            out[i] = load_number(bytes + i * number_bytes, tensor->dtype);
}

bool tensor_read_part_f32(const struct tensor *tensor, size_t first, size_t count, float *out,
                          struct failure *failure)
{
    if (tensor->coded_type)
        return refuse_tensor(tensor, failure, "it is coded by WaterSIC, and not read here");
    if (tensor->dtype == 0)
        return refuse(failure, "%s: tensor \"%s\": numbers of type %s are not floating",
                      tensor->file, tensor->name, tensor->type);
    load_numbers(tensor, first, count, out);
    for (size_t i = 0; i < count; i++)
        if (!isfinite(out[i]))
            return refuse(failure, "%s: tensor \"%s\": number %zu is not finite", tensor->file,
                          tensor->name, first + i);
    return true;
}

bool tensor_read_f32(const struct tensor *tensor, float *out, struct failure *failure)
{
    return tensor_read_part_f32(tensor, 0, tensor->count, out, failure);
}

void tensor_release(const struct tensor *tensor)
{
    filemap_release(tensor->map, tensor->data, tensor->bytes);
}
