/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "api/context.h"
#include "base/file.h"
#include "check_main.h"
#include "counting_allocator.h"
#include "temporary.h"

static counting_allocator counter;
static wsic_context *context;
static wsic_env env;
static temporary place;
static wsic_file_writer file;

static void begin(void)
{
    const wsic_allocator hooks = counting_hooks(&counter);

    ck_assert_int_eq(wsic_context_create(&hooks, &context), WSIC_OK);
    env = wsic_context_env(context);
    temporary_create(&place);
    file = (wsic_file_writer){.descriptor = -1};
}

static void end(void)
{
    wsic_file_abandon(&env, &file);
    temporary_destroy(&place);
    wsic_context_destroy(context);
    ck_assert_uint_eq(counter.live, 0);
}

static void check_contents(const char *name, const char *expected)
{
    size_t size;
    uint8_t *const bytes = read_file(temporary_path(&place, name), &size);

    ck_assert_uint_eq(size, strlen(expected));
    ck_assert_mem_eq(bytes, expected, size);
    free(bytes);
}

START_TEST(a_file_shows_when_it_is_complete)
{
    const char *const path = temporary_path(&place, "x");

    ck_assert_int_eq(wsic_file_create(&env, path, &file), WSIC_OK);
    ck_assert_int_eq(wsic_file_write(&env, &file, 0, "hello", 5), WSIC_OK);
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_assert_int_eq(wsic_file_commit(&env, &file, 5), WSIC_OK);
    check_contents("x", "hello");
    wsic_file_abandon(&env, &file);
    check_contents("x", "hello");
    ck_assert_uint_eq(temporary_count(&place), 1);
}
END_TEST

START_TEST(an_older_file_is_replaced_at_once)
{
    write_file(temporary_path(&place, "x"), "old", 3);
    ck_assert_int_eq(wsic_file_create(&env, temporary_path(&place, "x"), &file), WSIC_OK);
    ck_assert_int_eq(wsic_file_write(&env, &file, 0, "new file", 8), WSIC_OK);
    check_contents("x", "old");
    ck_assert_int_eq(wsic_file_commit(&env, &file, 8), WSIC_OK);
    check_contents("x", "new file");
}
END_TEST

START_TEST(an_abandoned_file_leaves_nothing)
{
    write_file(temporary_path(&place, "x"), "old", 3);
    ck_assert_int_eq(wsic_file_create(&env, temporary_path(&place, "x"), &file), WSIC_OK);
    ck_assert_int_eq(wsic_file_write(&env, &file, 0, "new", 3), WSIC_OK);
    ck_assert_uint_eq(temporary_count(&place), 2);
    wsic_file_abandon(&env, &file);
    ck_assert_uint_eq(temporary_count(&place), 1);
    check_contents("x", "old");
}
END_TEST

START_TEST(ranges_may_be_rewritten_and_the_rest_is_cut)
{
    ck_assert_int_eq(wsic_file_create(&env, temporary_path(&place, "x"), &file), WSIC_OK);
    ck_assert_int_eq(wsic_file_write(&env, &file, 0, "abcdefgh", 8), WSIC_OK);
    ck_assert_int_eq(wsic_file_write(&env, &file, 2, "XY", 2), WSIC_OK);
    ck_assert_int_eq(wsic_file_commit(&env, &file, 6), WSIC_OK);
    check_contents("x", "abXYef");
}
END_TEST

START_TEST(two_writers_do_not_meet)
{
    wsic_file_writer other;

    ck_assert_int_eq(wsic_file_create(&env, temporary_path(&place, "x"), &file), WSIC_OK);
    ck_assert_int_eq(wsic_file_create(&env, temporary_path(&place, "x"), &other), WSIC_OK);
    ck_assert_int_eq(wsic_file_write(&env, &file, 0, "first", 5), WSIC_OK);
    ck_assert_int_eq(wsic_file_write(&env, &other, 0, "second", 6), WSIC_OK);
    ck_assert_int_eq(wsic_file_commit(&env, &file, 5), WSIC_OK);
    check_contents("x", "first");
    ck_assert_int_eq(wsic_file_commit(&env, &other, 6), WSIC_OK);
    check_contents("x", "second");
    wsic_file_abandon(&env, &other);
    ck_assert_uint_eq(temporary_count(&place), 1);
}
END_TEST

