/* SPDX-License-Identifier: MIT */
/* Calls of the system that fail, are interrupted or do half of the work: the file of that name is
 * the old one or the new one, whoever called is told which, errno is what it was, and no descriptor
 * is left open. */
#include "system_faults.h"

#include <errno.h>
#include <unistd.h>

#include "api/context.h"
#include "base/file.h"
#include "check_main.h"
#include "counting_allocator.h"
#include "temporary.h"
#include "watersic/watersic.h"

enum { KEPT_ERRNO = 12345, STRANGE_ERROR = 123456 };

static const char old_text[] = "what was there before", new_text[] = "new";

static counting_allocator counter;
static wsic_context *context;
static wsic_env env;
static temporary place;
static int free_descriptor;

/* Of all that open() could return: the lowest, which tells whether one below it was left open. */
static int lowest_descriptor(void)
{
    const int descriptor = dup(STDOUT_FILENO);

    ck_assert_int_ge(descriptor, 0);
    close(descriptor);
    return descriptor;
}

static void begin(void)
{
    const wsic_allocator hooks = counting_hooks(&counter);

    ck_assert_int_eq(wsic_context_create(&hooks, &context), WSIC_OK);
    env = wsic_context_env(context);
    temporary_create(&place);
    free_descriptor = lowest_descriptor();
}

static void end(void)
{
    ck_assert_int_eq(lowest_descriptor(), free_descriptor);
    temporary_destroy(&place);
    wsic_context_destroy(context);
    ck_assert_uint_eq(counter.live, 0);
}

static void check_text(const char *expected, size_t size)
{
    size_t found_size;
    uint8_t *const found = read_file(temporary_path(&place, "x"), &found_size);

    ck_assert_uint_eq(found_size, size);
    ck_assert_mem_eq(found, expected, size);
    free(found);
}

static wsic_status write_all(wsic_file_writer *file)
{
    wsic_status status = wsic_file_write(&env, file, 0, new_text, sizeof new_text);

    if (status == WSIC_OK)
        status = wsic_file_synchronize(&env, file);
    if (status == WSIC_OK)
        status = wsic_file_commit(&env, file, sizeof new_text);
    return status;
}

/* Write the new text in place of the old one, by an unfinished file that is kept or by one that is
 * not. */
static wsic_status replace(bool kept)
{
    char path[sizeof place.path];
    wsic_file_writer file;
    uint64_t size;

    strcpy(path, temporary_path(&place, "x"));
    errno = KEPT_ERRNO;
    wsic_status status =
        kept ? wsic_file_resume(&env, path, &file, &size) : wsic_file_create(&env, path, &file);
    if (status == WSIC_OK) {
        status = write_all(&file);
        wsic_file_abandon(&env, &file);
    }
    fault.call = CALL_NONE;
    ck_assert_int_eq(errno, KEPT_ERRNO);
    return status;
}

static void write_old(void)
{
    write_file(temporary_path(&place, "x"), old_text, sizeof old_text);
}

static void check_outcome(wsic_status status, bool kept)
{
    if (status == WSIC_OK) {
        check_text(new_text, sizeof new_text);
        ck_assert_uint_eq(temporary_count(&place), 1);
        return;
    }
    ck_assert_int_eq(status, WSIC_ERROR_IO);
    ck_assert_ptr_nonnull(strstr(wsic_context_message(context), place.directory));
    check_text(old_text, sizeof old_text);
    if (!kept)
        ck_assert_uint_eq(temporary_count(&place), 1);
}

/* How many failures of a call must be told. Others do no harm: those of locks, of bringing a
 * directory to the disk, and of the question whether the file is still there, which is asked
 * again. */
static const struct {
    system_call call;
    unsigned told, told_if_kept;
} writing[] = {{CALL_OPEN, 1, 1},   {CALL_FSTAT, 1, 3}, {CALL_LSTAT, 1, 1},
               {CALL_FLOCK, 0, 0},  {CALL_FSYNC, 2, 2}, {CALL_FTRUNCATE, 1, 1},
               {CALL_PWRITE, 1, 1}, {CALL_RENAME, 1, 1}};

enum { WRITING = sizeof writing / sizeof *writing };

