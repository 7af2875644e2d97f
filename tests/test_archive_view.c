/* SPDX-License-Identifier: MIT */
/* Layers that borrow their bytes from an archive. */
#include <string.h>

#include "check_main.h"
#include "view_fixture.h"

START_TEST(views_equal_copies)
{
    wsic_archive *const archive = open_all();

    for (size_t k = 0; k < LAYERS; k++) {
        wsic_layer *const view = view_of(archive, k);
        check_equal_layer(view, layers[k]);
        wsic_layer_destroy(view);
    }
    wsic_archive_close(archive);
}
END_TEST

/* The same layer as a copy takes its bytes more. */
START_TEST(views_take_no_memory_for_bytes)
{
    wsic_archive *const archive = open_all();
    const void *bytes;
    const size_t size = bytes_of(layers[0], &bytes);
    wsic_layer *copy;

    const uint64_t before = wsic_context_memory(context, NULL);
    wsic_layer *const view = view_of(archive, 0);
    const uint64_t with_view = wsic_context_memory(context, NULL);
    ck_assert_int_eq(wsic_archive_load_layer(archive, 0, &copy), WSIC_OK);
    const uint64_t with_copy = wsic_context_memory(context, NULL);
    ck_assert_uint_ge(with_copy - with_view, with_view - before + size);
    wsic_layer_destroy(copy);
    wsic_layer_destroy(view);
    ck_assert_uint_eq(wsic_context_memory(context, NULL), before);
    wsic_archive_close(archive);
}
END_TEST

/* In any order; the file may be removed and replaced, as writers replace it. */
START_TEST(views_outlive_their_archive)
{
    wsic_archive *const archive = open_all();
    wsic_layer *views[LAYERS];

    for (size_t k = 0; k < LAYERS; k++)
        views[k] = view_of(archive, k);
    wsic_archive_close(archive);
    wsic_archive_writer_destroy(begin_archive("q"));
    wsic_archive_writer *const writer = begin_archive("q");
    ck_assert_int_eq(wsic_archive_writer_finish(writer), WSIC_OK);
    wsic_archive_writer_destroy(writer);
    for (size_t k = 0; k < LAYERS; k++) {
        check_equal_layer(views[(k + 1) % LAYERS], layers[(k + 1) % LAYERS]);
        wsic_layer_destroy(views[(k + 1) % LAYERS]);
    }
}
END_TEST

START_TEST(views_of_memory_borrow_from_it)
{
    wsic_archive *archive;
    size_t size;

    write_all("q");
    uint8_t *const bytes = read_file(temporary_path(&place, "q"), &size);
    /* At any address. */
    uint8_t *const moved = malloc(size + 8);
    for (size_t shift = 0; shift < 8; shift++) {
        memcpy(moved + shift, bytes, size);
        ck_assert_int_eq(wsic_archive_open_memory(context, moved + shift, size, &archive), WSIC_OK);
        wsic_layer *const view = view_of(archive, 1);
        wsic_archive_close(archive);
        const void *borrowed;
        bytes_of(view, &borrowed);
        ck_assert((const uint8_t *)borrowed > moved &&
                  (const uint8_t *)borrowed < moved + shift + size);
        check_equal_layer(view, layers[1]);
        wsic_layer_destroy(view);
    }
    free(moved);
    free(bytes);
}
END_TEST

/* From the end of the record before the layer to the end of the layer. The checksum of the record
 * behind it says nothing that the layer's own does not. */
START_TEST(every_flip_is_refused)
{
    wsic_archive *archive;
    uint64_t first, first_size, offset, layer_size;
    size_t size;

    write_all("q");
    uint8_t *const bytes = read_file(temporary_path(&place, "q"), &size);
    ck_assert_int_eq(wsic_archive_open_memory(context, bytes, size, &archive), WSIC_OK);
    ck_assert_int_eq(wsic_archive_get_extent(archive, 0, &first, &first_size), WSIC_OK);
    ck_assert_int_eq(wsic_archive_get_extent(archive, 1, &offset, &layer_size), WSIC_OK);
    const uint64_t from = first + first_size + 8, to = offset + layer_size;
    ck_assert_uint_lt(from, offset);
    for (uint64_t bit = 8 * from; bit < 8 * (to + 8); bit++) {
        wsic_layer *view;
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        const wsic_status status = wsic_archive_view_layer(archive, 1, &view);
        ck_assert_msg(bit < 8 * to ? status < 0 : status == WSIC_OK, "bit %d of byte %d",
                      (int)(bit % 8), (int)(bit / 8));
        ck_assert((view != NULL) == (status == WSIC_OK));
        wsic_layer_destroy(view);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    wsic_archive_close(archive);
    free(bytes);
}
END_TEST

/* Copies are read from the file, not from the mapping: a status, and no signal. */
START_TEST(copies_survive_a_file_that_shrinks)
{
    wsic_archive *const archive = open_all();
    wsic_layer *layer = layers[0];

    ck_assert_int_eq(truncate(temporary_path(&place, "q"), 20), 0);
    ck_assert_int_eq(wsic_archive_load_layer(archive, 0, &layer), WSIC_ERROR_TRUNCATED);
    ck_assert_ptr_null(layer);
    ck_assert_ptr_nonnull(strstr(wsic_archive_message(archive), "shrank"));
    wsic_archive_close(archive);
}
END_TEST

START_TEST(arguments_are_checked)
{
    wsic_archive *const archive = open_all();
    wsic_layer *layer = layers[0];

    ck_assert_int_eq(wsic_archive_view_layer(archive, LAYERS, &layer), WSIC_ERROR_ARGUMENT);
    ck_assert_ptr_null(layer);
    ck_assert_ptr_nonnull(strstr(wsic_archive_message(archive), "3 layers"));
    ck_assert_str_eq(wsic_archive_message(archive), wsic_context_message(context));
    ck_assert_int_eq(wsic_archive_view_layer(archive, 0, NULL), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_archive_view_layer(NULL, 0, &layer), WSIC_ERROR_ARGUMENT);
    wsic_archive_close(archive);
}
END_TEST

static wsic_status open_and_view(void *data)
{
    wsic_archive *archive = NULL;
    wsic_layer *view = NULL;

    (void)data;
    wsic_status status = wsic_archive_open(context, temporary_path(&place, "q"), &archive);
    if (status == WSIC_OK)
        status = wsic_archive_view_layer(archive, 0, &view);
    ck_assert((status == WSIC_OK) == (view != NULL));
    wsic_archive_close(archive);
    wsic_layer_destroy(view);
    return status;
}

START_TEST(every_refused_allocation_is_reported)
{
    write_all("q");
    refuse_every_allocation(&counter, open_and_view, NULL);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("archive_view");
    TCase *const tests = tcase_create("archive_view");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, views_equal_copies);
    tcase_add_test(tests, views_take_no_memory_for_bytes);
    tcase_add_test(tests, views_outlive_their_archive);
    tcase_add_test(tests, views_of_memory_borrow_from_it);
    tcase_add_test(tests, every_flip_is_refused);
    tcase_add_test(tests, copies_survive_a_file_that_shrinks);
    tcase_add_test(tests, arguments_are_checked);
    tcase_add_test(tests, every_refused_allocation_is_reported);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