START_TEST(a_relative_name_and_the_longest_name_work)
{
    char name[256];
    char *const home = getcwd(NULL, 0);

    memset(name, 'n', 255);
    name[255] = '\0';
    ck_assert_int_eq(chdir(place.directory), 0);
    ck_assert_int_eq(wsic_file_create(&env, name, &file), WSIC_OK);
    ck_assert_int_eq(wsic_file_commit(&env, &file, 0), WSIC_OK);
    ck_assert_int_eq(access(name, F_OK), 0);
    ck_assert_int_eq(unlink(name), 0);
    ck_assert_int_eq(chdir(home), 0);
    free(home);
}
END_TEST

START_TEST(the_mode_is_that_of_an_ordinary_file)
{
    struct stat facts;
    const mode_t mask = umask(027);

    ck_assert_int_eq(wsic_file_create(&env, temporary_path(&place, "x"), &file), WSIC_OK);
    ck_assert_int_eq(wsic_file_commit(&env, &file, 0), WSIC_OK);
    umask(mask);
    ck_assert_int_eq(stat(temporary_path(&place, "x"), &facts), 0);
    ck_assert_uint_eq(facts.st_mode & 0777, 0640);
}
END_TEST

START_TEST(errors_tell_the_systems_reason_and_keep_errno)
{
    wsic_source source;

    errno = 12345;
    ck_assert_int_eq(wsic_file_create(&env, temporary_path(&place, "no/x"), &file), WSIC_ERROR_IO);
    ck_assert_ptr_nonnull(strstr(wsic_context_message(context), strerror(ENOENT)));
    errno = 12345;
    ck_assert_int_eq(wsic_source_open(&env, temporary_path(&place, "none"), &source),
                     WSIC_ERROR_IO);
    ck_assert_int_eq(errno, 12345);
    ck_assert_ptr_nonnull(strstr(wsic_context_message(context), strerror(ENOENT)));
    ck_assert_ptr_nonnull(strstr(wsic_context_message(context), "/none"));
}
END_TEST

START_TEST(what_is_no_file_is_refused)
{
    wsic_source source;

    errno = 12345;
    ck_assert_int_eq(wsic_file_create(&env, place.directory, &file), WSIC_ERROR_IO);
    ck_assert_int_eq(wsic_file_create(&env, "/dev/null", &file), WSIC_ERROR_IO);
    ck_assert_int_eq(wsic_source_open(&env, place.directory, &source), WSIC_ERROR_IO);
    ck_assert_int_eq(wsic_source_open(&env, "/dev/null", &source), WSIC_ERROR_IO);
    /* A pipe that nobody writes to: opening must not wait. */
    ck_assert_int_eq(mkfifo(temporary_path(&place, "pipe"), 0600), 0);
    ck_assert_int_eq(wsic_source_open(&env, temporary_path(&place, "pipe"), &source),
                     WSIC_ERROR_IO);
    ck_assert_int_eq(errno, 12345);
}
END_TEST

START_TEST(a_full_disk_can_be_overcome)
{
    struct rlimit old, small = {1000, 0};
    uint8_t block[4000];

    memset(block, 7, sizeof block);
    ck_assert_int_eq(wsic_file_create(&env, temporary_path(&place, "x"), &file), WSIC_OK);
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    small.rlim_max = old.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    errno = 12345;
    const wsic_status status = wsic_file_write(&env, &file, 0, block, sizeof block);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
    ck_assert_int_eq(status, WSIC_ERROR_IO);
    ck_assert_int_eq(errno, 12345);
    ck_assert_ptr_nonnull(strstr(wsic_context_message(context), strerror(EFBIG)));
    ck_assert_int_ne(access(place.path, F_OK), 0);

    ck_assert_int_eq(wsic_file_write(&env, &file, 0, block, sizeof block), WSIC_OK);
    ck_assert_int_eq(wsic_file_commit(&env, &file, sizeof block), WSIC_OK);
    size_t size;
    uint8_t *const bytes = read_file(temporary_path(&place, "x"), &size);
    ck_assert_uint_eq(size, sizeof block);
    ck_assert_mem_eq(bytes, block, size);
    free(bytes);
}
END_TEST