/* The k-th call of its kind fails, for every k. */
static void fail_each(size_t which, bool kept, unsigned told)
{
    unsigned failures = 0, k = 0;
    bool reached;

    do {
        write_old();
        set_fault(writing[which].call, k, 1, EIO);
        const wsic_status status = replace(kept);
        reached = fault.met > k++;
        failures += status != WSIC_OK;
        check_outcome(status, kept);
        if (status != WSIC_OK) {
            ck_assert_int_eq(replace(kept), WSIC_OK);
            check_text(new_text, sizeof new_text);
        }
    } while (reached);
    ck_assert_uint_eq(failures, told);
}

START_TEST(a_new_file_is_there_or_the_old_one_is)
{
    fail_each((size_t)_i, false, writing[_i].told);
}
END_TEST

START_TEST(an_unfinished_file_is_finished_or_the_old_one_is_there)
{
    fail_each((size_t)_i, true, writing[_i].told_if_kept);
}
END_TEST

START_TEST(what_a_signal_interrupts_is_repeated)
{
    static const system_call calls[] = {CALL_FLOCK, CALL_FSYNC, CALL_PWRITE};

    for (size_t k = 0; k < sizeof calls / sizeof *calls; k++) {
        write_old();
        set_fault(calls[k], 0, 3, EINTR);
        ck_assert_int_eq(replace(true), WSIC_OK);
        ck_assert_uint_gt(fault.met, 3);
        check_outcome(WSIC_OK, true);
    }
}
END_TEST

START_TEST(half_of_a_write_is_followed_by_the_other)
{
    write_old();
    set_fault(CALL_PWRITE, 0, 1, 0);
    ck_assert_int_eq(replace(false), WSIC_OK);
    ck_assert_uint_eq(fault.met, 2);
    check_outcome(WSIC_OK, false);
}
END_TEST

static void check_refused(bool kept, const char *reason)
{
    check_outcome(replace(kept), kept);
    ck_assert_ptr_nonnull(strstr(wsic_context_message(context), reason));
}

START_TEST(the_reason_is_told)
{
    write_old();
    set_fault(CALL_PWRITE, 0, 1, ENOSPC);
    check_refused(false, strerror(ENOSPC));
    set_fault(CALL_PWRITE, 0, 1, STRANGE_ERROR);
    check_refused(false, "123456");
    set_fault(CALL_OPEN, 0, 100000, EEXIST);
    check_refused(false, strerror(EEXIST));
    set_fault(CALL_LSTAT, 0, 1, ENOENT);
    check_refused(false, "removed by someone else");
    set_fault(CALL_FLOCK, 0, 1, EWOULDBLOCK);
    check_refused(true, "another writer");
    set_fault(CALL_LSTAT, 0, 100000, EIO);
    check_refused(true, "keep replacing");
}
END_TEST

/* Read the old text by calls of which some fail. */
static wsic_status read_old(void)
{
    char found[sizeof old_text] = "";
    wsic_source source;

    write_old();
    errno = KEPT_ERRNO;
    wsic_status status = wsic_source_open(&env, place.path, &source);
    if (status == WSIC_OK)
        status = wsic_source_read(&env, &source, 0, found, sizeof found);
    wsic_source_close(&source);
    fault.call = CALL_NONE;
    ck_assert_int_eq(errno, KEPT_ERRNO);
    if (status == WSIC_OK)
        ck_assert_mem_eq(found, old_text, sizeof found);
    return status;
}

START_TEST(reading_goes_on_after_signals_and_short_reads)
{
    set_fault(CALL_PREAD, 0, 3, EINTR);
    ck_assert_int_eq(read_old(), WSIC_OK);
    ck_assert_uint_eq(fault.met, 4);
    set_fault(CALL_PREAD, 0, 2, 0);
    ck_assert_int_eq(read_old(), WSIC_OK);
    ck_assert_uint_eq(fault.met, 3);
}
END_TEST

START_TEST(what_cannot_be_read_is_told)
{
    static const system_call calls[] = {CALL_OPEN, CALL_FSTAT, CALL_PREAD};

    write_old();
    for (size_t k = 0; k < sizeof calls / sizeof *calls; k++) {
        set_fault(calls[k], 0, 1, EIO);
        ck_assert_int_eq(read_old(), WSIC_ERROR_IO);
        ck_assert_ptr_nonnull(strstr(wsic_context_message(context), strerror(EIO)));
    }
}
END_TEST

static void count_task(void *data, size_t index)
{
    atomic_fetch_add((atomic_size_t *)data, index + 1);
}

/* The tasks 0, 1, ... 99 are done once each. */
static void check_work(void)
{
    atomic_size_t sum = 0;

    wsic_parallel_for(&env, 100, count_task, &sum);
    ck_assert_uint_eq(sum, 5050);
}

