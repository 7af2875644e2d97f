/* SPDX-License-Identifier: MIT */
/* Archives whose writer comes to an end before they are finished: what was added is there, and
 * the finished file does not show what happened. */
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "check_main.h"
#include "resume_fixture.h"

/* --- writers that come to an end ------------------------------------------- */

START_TEST(a_killed_process_loses_nothing_that_it_added)
{
    const struct expected expected = uninterrupted();

    for (size_t count = 0; count <= LAYERS; count++) {
        const pid_t child = fork();
        int status;
        if (child == 0) {
            add_up_to(resume(), count);
            raise(SIGKILL);
        }
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        wsic_archive_writer *const writer = resume();
        check_taken_over(writer, count);
        finish(writer);
        check_file("q", expected.bytes, expected.size);
        ck_assert_int_eq(unlink(place.path), 0);
    }
    free(expected.bytes);
}
END_TEST

START_TEST(a_destroyed_writer_leaves_what_can_be_gone_on_with)
{
    const struct expected expected = uninterrupted();

    write_file(temporary_path(&place, "q"), "an older one", 12);
    for (size_t count = 0; count <= LAYERS; count++) {
        wsic_archive_writer *const writer = resume();
        ck_assert_uint_eq(wsic_archive_writer_count(writer), count == 0 ? 0 : count - 1);
        add_up_to(writer, count);
        wsic_archive_writer_destroy(writer);
        check_file("q", (const uint8_t *)"an older one", 12);
        /* Without a layer there is nothing to go on with. */
        ck_assert_uint_eq(temporary_count(&place), count == 0 ? 1 : 2);
    }
    finish(resume());
    check_file("q", expected.bytes, expected.size);
    ck_assert_uint_eq(temporary_count(&place), 1);
    free(expected.bytes);
}
END_TEST

START_TEST(metadata_that_are_on_the_disk_do_not_change)
{
    wsic_archive_writer *writer = resume();

    set(writer, "early", "1");
    set(writer, "early", "2");
    ck_assert_int_eq(wsic_archive_writer_add(writer, names[0], layers[0]), WSIC_OK);
    set(writer, "early", "2");
    ck_assert_int_eq(wsic_archive_writer_set_metadata(writer, "early", "3"), WSIC_ERROR_STATE);
    ck_assert_ptr_nonnull(strstr(wsic_archive_writer_message(writer), "'early'"));
    set(writer, "late", "1");
    set(writer, "late", "2");
    ck_assert_str_eq(wsic_archive_writer_metadata(writer, "late"), "2");
    wsic_archive_writer_destroy(writer);

    writer = resume();
    ck_assert_str_eq(wsic_archive_writer_metadata(writer, "early"), "2");
    ck_assert_ptr_null(wsic_archive_writer_metadata(writer, "late"));
    ck_assert_ptr_null(wsic_archive_writer_metadata(writer, NULL));
    ck_assert_int_eq(wsic_archive_writer_set_metadata(writer, "early", "3"), WSIC_ERROR_STATE);
    wsic_archive_writer_destroy(writer);
}
END_TEST

START_TEST(the_finished_archive_holds_everything)
{
    wsic_archive_writer *writer = resume();
    wsic_archive *archive;

    add_up_to(writer, 2);
    wsic_archive_writer_destroy(writer);
    writer = resume();
    for (size_t k = 2; k < LAYERS; k++)
        ck_assert_int_eq(wsic_archive_writer_add(writer, names[k], layers[k]), WSIC_OK);
    const uint64_t expected = wsic_archive_writer_size(writer, NULL, 0);
    ck_assert_int_eq(wsic_archive_writer_finish(writer), WSIC_OK);
    wsic_archive_writer_destroy(writer);
    ck_assert_int_eq(wsic_archive_open(context, temporary_path(&place, "q"), &archive), WSIC_OK);
    ck_assert_uint_eq(wsic_archive_size(archive), expected);
    check_contents(archive, LAYERS);
    wsic_archive_close(archive);
}
END_TEST

/* --- one writer at a time -------------------------------------------------- */

static void check_locked(void)
{
    ck_assert_int_eq(refused(), WSIC_ERROR_IO);
    ck_assert_ptr_nonnull(strstr(wsic_context_message(context), "another writer"));
    ck_assert_ptr_nonnull(strstr(wsic_context_message(context), "/q.part"));
}

