/* SPDX-License-Identifier: MIT */
/* A system that fails to bring data to the disk, told once as Linux does: the pages count as
 * written from then on, and read as if they had been. */
#include <errno.h>
#include <string.h>

#include "check_main.h"
#include "resume_fixture.h"

static unsigned failing; /* of the next calls */

int fsync(int descriptor)
{
    (void)descriptor;
    if (failing == 0)
        return 0;
    failing--;
    errno = EIO;
    return -1;
}

static void check_lost(const wsic_archive_writer *writer, wsic_status status)
{
    ck_assert_int_eq(status, WSIC_ERROR_IO);
    ck_assert_ptr_nonnull(strstr(wsic_archive_writer_message(writer), "lost data"));
}

static void check_archive(size_t count)
{
    wsic_archive *archive;

    ck_assert_int_eq(wsic_archive_open(context, temporary_path(&place, "q"), &archive), WSIC_OK);
    check_contents(archive, count);
    wsic_archive_close(archive);
}

START_TEST(a_layer_that_was_lost_is_not_taken_over)
{
    wsic_archive_writer *writer = resume();

    ck_assert_int_eq(wsic_archive_writer_set_metadata(writer, "parameters", "rate=2"), WSIC_OK);
    ck_assert_int_eq(wsic_archive_writer_add(writer, names[0], layers[0]), WSIC_OK);
    failing = 1;
    ck_assert_int_eq(wsic_archive_writer_add(writer, names[1], layers[1]), WSIC_ERROR_IO);
    ck_assert_uint_eq(failing, 0);
    ck_assert_uint_eq(wsic_archive_writer_count(writer), 1);
    check_lost(writer, wsic_archive_writer_add(writer, names[1], layers[1]));
    check_lost(writer, wsic_archive_writer_finish(writer));
    wsic_archive_writer_destroy(writer);

    writer = resume();
    ck_assert_uint_eq(wsic_archive_writer_count(writer), 1);
    for (size_t k = 1; k < LAYERS; k++)
        ck_assert_int_eq(wsic_archive_writer_add(writer, names[k], layers[k]), WSIC_OK);
    ck_assert_int_eq(wsic_archive_writer_finish(writer), WSIC_OK);
    wsic_archive_writer_destroy(writer);
    check_archive(LAYERS);
}
END_TEST

START_TEST(a_lost_end_is_written_by_the_next_writer)
{
    wsic_archive_writer *writer = resume();

    ck_assert_int_eq(wsic_archive_writer_add(writer, names[0], layers[0]), WSIC_OK);
    ck_assert_int_eq(wsic_archive_writer_set_metadata(writer, "parameters", "rate=2"), WSIC_OK);
    failing = 1;
    ck_assert_int_eq(wsic_archive_writer_finish(writer), WSIC_ERROR_IO);
    check_lost(writer, wsic_archive_writer_finish(writer));
    wsic_archive_writer_destroy(writer);

    writer = resume();
    ck_assert_uint_eq(wsic_archive_writer_count(writer), 1);
    ck_assert_ptr_null(wsic_archive_writer_metadata(writer, "parameters"));
    ck_assert_int_eq(wsic_archive_writer_set_metadata(writer, "parameters", "rate=2"), WSIC_OK);
    ck_assert_int_eq(wsic_archive_writer_finish(writer), WSIC_OK);
    wsic_archive_writer_destroy(writer);
    check_archive(1);
}
END_TEST

START_TEST(a_plain_archive_that_lost_data_is_not_finished)
{
    wsic_archive_writer *const writer = begin_archive("q");

    ck_assert_int_eq(wsic_archive_writer_add(writer, names[0], layers[0]), WSIC_OK);
    failing = 1;
    ck_assert_int_eq(wsic_archive_writer_finish(writer), WSIC_ERROR_IO);
    check_lost(writer, wsic_archive_writer_finish(writer));
    wsic_archive_writer_destroy(writer);
    ck_assert_uint_eq(temporary_count(&place), 0);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("archive_lost");
    TCase *const tests = tcase_create("archive_lost");

    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, a_layer_that_was_lost_is_not_taken_over);
    tcase_add_test(tests, a_lost_end_is_written_by_the_next_writer);
    tcase_add_test(tests, a_plain_archive_that_lost_data_is_not_finished);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
