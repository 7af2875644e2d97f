/* SPDX-License-Identifier: MIT */
/* Packed directories and restored checkpoints, tensor by tensor, read by a reader that knows
 * nothing of this project but what docs/format.md says. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <watersic/watersic.h>

#include "check_main.h"
#include "common/coded_tensors.h"
#include "llm/publish/unpack.h"
#include "packed_fixture.h"

/* A file of tensors in memory. */
struct plain_file {
    unsigned char *bytes;
    json_t *header;
    const unsigned char *data;
};

static unsigned char *read_all(const char *name, size_t *size)
{
    FILE *const file = fopen(name, "rb");
    unsigned char *bytes;

    ck_assert_msg(file != NULL, "%s is not there", name);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    bytes = malloc(*size + 1);
    ck_assert_uint_eq(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

/* The rules of the format: the header's length in eight bytes, JSON, and tensors that cover the
 * rest without gaps. */
static struct plain_file plain_open(const char *name)
{
    struct plain_file file;
    size_t size, length = 0, covered = 0;
    const char *key;
    json_t *entry;

    file.bytes = read_all(name, &size);
    for (size_t i = 8; i-- > 0;)
        length = length << 8 | file.bytes[i];
    ck_assert_uint_le(length, size - 8);
    file.header = json_loadb((const char *)file.bytes + 8, length, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_ptr_nonnull(file.header);
    file.data = file.bytes + 8 + length;
    ck_assert_uint_eq((8 + length) % 64, 0);
    json_object_foreach(file.header, key, entry)
    {
        const json_t *const ends = json_object_get(entry, "data_offsets");
        if (strcmp(key, "__metadata__") != 0)
            covered += (size_t)(json_integer_value(json_array_get(ends, 1)) -
                                json_integer_value(json_array_get(ends, 0)));
    }
    ck_assert_uint_eq(covered, size - 8 - length);
    return file;
}

static void plain_close(struct plain_file *file)
{
    json_decref(file->header);
    free(file->bytes);
}

static const unsigned char *plain_find(const struct plain_file *file, const char *name,
                                       const char *type, size_t *bytes)
{
    const json_t *const entry = json_object_get(file->header, name);
    const json_t *const ends = json_object_get(entry, "data_offsets");
    const size_t begin = (size_t)json_integer_value(json_array_get(ends, 0));

    ck_assert_msg(entry != NULL, "%s is missing", name);
    ck_assert_str_eq(json_string_value(json_object_get(entry, "dtype")), type);
    *bytes = (size_t)json_integer_value(json_array_get(ends, 1)) - begin;
    return file->data + begin;
}

static void restore_it(uint32_t weights, uint32_t codes)
{
    struct unpacking unpacking = {.source = packed.packed,
                                  .context = packed.context,
                                  .output = packed.restored,
                                  .shard_bytes = UINT64_C(1) << 40,
                                  .weights = weights,
                                  .codes = codes};
    struct checkpoint *checkpoint;
    struct unpacked unpacked;

    packed_pack();
    ck_assert_msg(checkpoint_open(&checkpoint, packed.packed, &packed.failure), "%s",
                  packed.failure.text);
    unpacking.checkpoint = checkpoint;
    ck_assert_msg(unpack_model(&unpacking, &unpacked, &packed.failure), "%s", packed.failure.text);
    checkpoint_close(checkpoint);
}

static struct plain_file open_plain(const char *folder)
{
    char name[128];

    snprintf(name, sizeof name, "%s/model.safetensors", folder);
    return plain_open(name);
}

/* Call visit with every layer of the archive. */
static void each_layer(const struct plain_file *file,
                       void (*visit)(const struct plain_file *file, const char *name,
                                     const wsic_layer *layer, const wsic_layer_info *info))
{
    wsic_archive *archive;

    ck_assert_int_eq(wsic_archive_open(packed.context, packed.archive, &archive), WSIC_OK);
    for (size_t i = 0; i < wsic_archive_count(archive); i++) {
        wsic_layer_info info = {.size = sizeof info};
        wsic_layer *layer;
        ck_assert_int_eq(wsic_archive_load_layer(archive, i, &layer), WSIC_OK);
        ck_assert_int_eq(wsic_layer_get_info(layer, &info), WSIC_OK);
        visit(file, wsic_archive_name(archive, i), layer, &info);
        wsic_layer_destroy(layer);
    }
    wsic_archive_close(archive);
}

static float *decode(const wsic_layer *layer, const wsic_layer_info *info)
{
    float *const weights = calloc(info->rows * info->columns, sizeof *weights);
    wsic_matrix matrix;

    wsic_matrix_init(&matrix, sizeof matrix, weights, WSIC_F32, info->rows, info->columns, 0);
    ck_assert_int_eq(wsic_layer_dequantize(layer, 0, &matrix), WSIC_OK);
    return weights;
}

/* --- tests ----------------------------------------------------------------- */

static void same_layer_bytes(const struct plain_file *file, const char *name,
                             const wsic_layer *layer, const wsic_layer_info *info)
{
    const void *expected;
    size_t size, stored;
    const unsigned char *const bytes = plain_find(file, name, "U8", &stored);

    ck_assert_int_eq(wsic_layer_get_bytes(layer, &expected, &size), WSIC_OK);
    ck_assert_uint_eq(stored, (size + 63) / 64 * 64);
    ck_assert_uint_eq((size_t)(bytes - file->data) % 64, 0);
    ck_assert_mem_eq(bytes, expected, size);
    for (size_t i = size; i < stored; i++)
        ck_assert_uint_eq(bytes[i], 0);
    ck_assert_uint_eq(info->bytes, size);
}

START_TEST(coded_tensors_are_the_layers_of_the_archive)
{
    packed_pack();
    struct plain_file file = open_plain(packed.packed);
    each_layer(&file, same_layer_bytes);
    plain_close(&file);
}
END_TEST

START_TEST(everything_else_is_as_it_was)
{
    size_t names = 0;

    packed_pack();
    struct plain_file file = open_plain(packed.packed);
    for (size_t i = 0; i < packed.model.count; i++) {
        const struct synthetic_tensor *const tensor = &packed.model.tensors[i];
        size_t bytes;
        names++;
        if (packed_is_quantized(tensor))
            continue;
        const unsigned char *const data = plain_find(&file, tensor->name, "BF16", &bytes);
        ck_assert_uint_eq(bytes, synthetic_numbers(tensor) * sizeof *tensor->bits);
        ck_assert_mem_eq(data, tensor->bits, bytes);
    }
    ck_assert_uint_eq(json_object_size(file.header), names + 1);
    plain_close(&file);
}
END_TEST

START_TEST(stamps_are_as_documented)
{
    packed_pack();
    struct plain_file file = open_plain(packed.packed);
    const json_t *const metadata = json_object_get(file.header, "__metadata__");
    json_t *const stamps =
        json_loads(json_string_value(json_object_get(metadata, "watersic.tensors")), 0, NULL);
    json_t *const run =
        json_loads(json_string_value(json_object_get(metadata, "watersic.run")), 0, NULL);
    const json_t *const stamp = json_object_get(stamps, "model.layers.0.mlp.down_proj.weight");
    const json_t *const shape = json_object_get(stamp, "shape");

    ck_assert_str_eq(json_string_value(json_object_get(metadata, "watersic.version")), "1");
    ck_assert_str_eq(json_string_value(json_object_get(stamp, "dtype")), "BF16");
    ck_assert_uint_eq((size_t)json_integer_value(json_array_get(shape, 0)), packed.model.hidden);
    ck_assert_uint_eq((size_t)json_integer_value(json_array_get(shape, 1)),
                      packed.model.intermediate);
    ck_assert_uint_eq(json_array_size(json_object_get(stamp, "layers")), 1);
    ck_assert_str_eq(json_string_value(json_object_get(
                         json_array_get(json_object_get(stamp, "layers"), 0), "name")),
                     "model.layers.0.mlp.down_proj.weight");
    ck_assert_str_eq(json_string_value(json_object_get(run, "preset")), "fast \"quoted\"");
    json_decref(stamps);
    json_decref(run);
    plain_close(&file);
}
END_TEST

static void same_floats(const struct plain_file *file, const char *name, const wsic_layer *layer,
                        const wsic_layer_info *info)
{
    size_t bytes;
    const unsigned char *const data = plain_find(file, name, "F32", &bytes);
    float *const weights = decode(layer, info);

    ck_assert_uint_eq(bytes, info->rows * info->columns * sizeof *weights);
    ck_assert_mem_eq(data, weights, bytes);
    free(weights);
}

START_TEST(restored_weights_are_those_of_the_layers)
{
    restore_it(WSIC_F32, 0);
    struct plain_file file = open_plain(packed.restored);
    each_layer(&file, same_floats);
    plain_close(&file);
}
END_TEST

/* To the nearest bfloat16: half a unit of its eight bits. */
static void near_floats(const struct plain_file *file, const char *name, const wsic_layer *layer,
                        const wsic_layer_info *info)
{
    size_t bytes;
    const unsigned char *const data = plain_find(file, name, "BF16", &bytes);
    float *const weights = decode(layer, info);

    ck_assert_uint_eq(bytes, 2 * info->rows * info->columns);
    for (size_t i = 0; i < bytes / 2; i++) {
        const uint32_t bits = (uint32_t)data[2 * i] << 16 | (uint32_t)data[2 * i + 1] << 24;
        float stored;
        memcpy(&stored, &bits, sizeof stored);
        const double expected = (double)weights[i];
        const double error = (double)stored - expected;
        ck_assert_double_le(error < 0 ? -error : error,
                            (expected < 0 ? -expected : expected) / 256);
    }
    free(weights);
}

START_TEST(restored_weights_are_of_the_type_that_they_were)
{
    restore_it(0, 0);
    struct plain_file file = open_plain(packed.restored);
    each_layer(&file, near_floats);
    plain_close(&file);
}
END_TEST

/* A weight is row_scale · (column_scale · code). */
static void same_products(const struct plain_file *file, const char *name, const wsic_layer *layer,
                          const wsic_layer_info *info)
{
    char part[128];
    size_t bytes;
    float *const weights = decode(layer, info);

    snprintf(part, sizeof part, "%s_codes", name);
    const signed char *const codes = (const signed char *)plain_find(file, part, "I8", &bytes);
    ck_assert_uint_eq(bytes, info->rows * info->columns);
    snprintf(part, sizeof part, "%s_row_scales", name);
    const unsigned char *const rows = plain_find(file, part, "F32", &bytes);
    ck_assert_uint_eq(bytes, info->rows * sizeof(float));
    snprintf(part, sizeof part, "%s_column_scales", name);
    const unsigned char *const columns = plain_find(file, part, "F32", &bytes);
    ck_assert_uint_eq(bytes, info->columns * sizeof(float));
    for (size_t i = 0; i < info->rows; i++) {
        for (size_t j = 0; j < info->columns; j++) {
            float row, column;
            memcpy(&row, rows + i * sizeof row, sizeof row);
            memcpy(&column, columns + j * sizeof column, sizeof column);
            const float scaled = column * (float)codes[i * info->columns + j];
            const float product = row * scaled;
            ck_assert_mem_eq(&product, &weights[i * info->columns + j], sizeof product);
        }
    }
    free(weights);
}

START_TEST(codes_and_scales_make_the_weights)
{
    restore_it(0, WSIC_I8);
    struct plain_file file = open_plain(packed.restored);
    each_layer(&file, same_products);
    plain_close(&file);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("llm packed");
    TCase *const tests = tcase_create("llama 3");

    tcase_add_checked_fixture(tests, packed_set_up, packed_tear_down);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, coded_tensors_are_the_layers_of_the_archive);
    tcase_add_test(tests, everything_else_is_as_it_was);
    tcase_add_test(tests, stamps_are_as_documented);
    tcase_add_test(tests, restored_weights_are_those_of_the_layers);
    tcase_add_test(tests, restored_weights_are_of_the_type_that_they_were);
    tcase_add_test(tests, codes_and_scales_make_the_weights);
    suite_add_tcase(suite, tests);
    run_suite(suite);
    return 0;
}
