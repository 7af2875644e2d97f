/* SPDX-License-Identifier: MIT */
#include "inputs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/file_kind.h"
#include "common/path.h"
#include "common/text_end.h"
#include "output.h"

static char *copy_text(const char *text, size_t length)
{
    char *const copy = malloc(length + 1);

    if (copy) {
        memcpy(copy, text, length);
        copy[length] = '\0';
    }
    return copy;
}

static char *stem_of(const char *path)
{
    const char *const base = path + path_folder_length(path);
    const char *const dot = strrchr(base, '.');

    return copy_text(base, dot && dot != base ? (size_t)(dot - base) : strlen(base));
}

static void describe_array(const npy_array *array, wsic_matrix *matrix)
{
    wsic_matrix_init(matrix, sizeof *matrix, array->data, array->dtype, array->rows, array->columns,
                     0);
}

int activations_open(const char *path, npy_array *array, wsic_matrix *matrix)
{
    struct failure failure;

    if (!npy_read(path, array, &failure))
        return complain(NULL, "%s", failure.text);
    if (!npy_is_real(array, &failure)) {
        npy_release(array);
        return complain(path, "%s", failure.text);
    }
    describe_array(array, matrix);
    return EXIT_SUCCESS;
}

/* More dimensions of activations are more tokens; of anything else they are a mistake. */
static int check_dimensions(const char *path, const npy_array *array)
{
    if (array->dimensions <= 2)
        return EXIT_SUCCESS;
    return complain(path, "has %u dimensions, where a matrix has 2", (unsigned)array->dimensions);
}