START_TEST(two_writers_are_kept_apart)
{
    wsic_archive_writer *const writer = resume();
    int status;

    check_locked();
    add_up_to(writer, 1);
    check_locked();
    const pid_t child = fork();
    if (child == 0) {
        wsic_archive_writer *other;
        /* Another name is free. */
        const bool free_name =
            wsic_archive_writer_resume(context, temporary_path(&place, "other"), &other) == WSIC_OK;
        wsic_archive_writer_destroy(other);
        if (free_name && refused() == WSIC_ERROR_IO)
            raise(SIGKILL);
        _exit(1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    finish(writer);
    /* The lock is gone, and what was finished is not what is gone on with. */
    wsic_archive_writer *const next = resume();
    ck_assert_uint_eq(wsic_archive_writer_count(next), 0);
    wsic_archive_writer_destroy(next);
}
END_TEST

START_TEST(an_empty_writer_leaves_the_file_of_the_next_alone)
{
    wsic_archive_writer *const empty = resume();

    ck_assert_int_eq(unlink(temporary_path(&place, "q.part")), 0);
    wsic_archive_writer *const next = resume();
    add_up_to(next, 1);
    wsic_archive_writer_destroy(empty);
    finish(next);
    ck_assert_uint_eq(temporary_count(&place), 1);
}
END_TEST

START_TEST(a_plain_writer_has_no_part_in_it)
{
    wsic_archive_writer *const unfinished = resume();
    wsic_archive_writer *const plain = begin_archive("q");
    wsic_layer *layer;

    add_up_to(unfinished, 1);
    ck_assert_uint_eq(wsic_archive_writer_count(plain), 0);
    ck_assert_int_eq(wsic_archive_writer_add(plain, names[1], layers[1]), WSIC_OK);
    ck_assert_uint_eq(wsic_archive_writer_count(plain), 1);
    ck_assert_str_eq(wsic_archive_writer_name(plain, 0), names[1]);
    ck_assert_int_eq(wsic_archive_writer_load_layer(plain, 0, &layer), WSIC_OK);
    check_same_layer(layer, layers[1]);
    wsic_layer_destroy(layer);
    ck_assert_int_eq(wsic_archive_writer_finish(plain), WSIC_OK);
    ck_assert_int_eq(wsic_archive_writer_load_layer(plain, 0, &layer), WSIC_ERROR_STATE);
    ck_assert_ptr_null(layer);
    wsic_archive_writer_destroy(plain);
    check_taken_over(unfinished, 1);
    wsic_archive_writer_destroy(unfinished);
}
END_TEST

/* --- what goes wrong ------------------------------------------------------- */

START_TEST(arguments_are_checked)
{
    wsic_archive_writer *writer;
    wsic_layer *layer = layers[0];

    ck_assert_int_eq(wsic_archive_writer_resume(context, temporary_path(&place, "none/q"), &writer),
                     WSIC_ERROR_IO);
    ck_assert_ptr_null(writer);
    ck_assert_ptr_nonnull(strstr(wsic_context_message(context), "none/q.part"));

    writer = resume();
    ck_assert_ptr_null(wsic_archive_writer_name(writer, 0));
    ck_assert_int_eq(wsic_archive_writer_load_layer(writer, 0, &layer), WSIC_ERROR_ARGUMENT);
    ck_assert_ptr_null(layer);
    ck_assert_str_eq(wsic_archive_writer_message(writer), wsic_context_message(context));
    ck_assert_int_eq(wsic_archive_writer_load_layer(writer, 0, NULL), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_archive_writer_load_layer(NULL, 0, &layer), WSIC_ERROR_ARGUMENT);
    wsic_archive_writer_destroy(writer);
}
END_TEST

START_TEST(only_regular_files_are_gone_on_with)
{
    write_file(temporary_path(&place, "elsewhere"), "", 0);
    ck_assert_int_eq(symlink("elsewhere", temporary_path(&place, "q.part")), 0);
    ck_assert_int_eq(refused(), WSIC_ERROR_IO);
    ck_assert_uint_eq(size_of("elsewhere"), 0);
    ck_assert_int_eq(unlink(temporary_path(&place, "q.part")), 0);
    ck_assert_int_eq(mkfifo(place.path, 0600), 0);
    ck_assert_int_eq(refused(), WSIC_ERROR_IO);
    ck_assert_ptr_nonnull(strstr(wsic_context_message(context), "not a regular file"));
    ck_assert_int_eq(unlink(temporary_path(&place, "q.part")), 0);
    ck_assert_int_eq(mkdir(place.path, 0700), 0);
    ck_assert_int_eq(refused(), WSIC_ERROR_IO);
    ck_assert_int_eq(rmdir(temporary_path(&place, "q.part")), 0);
}
END_TEST

START_TEST(a_full_disk_leaves_what_can_be_gone_on_with)
{
    const struct expected expected = uninterrupted();
    struct rlimit old, small;

    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    for (size_t limit = (size_t)expected.ends[1]; limit < expected.size; limit += 41) {
        wsic_archive_writer *const writer = resume();
        const size_t count = whole_layers(expected.ends, limit);
        add_up_to(writer, count);
        set(writer, "late", "seconds=1");
        small = (struct rlimit){limit, old.rlim_max};
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
        const wsic_status status =
            count < LAYERS ? wsic_archive_writer_add(writer, names[count], layers[count])
                           : wsic_archive_writer_finish(writer);
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
        ck_assert_int_eq(status, WSIC_ERROR_IO);
        wsic_archive_writer_destroy(writer);
        ck_assert_int_ne(access(temporary_path(&place, "q"), F_OK), 0);
    }
    wsic_archive_writer *const writer = resume();
    check_taken_over(writer, LAYERS);
    finish(writer);
    check_file("q", expected.bytes, expected.size);
    free(expected.bytes);
}
END_TEST

static wsic_status go_on_and_add(void *data)
{
    wsic_archive_writer *writer = NULL;
    wsic_layer *layer = NULL;

    (void)data;
    wsic_status status = wsic_archive_writer_resume(context, temporary_path(&place, "q"), &writer);
    if (status == WSIC_OK && wsic_archive_writer_count(writer) == 1)
        status = wsic_archive_writer_set_metadata(writer, "between", "1");
    if (status == WSIC_OK && wsic_archive_writer_count(writer) == 1)
        status = wsic_archive_writer_add(writer, names[1], layers[1]);
    if (status == WSIC_OK)
        status = wsic_archive_writer_load_layer(writer, 1, &layer);
    if (status == WSIC_OK)
        status = wsic_archive_writer_finish(writer);
    wsic_layer_destroy(layer);
    wsic_archive_writer_destroy(writer);
    ck_assert_int_eq(access(temporary_path(&place, status == WSIC_OK ? "q" : "q.part"), F_OK), 0);
    return status;
}

START_TEST(every_refused_allocation_is_reported)
{
    wsic_archive_writer *const writer = resume();
    wsic_archive *archive;

    add_up_to(writer, 1);
    wsic_archive_writer_destroy(writer);
    refuse_every_allocation(&counter, go_on_and_add, NULL);
    ck_assert_int_eq(wsic_archive_open(context, temporary_path(&place, "q"), &archive), WSIC_OK);
    ck_assert_uint_eq(wsic_archive_count(archive), 2);
    wsic_archive_close(archive);
    ck_assert_uint_eq(temporary_count(&place), 1);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("archive_resume");
    TCase *const tests = tcase_create("archive_resume");

    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, a_killed_process_loses_nothing_that_it_added);
    tcase_add_test(tests, a_destroyed_writer_leaves_what_can_be_gone_on_with);
    tcase_add_test(tests, metadata_that_are_on_the_disk_do_not_change);
    tcase_add_test(tests, the_finished_archive_holds_everything);
    tcase_add_test(tests, two_writers_are_kept_apart);
    tcase_add_test(tests, an_empty_writer_leaves_the_file_of_the_next_alone);
    tcase_add_test(tests, a_plain_writer_has_no_part_in_it);
    tcase_add_test(tests, arguments_are_checked);
    tcase_add_test(tests, only_regular_files_are_gone_on_with);
    tcase_add_test(tests, a_full_disk_leaves_what_can_be_gone_on_with);
    tcase_add_test(tests, every_refused_allocation_is_reported);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
