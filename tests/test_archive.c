/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "archive_fixture.h"
#include "check_main.h"

static void write_archive(const char *name, size_t count)
{
    wsic_archive_writer *const writer = begin_archive(name);

    for (size_t k = 0; k < count; k++)
        ck_assert_int_eq(wsic_archive_writer_add(writer, names[k], layers[k]), WSIC_OK);
    ck_assert_int_eq(wsic_archive_writer_set_metadata(writer, "parameters", "rate=2"), WSIC_OK);
    ck_assert_int_eq(wsic_archive_writer_finish(writer), WSIC_OK);
    wsic_archive_writer_destroy(writer);
}

static uint8_t *archive_bytes(size_t count, size_t *size)
{
    write_archive("q", count);
    return read_file(temporary_path(&place, "q"), size);
}

/* Open and read all: what a flip of any bit must not survive. */
static wsic_status read_all(const void *bytes, size_t size)
{
    wsic_archive *archive;
    wsic_status status = wsic_archive_open_memory(context, bytes, size, &archive);

    if (status != WSIC_OK) {
        ck_assert_ptr_null(archive);
        ck_assert_str_ne(wsic_context_message(context), "");
        return status;
    }
    for (size_t k = 0; status == WSIC_OK && k < wsic_archive_count(archive); k++) {
        wsic_layer *layer;
        status = wsic_archive_load_layer(archive, k, &layer);
        ck_assert((status == WSIC_OK) == (layer != NULL));
        wsic_layer_destroy(layer);
    }
    wsic_archive_close(archive);
    return status;
}

/* --- round trips --------------------------------------------------------- */

START_TEST(layers_and_metadata_come_back)
{
    for (size_t count = 0; count <= LAYERS; count++) {
        wsic_archive *archive;
        size_t size;
        uint8_t *const bytes = archive_bytes(count, &size);
        ck_assert_int_eq(wsic_archive_open(context, place.path, &archive), WSIC_OK);
        ck_assert_uint_eq(wsic_archive_size(archive), size);
        check_contents(archive, count);
        wsic_archive_close(archive);
        ck_assert_int_eq(wsic_archive_open_memory(context, bytes, size, &archive), WSIC_OK);
        ck_assert_uint_eq(wsic_archive_size(archive), size);
        check_contents(archive, count);
        wsic_archive_close(archive);
        free(bytes);
    }
}
END_TEST

START_TEST(the_same_calls_give_the_same_bytes)
{
    size_t size, again_size;
    uint8_t *const bytes = archive_bytes(LAYERS, &size);
    uint8_t *const again = archive_bytes(LAYERS, &again_size);

    ck_assert_uint_eq(size, again_size);
    ck_assert_mem_eq(bytes, again, size);
    free(bytes);
    free(again);
}
END_TEST

START_TEST(what_is_not_there_is_not_found)
{
    wsic_archive *archive;
    wsic_layer *layer = layers[0];
    size_t index = 42;

    write_archive("q", 2);
    ck_assert_int_eq(wsic_archive_open(context, place.path, &archive), WSIC_OK);
    ck_assert_int_eq(wsic_archive_find(archive, "model.b", &index), WSIC_ERROR_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(wsic_archive_message(archive), "model.b"));
    ck_assert_int_eq(wsic_archive_find(archive, "", &index), WSIC_ERROR_NOT_FOUND);
    ck_assert_int_eq(wsic_archive_find(archive, NULL, &index), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_archive_find(archive, "model.a", NULL), WSIC_ERROR_ARGUMENT);
    ck_assert_uint_eq(index, 42);
    ck_assert_ptr_null(wsic_archive_name(archive, 2));
    ck_assert_ptr_null(wsic_archive_metadata(archive, "none"));
    ck_assert_ptr_null(wsic_archive_metadata(archive, NULL));
    ck_assert_ptr_null(wsic_archive_metadata_key(archive, 2));
    ck_assert_str_eq(wsic_archive_metadata_key(archive, 0), "library");
    ck_assert_str_eq(wsic_archive_metadata_key(archive, 1), "parameters");
    ck_assert_int_eq(wsic_archive_load_layer(archive, 2, &layer), WSIC_ERROR_ARGUMENT);
    ck_assert_ptr_null(layer);
    ck_assert_int_eq(wsic_archive_load_layer(archive, 0, NULL), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_archive_load_layer(NULL, 0, &layer), WSIC_ERROR_ARGUMENT);
    wsic_archive_close(archive);
}
END_TEST