START_TEST(threads_that_do_not_start_leave_one)
{
    for (unsigned k = 0; k < 3; k++) {
        set_fault(CALL_THREAD, k, 1, EAGAIN);
        ck_assert_int_eq(wsic_context_set_threads(context, 4), WSIC_ERROR_MEMORY);
        ck_assert_ptr_nonnull(strstr(wsic_context_message(context), "4 threads"));
        ck_assert_uint_eq(wsic_parallel_threads(&env), 1);
        check_work();
    }
    set_fault(CALL_NONE, 0, 0, 0);
    ck_assert_int_eq(wsic_context_set_threads(context, 4), WSIC_OK);
    ck_assert_uint_eq(wsic_parallel_threads(&env), 4);
    check_work();
}
END_TEST

static wsic_archive *empty_archive(void)
{
    wsic_archive_writer *writer;
    wsic_archive *archive;

    ck_assert_int_eq(wsic_archive_writer_create(context, temporary_path(&place, "x"), &writer),
                     WSIC_OK);
    ck_assert_int_eq(wsic_archive_writer_finish(writer), WSIC_OK);
    wsic_archive_writer_destroy(writer);
    ck_assert_int_eq(wsic_archive_open(context, place.path, &archive), WSIC_OK);
    return archive;
}

START_TEST(locks_that_cannot_be_made_are_told)
{
    const wsic_allocator hooks = {sizeof hooks, counting_allocate, counting_release, &counter};
    wsic_archive *const archive = empty_archive();
    wsic_context *other;
    wsic_stats *stats;
    wsic_layer *layer;

    set_fault(CALL_MUTEX, 0, 1, EAGAIN);
    ck_assert_int_eq(wsic_context_create(&hooks, &other), WSIC_ERROR_MEMORY);
    ck_assert_ptr_null(other);
    set_fault(CALL_MUTEX, 0, 1, EAGAIN);
    ck_assert_int_eq(wsic_stats_create(context, 3, &stats), WSIC_ERROR_MEMORY);
    ck_assert_ptr_null(stats);
    ck_assert_ptr_nonnull(strstr(wsic_context_message(context), "no lock"));
    set_fault(CALL_MUTEX, 0, 1, EAGAIN);
    ck_assert_int_eq(wsic_archive_load_layer(archive, 0, &layer), WSIC_ERROR_MEMORY);
    ck_assert_ptr_null(layer);
    ck_assert_ptr_nonnull(strstr(wsic_archive_message(archive), "no lock"));
    ck_assert_int_eq(wsic_archive_load_layer(archive, 0, &layer), WSIC_ERROR_ARGUMENT);
    wsic_archive_close(archive);
}
END_TEST

static void run_tasks(void *user, size_t count, void (*task)(void *data, size_t index), void *data)
{
    (void)user;
    for (size_t k = count; k-- > 0;)
        task(data, k);
}

START_TEST(a_system_may_not_know_its_processors)
{
    static const struct {
        long told;
        int32_t taken;
    } cases[] = {{-1, 1}, {1, 1}, {7, 7}, {1024, 1024}, {5000, 1024}};

    ck_assert_int_eq(wsic_context_set_runner(context, run_tasks, NULL), WSIC_OK);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        processors_online = cases[k].told;
        set_fault(CALL_AFFINITY, 0, 1, ENOSYS);
        ck_assert_int_eq(wsic_processors(), cases[k].taken);
        ck_assert_uint_eq(wsic_parallel_threads(&env), (size_t)cases[k].taken);
    }
    processors_online = 0;
    check_work();
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("system_faults");
    TCase *const tests = tcase_create("system_faults");

    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_loop_test(tests, a_new_file_is_there_or_the_old_one_is, 0, WRITING);
    tcase_add_loop_test(tests, an_unfinished_file_is_finished_or_the_old_one_is_there, 0, WRITING);
    tcase_add_test(tests, what_a_signal_interrupts_is_repeated);
    tcase_add_test(tests, half_of_a_write_is_followed_by_the_other);
    tcase_add_test(tests, the_reason_is_told);
    tcase_add_test(tests, reading_goes_on_after_signals_and_short_reads);
    tcase_add_test(tests, what_cannot_be_read_is_told);
    tcase_add_test(tests, threads_that_do_not_start_leave_one);
    tcase_add_test(tests, locks_that_cannot_be_made_are_told);
    tcase_add_test(tests, a_system_may_not_know_its_processors);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