static int open_npy(const char *path, weights_input *weights)
{
    const int result = activations_open(path, &weights->array, &weights->matrix);

    if (result != EXIT_SUCCESS || check_dimensions(path, &weights->array) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    weights->name = stem_of(path);
    return weights->name ? EXIT_SUCCESS : complain(NULL, "out of memory");
}

/* Tensors may lie anywhere in their file; the library wants them aligned. */
static int use_tensor(const struct tensor *tensor, weights_input *weights)
{
    const size_t size = wsic_dtype_size(tensor->dtype);
    const void *data = tensor->data;

    if (size == 0)
        return complain(tensor->file, "tensor \"%s\" is %s, not a floating-point type",
                        tensor->name, tensor->type);
    if (tensor->dimensions < 1 || tensor->dimensions > 2)
        return complain(tensor->file, "tensor \"%s\" has %zu dimensions, not 1 or 2", tensor->name,
                        tensor->dimensions);
    if ((uintptr_t)data % size != 0) {
        weights->copy = malloc(tensor->bytes);
        if (!weights->copy)
            return complain(NULL, "out of memory");
        data = memcpy(weights->copy, data, tensor->bytes);
    }
    const size_t rows = tensor->dimensions == 2 ? tensor->shape[0] : 1;
    wsic_matrix_init(&weights->matrix, sizeof weights->matrix, data, tensor->dtype, rows,
                     tensor->shape[tensor->dimensions - 1], 0);
    weights->name = copy_text(tensor->name, strlen(tensor->name));
    return weights->name ? EXIT_SUCCESS : complain(NULL, "out of memory");
}

static int open_tensor(const char *path, const char *name, weights_input *weights)
{
    struct failure failure;

    if (!safetensors_open(&weights->file, path, &failure))
        return complain(NULL, "%s", failure.text);
    const struct tensor *const tensor = safetensors_find(weights->file, name);
    if (!tensor)
        return complain(path, "holds no tensor \"%s\"", name);
    return use_tensor(tensor, weights);
}

/* The file of FILE.safetensors:TENSOR, and where the name of the tensor begins; the whole of from,
 * and NULL, for any other. Both parts may hold colons: the file is the first prefix that exists.
 * NULL if memory is short. */
static char *split_source(const char *from, const char **tensor)
{
    const bool whole = access(from, F_OK) == 0;

    *tensor = NULL;
    for (const char *colon = strchr(from, ':'); colon && !whole; colon = strchr(colon + 1, ':')) {
        char *const path = copy_text(from, (size_t)(colon - from));
        if (!path || access(path, F_OK) == 0) {
            *tensor = colon + 1;
            return path;
        }
        free(path);
    }
    return copy_text(from, strlen(from));
}

static int open_source(const char *path, const char *tensor, weights_input *weights)
{
    if (tensor)
        return open_tensor(path, tensor, weights);
    if (text_ends_with(path, ".safetensors"))
        return complain(path, "a tensor of it has to be named, as FILE.safetensors:TENSOR");
    return open_npy(path, weights);
}

int weights_open(const char *from, weights_input *weights)
{
    const char *tensor;
    char *const path = split_source(from, &tensor);

    *weights = (weights_input){.name = NULL};
    const int result = path ? open_source(path, tensor, weights) : complain(NULL, "out of memory");
    free(path);
    return result;
}

bool weights_spared(const char *output, const char *from)
{
    const char *tensor;
    char *const path = split_source(from, &tensor);

    if (!path)
        complain(NULL, "out of memory");
    const bool spared = path && spares_input(output, path);
    free(path);
    return spared;
}

bool is_text(const char *name)
{
    json_t *const text = json_string(name);
    const bool good = text != NULL;

    json_decref(text);
    return good;
}

void weights_close(weights_input *weights)
{
    npy_release(&weights->array);
    safetensors_close(weights->file);
    free(weights->copy);
    free(weights->name);
    *weights = (weights_input){.name = NULL};
}

static int add_covariance(wsic_stats *stats, const char *path, const wsic_matrix *covariance,
                          double samples)
{
    const double count = isnan(samples) ? (double)covariance->columns : samples;
    const wsic_status status = wsic_stats_add_covariance(stats, covariance, count);

    return status == WSIC_OK ? EXIT_SUCCESS
                             : complain_status(path, status, wsic_stats_message(stats));
}

static int stats_from_array(wsic_context *context, const char *path, npy_array *array,
                            double samples, wsic_stats **out)
{
    struct failure failure;
    wsic_matrix matrix;

    if (check_dimensions(path, array) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    if (array->rows != array->columns)
        return complain(path, "is %zu x %zu: a covariance is square", array->rows, array->columns);
    if (!npy_widen(array, &failure))
        return complain(path, "%s", failure.text);
    const wsic_status status = wsic_stats_create(context, array->columns, out);
    if (status != WSIC_OK)
        return complain_status(path, status, wsic_context_message(context));
    describe_array(array, &matrix);
    const int result = add_covariance(*out, path, &matrix, samples);
    if (result != EXIT_SUCCESS) {
        wsic_stats_destroy(*out);
        *out = NULL;
    }
    return result;
}

/* What the library cannot read may be a file of another kind altogether: that is said, too. */
static int complain_input(const char *path, wsic_status status, const char *message,
                          const char *expected)
{
    const bool misread = status == WSIC_ERROR_FORMAT || status == WSIC_ERROR_TRUNCATED ||
                         status == WSIC_ERROR_VERSION || status == WSIC_ERROR_CHECKSUM;
    const char *const kind = misread ? file_kind_of(path) : NULL;

    if (!kind || strcmp(kind, expected) == 0)
        return complain_status(path, status, message);
    return complain(path, "%s; it is %s, not %s", message, kind, expected);
}

int stats_open(wsic_context *context, const char *path, double samples, wsic_stats **out)
{
    struct failure failure;
    npy_array array;

    *out = NULL;
    if (!npy_recognize(path)) {
        const wsic_status status = wsic_stats_load(context, path, out);
        return status == WSIC_OK ? EXIT_SUCCESS
                                 : complain_input(path, status, wsic_context_message(context),
                                                  file_kind_statistics);
    }
    if (!npy_read(path, &array, &failure))
        return complain(NULL, "%s", failure.text);
    const int result = stats_from_array(context, path, &array, samples, out);
    npy_release(&array);
    return result;
}

int archive_open(wsic_context *context, const char *path, wsic_archive **out)
{
    const wsic_status status = wsic_archive_open(context, path, out);

    return status == WSIC_OK
               ? EXIT_SUCCESS
               : complain_input(path, status, wsic_context_message(context), file_kind_archive);
}

int archive_layer(wsic_archive *archive, const char *path, size_t index, wsic_layer **out)
{
    const wsic_status status = wsic_archive_load_layer(archive, index, out);

    if (status == WSIC_OK)
        return EXIT_SUCCESS;
    return complain(path, "layer \"%s\": %s", wsic_archive_name(archive, index),
                    wsic_archive_message(archive));
}

static wsic_status decode_blocks(const wsic_layer *layer, const wsic_layer_info *info,
                                 int32_t *codes)
{
    wsic_status status = WSIC_OK;

    for (size_t row = 0; row < info->rows && status == WSIC_OK; row += info->block_rows) {
        const size_t left = (size_t)info->rows - row;
        wsic_matrix matrix;
        wsic_matrix_init(&matrix, sizeof matrix, codes, WSIC_I32,
                         left < info->block_rows ? left : (size_t)info->block_rows,
                         (size_t)info->columns, 0);
        status = wsic_layer_get_codes(layer, row, &matrix);
    }
    return status;
}

static int check_codes(const wsic_layer *layer, const char *path, const char *name)
{
    wsic_layer_info info = {.size = sizeof info};

    wsic_layer_get_info(layer, &info);
    const uint64_t rows = info.block_rows < info.rows ? info.block_rows : info.rows;
    int32_t *const codes = malloc((size_t)(rows * info.columns) * sizeof *codes);
    if (!codes)
        return complain(NULL, "out of memory");
    const wsic_status status = decode_blocks(layer, &info, codes);
    free(codes);
    if (status == WSIC_OK)
        return EXIT_SUCCESS;
    return complain(path, "layer \"%s\": %s", name, wsic_layer_message(layer));
}

int archive_checked_layer(wsic_archive *archive, const char *path, size_t index, wsic_layer **out)
{
    int result = archive_layer(archive, path, index, out);

    if (result != EXIT_SUCCESS)
        return result;
    result = check_codes(*out, path, wsic_archive_name(archive, index));
    if (result == EXIT_SUCCESS)
        return result;
    wsic_layer_destroy(*out);
    *out = NULL;
    return result;
}
