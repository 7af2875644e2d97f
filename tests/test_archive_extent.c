/* SPDX-License-Identifier: MIT */
/* Where the bytes of layers lie in the file, as those see them who read the file themselves. */
#include <string.h>

#include "archive_fixture.h"
#include "check_main.h"

static void write_aligned(uint64_t alignment)
{
    wsic_archive_writer *const writer = begin_archive("q");

    ck_assert_uint_eq(wsic_archive_writer_alignment(writer), 64);
    ck_assert_int_eq(wsic_archive_writer_set_metadata(writer, "parameters", "rate=2"), WSIC_OK);
    ck_assert_int_eq(wsic_archive_writer_set_alignment(writer, alignment), WSIC_OK);
    ck_assert_uint_eq(wsic_archive_writer_alignment(writer), alignment);
    for (size_t k = 0; k < LAYERS; k++)
        ck_assert_int_eq(wsic_archive_writer_add(writer, names[k], layers[k]), WSIC_OK);
    ck_assert_int_eq(wsic_archive_writer_finish(writer), WSIC_OK);
    wsic_archive_writer_destroy(writer);
}

static wsic_archive *open_archive(void)
{
    wsic_archive *archive;

    ck_assert_msg(wsic_archive_open(context, temporary_path(&place, "q"), &archive) == WSIC_OK,
                  "%s", wsic_context_message(context));
    return archive;
}

/* The layer of index k lies in the file at its extent, and can be used from there. */
static void check_extent(wsic_archive *archive, const uint8_t *file, size_t file_size, size_t k)
{
    const void *bytes;
    const size_t size = bytes_of(layers[k], &bytes);
    uint64_t offset, extent;
    wsic_layer *view;

    ck_assert_int_eq(wsic_archive_get_extent(archive, k, &offset, &extent), WSIC_OK);
    ck_assert_uint_eq(offset % wsic_archive_alignment(archive), 0);
    ck_assert_uint_eq(extent, size);
    ck_assert_uint_lt(offset + extent, file_size);
    ck_assert_mem_eq(file + offset, bytes, size);
    ck_assert_int_eq(wsic_layer_create_view(context, file + offset, size, &view), WSIC_OK);
    check_same_layer(view, layers[k]);
    wsic_layer_destroy(view);
}

START_TEST(layers_lie_at_their_extents)
{
    for (uint64_t alignment = 64; alignment <= 65536; alignment *= 2) {
        size_t size;
        write_aligned(alignment);
        uint8_t *const file = read_file(temporary_path(&place, "q"), &size);
        wsic_archive *const archive = open_archive();
        ck_assert_uint_eq(wsic_archive_alignment(archive), alignment);
        check_contents(archive, LAYERS);
        for (size_t k = 0; k < LAYERS; k++)
            check_extent(archive, file, size, k);
        wsic_archive_close(archive);
        free(file);
    }
}
END_TEST

/* What the last layer leaves of its last sector belongs to the end of the archive. */
START_TEST(whole_sectors_hold_a_layer)
{
    enum { SECTOR = 4096 };
    static uint8_t buffer[4 * SECTOR];

    write_aligned(SECTOR);
    wsic_archive *const archive = open_archive();
    FILE *const file = fopen(temporary_path(&place, "q"), "rb");
    for (size_t k = 0; k < LAYERS; k++) {
        uint64_t offset, size;
        wsic_layer *view;
        ck_assert_int_eq(wsic_archive_get_extent(archive, k, &offset, &size), WSIC_OK);
        const size_t rounded = (size_t)((size + SECTOR - 1) / SECTOR * SECTOR);
        ck_assert_uint_le(rounded, sizeof buffer);
        ck_assert_uint_eq(offset % SECTOR, 0);
        ck_assert_int_eq(fseek(file, (long)offset, SEEK_SET), 0);
        ck_assert_uint_ge(fread(buffer, 1, rounded, file), size);
        ck_assert_int_eq(wsic_layer_create_view(context, buffer, (size_t)size, &view), WSIC_OK);
        check_same_layer(view, layers[k]);
        wsic_layer_destroy(view);
    }
    fclose(file);
    wsic_archive_close(archive);
}
END_TEST