START_TEST(layers_outlive_their_archive)
{
    wsic_archive *archive;
    wsic_layer *layer;
    size_t size;
    uint8_t *const bytes = archive_bytes(1, &size);

    ck_assert_int_eq(wsic_archive_open_memory(context, bytes, size, &archive), WSIC_OK);
    ck_assert_int_eq(wsic_archive_load_layer(archive, 0, &layer), WSIC_OK);
    wsic_archive_close(archive);
    memset(bytes, 0, size);
    free(bytes);
    check_same_layer(layer, layers[0]);
    wsic_layer_destroy(layer);
    wsic_archive_close(NULL);
    wsic_archive_writer_destroy(NULL);
}
END_TEST

START_TEST(many_layers_are_found)
{
    enum { MANY = 500 };
    wsic_archive_writer *const writer = begin_archive("q");
    wsic_archive *archive;
    char name[32];

    for (unsigned k = 0; k < MANY; k++) {
        snprintf(name, sizeof name, "layer.%u", k * 7919 % MANY);
        ck_assert_int_eq(wsic_archive_writer_add(writer, name, layers[k % LAYERS]), WSIC_OK);
    }
    ck_assert_int_eq(wsic_archive_writer_finish(writer), WSIC_OK);
    wsic_archive_writer_destroy(writer);
    ck_assert_int_eq(wsic_archive_open(context, place.path, &archive), WSIC_OK);
    ck_assert_uint_eq(wsic_archive_count(archive), MANY);
    for (unsigned k = 0; k < MANY; k++) {
        size_t index;
        snprintf(name, sizeof name, "layer.%u", k * 7919 % MANY);
        ck_assert_str_eq(wsic_archive_name(archive, k), name);
        ck_assert_int_eq(wsic_archive_find(archive, name, &index), WSIC_OK);
        ck_assert_uint_eq(index, k);
    }
    wsic_archive_close(archive);
}
END_TEST

/* --- damage -------------------------------------------------------------- */

START_TEST(every_truncation_and_flip_is_refused)
{
    size_t size;
    uint8_t *const bytes = archive_bytes(2, &size);

    ck_assert_int_eq(read_all(bytes, size), WSIC_OK);
    for (size_t cut = 0; cut < size; cut++)
        ck_assert_int_eq(read_all(bytes, cut), WSIC_ERROR_TRUNCATED);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        ck_assert_msg(read_all(bytes, size) < 0, "bit %zu of byte %zu", bit % 8, bit / 8);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    bytes[size] = 0;
    ck_assert_int_lt(read_all(bytes, size + 1), 0);
    free(bytes);
}
END_TEST

START_TEST(a_damaged_layer_hurts_no_other)
{
    wsic_archive *archive;
    wsic_layer *layer;
    size_t size;
    uint8_t *const bytes = archive_bytes(LAYERS, &size);

    /* Within the first layer. */
    bytes[64 + 20] ^= 4;
    ck_assert_int_eq(wsic_archive_open_memory(context, bytes, size, &archive), WSIC_OK);
    ck_assert_int_eq(wsic_archive_load_layer(archive, 0, &layer), WSIC_ERROR_CHECKSUM);
    ck_assert_ptr_nonnull(strstr(wsic_archive_message(archive), names[0]));
    ck_assert_str_eq(wsic_archive_message(archive), wsic_context_message(context));
    ck_assert_ptr_null(layer);
    ck_assert_int_eq(wsic_archive_load_layer(archive, 1, &layer), WSIC_OK);
    wsic_layer_destroy(layer);
    wsic_archive_close(archive);
    free(bytes);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("archive");
    TCase *const tests = tcase_create("archive");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, layers_and_metadata_come_back);
    tcase_add_test(tests, the_same_calls_give_the_same_bytes);
    tcase_add_test(tests, what_is_not_there_is_not_found);
    tcase_add_test(tests, layers_outlive_their_archive);
    tcase_add_test(tests, many_layers_are_found);
    tcase_add_test(tests, every_truncation_and_flip_is_refused);
    tcase_add_test(tests, a_damaged_layer_hurts_no_other);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