START_TEST(renaming_can_be_repeated)
{
    const char *const path = temporary_path(&place, "x");

    ck_assert_int_eq(wsic_file_create(&env, path, &file), WSIC_OK);
    ck_assert_int_eq(wsic_file_write(&env, &file, 0, "abc", 3), WSIC_OK);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_int_eq(wsic_file_commit(&env, &file, 3), WSIC_ERROR_IO);
    ck_assert_int_eq(rmdir(path), 0);
    ck_assert_int_eq(wsic_file_commit(&env, &file, 3), WSIC_OK);
    check_contents("x", "abc");
}
END_TEST

static void check_ranges(const wsic_source *source)
{
    char found[4] = "";

    ck_assert_uint_eq(source->size, 10);
    ck_assert_int_eq(wsic_source_read(&env, source, 7, found, 3), WSIC_OK);
    ck_assert_str_eq(found, "789");
    ck_assert_int_eq(wsic_source_read(&env, source, 10, found, 0), WSIC_OK);
    ck_assert_int_eq(wsic_source_read(&env, source, 8, found, 3), WSIC_ERROR_TRUNCATED);
    ck_assert_int_eq(wsic_source_read(&env, source, UINT64_MAX, found, 3), WSIC_ERROR_TRUNCATED);
    ck_assert_int_eq(wsic_source_read(&env, source, 1, found, SIZE_MAX), WSIC_ERROR_TRUNCATED);
}

START_TEST(ranges_are_read_from_files_and_memory)
{
    wsic_source source;

    write_file(temporary_path(&place, "x"), "0123456789", 10);
    ck_assert_int_eq(wsic_source_open(&env, temporary_path(&place, "x"), &source), WSIC_OK);
    check_ranges(&source);
    wsic_source_close(&source);
    wsic_source_close(&source); /* harmless */
    source = wsic_source_memory("0123456789", 10);
    check_ranges(&source);
    wsic_source_close(&source);
}
END_TEST

START_TEST(a_file_that_shrinks_is_noticed)
{
    wsic_source source;
    char found[10];

    write_file(temporary_path(&place, "x"), "0123456789", 10);
    ck_assert_int_eq(wsic_source_open(&env, temporary_path(&place, "x"), &source), WSIC_OK);
    ck_assert_int_eq(truncate(temporary_path(&place, "x"), 5), 0);
    ck_assert_int_eq(wsic_source_read(&env, &source, 0, found, 10), WSIC_ERROR_TRUNCATED);
    wsic_source_close(&source);
}
END_TEST

static wsic_status create_and_abandon(void *data)
{
    wsic_file_writer writer;
    const wsic_status status = wsic_file_create(&env, temporary_path(&place, "x"), &writer);

    (void)data;
    wsic_file_abandon(&env, &writer);
    return status;
}

START_TEST(every_refused_allocation_is_reported)
{
    refuse_every_allocation(&counter, create_and_abandon, NULL);
    ck_assert_uint_eq(temporary_count(&place), 0);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("file");
    TCase *const tests = tcase_create("file");

    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, a_file_shows_when_it_is_complete);
    tcase_add_test(tests, an_older_file_is_replaced_at_once);
    tcase_add_test(tests, an_abandoned_file_leaves_nothing);
    tcase_add_test(tests, ranges_may_be_rewritten_and_the_rest_is_cut);
    tcase_add_test(tests, two_writers_do_not_meet);
    tcase_add_test(tests, a_relative_name_and_the_longest_name_work);
    tcase_add_test(tests, the_mode_is_that_of_an_ordinary_file);
    tcase_add_test(tests, errors_tell_the_systems_reason_and_keep_errno);
    tcase_add_test(tests, what_is_no_file_is_refused);
    tcase_add_test(tests, a_full_disk_can_be_overcome);
    tcase_add_test(tests, renaming_can_be_repeated);
    tcase_add_test(tests, ranges_are_read_from_files_and_memory);
    tcase_add_test(tests, a_file_that_shrinks_is_noticed);
    tcase_add_test(tests, every_refused_allocation_is_reported);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