START_TEST(other_alignments_are_refused)
{
    static const uint64_t bad[] = {0, 1, 32, 63, 65, 96, 4095, 131072, UINT64_MAX};
    wsic_archive_writer *const writer = begin_archive("q");

    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        ck_assert_int_eq(wsic_archive_writer_set_alignment(writer, bad[k]), WSIC_ERROR_ARGUMENT);
        ck_assert_ptr_nonnull(strstr(wsic_archive_writer_message(writer), "alignment"));
        ck_assert_uint_eq(wsic_archive_writer_alignment(writer), 64);
    }
    ck_assert_int_eq(wsic_archive_writer_set_alignment(NULL, 64), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_archive_writer_set_alignment(writer, 4096), WSIC_OK);
    ck_assert_int_eq(wsic_archive_writer_set_alignment(writer, 128), WSIC_OK);
    ck_assert_int_eq(wsic_archive_writer_add(writer, names[0], layers[0]), WSIC_OK);
    ck_assert_int_eq(wsic_archive_writer_set_alignment(writer, 4096), WSIC_ERROR_STATE);
    ck_assert_ptr_nonnull(strstr(wsic_archive_writer_message(writer), "128"));
    ck_assert_int_eq(wsic_archive_writer_set_alignment(writer, 128), WSIC_OK);
    ck_assert_int_eq(wsic_archive_writer_finish(writer), WSIC_OK);
    ck_assert_int_eq(wsic_archive_writer_set_alignment(writer, 128), WSIC_ERROR_STATE);
    wsic_archive_writer_destroy(writer);
}
END_TEST

START_TEST(a_resumed_archive_keeps_its_alignment)
{
    wsic_archive_writer *writer;
    const char *const path = temporary_path(&place, "q");

    ck_assert_int_eq(wsic_archive_writer_resume(context, path, &writer), WSIC_OK);
    ck_assert_int_eq(wsic_archive_writer_set_alignment(writer, 4096), WSIC_OK);
    ck_assert_int_eq(wsic_archive_writer_set_metadata(writer, "parameters", "rate=2"), WSIC_OK);
    ck_assert_int_eq(wsic_archive_writer_add(writer, names[0], layers[0]), WSIC_OK);
    wsic_archive_writer_destroy(writer);

    ck_assert_int_eq(wsic_archive_writer_resume(context, path, &writer), WSIC_OK);
    ck_assert_uint_eq(wsic_archive_writer_alignment(writer), 4096);
    ck_assert_int_eq(wsic_archive_writer_set_alignment(writer, 64), WSIC_ERROR_STATE);
    for (size_t k = 1; k < LAYERS; k++)
        ck_assert_int_eq(wsic_archive_writer_add(writer, names[k], layers[k]), WSIC_OK);
    ck_assert_int_eq(wsic_archive_writer_finish(writer), WSIC_OK);
    wsic_archive_writer_destroy(writer);

    wsic_archive *const archive = open_archive();
    ck_assert_uint_eq(wsic_archive_alignment(archive), 4096);
    check_contents(archive, LAYERS);
    wsic_archive_close(archive);
}
END_TEST

START_TEST(extents_of_nothing_are_refused)
{
    uint64_t offset = 7, size = 8;

    write_aligned(64);
    wsic_archive *const archive = open_archive();
    ck_assert_int_eq(wsic_archive_get_extent(archive, LAYERS, &offset, &size), WSIC_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(wsic_archive_message(archive), "3 layers"));
    ck_assert_int_eq(wsic_archive_get_extent(archive, 0, NULL, &size), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_archive_get_extent(archive, 0, &offset, NULL), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_archive_get_extent(NULL, 0, &offset, &size), WSIC_ERROR_ARGUMENT);
    ck_assert(offset == 7 && size == 8);
    wsic_archive_close(archive);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("archive_extent");
    TCase *const tests = tcase_create("archive_extent");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, layers_lie_at_their_extents);
    tcase_add_test(tests, whole_sectors_hold_a_layer);
    tcase_add_test(tests, other_alignments_are_refused);
    tcase_add_test(tests, a_resumed_archive_keeps_its_alignment);
    tcase_add_test(tests, extents_of_nothing_are_refused);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
