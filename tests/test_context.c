/* SPDX-License-Identifier: MIT */
/* sched_setaffinity() is no part of POSIX. */
#define _GNU_SOURCE

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "api/context.h"
#include "check_main.h"
#include "counting_allocator.h"
#include "watersic/watersic.h"

static counting_allocator counter;
static wsic_allocator hooks;
static wsic_context *context;

static void begin(void)
{
    hooks = counting_hooks(&counter);
    ck_assert_int_eq(wsic_context_create(&hooks, &context), WSIC_OK);
}

static void end(void)
{
    wsic_context_destroy(context);
    ck_assert_uint_eq(counter.live, 0);
}

/* --- creation ------------------------------------------------------------ */

START_TEST(the_default_allocator_will_do)
{
    wsic_context *plain = NULL;

    ck_assert_int_eq(wsic_context_create(NULL, &plain), WSIC_OK);
    ck_assert_str_eq(wsic_context_message(plain), "");
    ck_assert_uint_eq(wsic_context_memory(plain, NULL), 0);
    wsic_context_destroy(plain);
    wsic_context_destroy(NULL);
}
END_TEST

START_TEST(creation_checks_its_arguments)
{
    wsic_context *none = context;

    ck_assert_int_eq(wsic_context_create(&hooks, NULL), WSIC_ERROR_ARGUMENT);
    hooks.release = NULL;
    ck_assert_int_eq(wsic_context_create(&hooks, &none), WSIC_ERROR_ARGUMENT);
    ck_assert_ptr_null(none);
    hooks = counting_hooks(&counter);
    counter.live = 1; /* the fixture's context */
    counter.fail_at = 1;
    none = context;
    ck_assert_int_eq(wsic_context_create(&hooks, &none), WSIC_ERROR_MEMORY);
    ck_assert_ptr_null(none);
}
END_TEST

START_TEST(kernels_are_those_of_the_processor_or_fewer)
{
    const int32_t found = wsic_context_kernels(context);

    ck_assert_int_ge(found, WSIC_KERNELS_C);
    ck_assert_int_le(found, WSIC_KERNELS_NEON);
    ck_assert_int_eq(wsic_context_set_kernels(context, WSIC_KERNELS_C), WSIC_OK);
    ck_assert_int_eq(wsic_context_kernels(context), WSIC_KERNELS_C);
    ck_assert_int_eq(wsic_context_set_kernels(context, found), WSIC_OK);
    ck_assert_int_eq(wsic_context_kernels(context), found);
    ck_assert_int_eq(wsic_context_set_kernels(context, WSIC_KERNELS_C), WSIC_OK);
    ck_assert_int_eq(wsic_context_set_kernels(context, WSIC_KERNELS_AUTO), WSIC_OK);
    ck_assert_int_eq(wsic_context_kernels(context), found);
}
END_TEST

START_TEST(kernels_of_another_processor_are_refused)
{
    /* No processor has both. */
    const int32_t foreign =
        wsic_context_kernels(context) == WSIC_KERNELS_NEON ? WSIC_KERNELS_AVX2 : WSIC_KERNELS_NEON;
    const int32_t wrong[] = {foreign, -1, 5, INT32_MAX, INT32_MIN};

    ck_assert_int_eq(wsic_context_set_kernels(NULL, WSIC_KERNELS_C), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_context_set_kernels(context, WSIC_KERNELS_C), WSIC_OK);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ck_assert_int_eq(wsic_context_set_kernels(context, wrong[i]), WSIC_ERROR_ARGUMENT);
        ck_assert_ptr_nonnull(strstr(wsic_context_message(context), "kernels is "));
        ck_assert_int_eq(wsic_context_kernels(context), WSIC_KERNELS_C);
    }
}
END_TEST

START_TEST(kernels_have_names)
{
    ck_assert_str_eq(wsic_kernels_name(WSIC_KERNELS_AUTO), "auto");
    ck_assert_str_eq(wsic_kernels_name(WSIC_KERNELS_C), "c");
    ck_assert_str_eq(wsic_kernels_name(WSIC_KERNELS_AVX2), "avx2");
    ck_assert_str_eq(wsic_kernels_name(WSIC_KERNELS_AVX512), "avx512");
    ck_assert_str_eq(wsic_kernels_name(WSIC_KERNELS_NEON), "neon");
    ck_assert_str_eq(wsic_kernels_name(-1), "unknown");
    ck_assert_str_eq(wsic_kernels_name(5), "unknown");
}
END_TEST

/* A struct of a later version: members that this one does not know follow. */
typedef struct later_allocator {
    wsic_allocator known;
    uint64_t more;
} later_allocator;

START_TEST(struct_sizes_follow_the_three_rules)
{
    later_allocator later = {.known = hooks, .more = 0};
    wsic_context *other = NULL;

    later.known.size = sizeof later;
    ck_assert_int_eq(wsic_context_create(&later.known, &other), WSIC_OK);
    wsic_context_destroy(other);
    later.more = 1;
    ck_assert_int_eq(wsic_context_create(&later.known, &other), WSIC_ERROR_STRUCT_NEWER);
    later.known.size = sizeof(wsic_allocator) - 1;
    ck_assert_int_eq(wsic_context_create(&later.known, &other), WSIC_ERROR_STRUCT_SIZE);
    later.known.size = 0;
    ck_assert_int_eq(wsic_context_create(&later.known, &other), WSIC_ERROR_STRUCT_SIZE);
    later.known.size = 1 << 20; /* nothing beyond the struct may be looked at */
    ck_assert_int_eq(wsic_context_create(&later.known, &other), WSIC_ERROR_STRUCT_SIZE);
}
END_TEST

START_TEST(statuses_have_names_and_texts)
{
    ck_assert_str_eq(wsic_status_name(WSIC_OK), "WSIC_OK");
    ck_assert_str_eq(wsic_status_name(WSIC_ERROR_SHAPE), "WSIC_ERROR_SHAPE");
    ck_assert_str_eq(wsic_status_name(WSIC_ERROR_BUFFER), "WSIC_ERROR_BUFFER");
    ck_assert_str_eq(wsic_status_name(-9999), "WSIC_UNKNOWN");
    ck_assert_str_eq(wsic_status_text(12345), "unknown status");
    for (wsic_status a = -40; a <= 2; a++) {
        for (wsic_status b = a + 1; b <= 2; b++) {
            const char *const name = wsic_status_name(a);
            if (strcmp(name, "WSIC_UNKNOWN") != 0)
                ck_assert_str_ne(name, wsic_status_name(b));
        }
    }
}
END_TEST

START_TEST(number_types_have_sizes_and_names)
{
    ck_assert_str_eq(wsic_dtype_name(WSIC_F64), "F64");
    ck_assert_str_eq(wsic_dtype_name(WSIC_BF16), "BF16");
    ck_assert_str_eq(wsic_dtype_name(WSIC_I32), "I32");
    ck_assert_str_eq(wsic_dtype_name(0), "unknown");
    ck_assert_str_eq(wsic_dtype_name(WSIC_I4), "I4");
    ck_assert_str_eq(wsic_dtype_name(WSIC_I4 + 1), "unknown");
    ck_assert_str_eq(wsic_dtype_name(UINT32_MAX), "unknown");
    for (uint32_t dtype = 0; dtype < 40; dtype++)
        ck_assert_int_eq(wsic_dtype_size(dtype) == 0 && dtype != WSIC_I4,
                         strcmp(wsic_dtype_name(dtype), "unknown") == 0);
}
END_TEST

START_TEST(versions_agree)
{
    unsigned major, minor, patch;

    ck_assert_int_eq(sscanf(wsic_version(), "%u.%u.%u", &major, &minor, &patch), 3);
    ck_assert_uint_eq(major, WSIC_VERSION_MAJOR);
    ck_assert_uint_eq(minor, WSIC_VERSION_MINOR);
    ck_assert_uint_eq(patch, WSIC_VERSION_PATCH);
    ck_assert_str_eq(wsic_version(), WSIC_VERSION);
    ck_assert_uint_eq(wsic_version_number(), (major * 1000 + minor) * 1000 + patch);
    ck_assert_uint_eq(wsic_api_version(), WSIC_API_VERSION_MAJOR * 65536U + WSIC_API_VERSION_MINOR);
}
END_TEST

/* --- life of handles ----------------------------------------------------- */

START_TEST(handles_may_be_destroyed_in_any_order)
{
    const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

    for (size_t i = 0; i < 6; i++) {
        const size_t live = counter.live;
        wsic_context *parent;
        wsic_stats *children[2];
        ck_assert_int_eq(wsic_context_create(&hooks, &parent), WSIC_OK);
        ck_assert_int_eq(wsic_stats_create(parent, 3, &children[0]), WSIC_OK);
        ck_assert_int_eq(wsic_stats_create(parent, 4, &children[1]), WSIC_OK);
        for (size_t k = 0; k < 3; k++) {
            ck_assert_uint_gt(counter.live, live);
            if (orders[i][k] == 2)
                wsic_context_destroy(parent);
            else
                wsic_stats_destroy(children[orders[i][k]]);
        }
        ck_assert_uint_eq(counter.live, live);
    }
}
END_TEST

START_TEST(messages_of_failed_creations_are_on_the_context)
{
    wsic_stats *stats = NULL;

    ck_assert_int_eq(wsic_stats_create(context, 0, &stats), WSIC_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(wsic_context_message(context), "columns"));
    ck_assert_int_eq(wsic_stats_load(context, "/nonexistent/file", &stats), WSIC_ERROR_IO);
    ck_assert_ptr_nonnull(strstr(wsic_context_message(context), "/nonexistent/file"));
    ck_assert_ptr_null(stats);
}
END_TEST

START_TEST(messages_of_handles_are_on_the_context_too)
{
    wsic_stats *stats;
    wsic_plan *plan;

    ck_assert_int_eq(wsic_stats_create(context, 2, &stats), WSIC_OK);
    ck_assert_int_eq(wsic_plan_create(context, &plan), WSIC_OK);
    ck_assert_str_eq(wsic_context_message(context), "");
    ck_assert_int_eq(wsic_stats_save(stats, NULL), WSIC_ERROR_ARGUMENT);
    ck_assert_str_eq(wsic_context_message(context), "path is NULL");
    ck_assert_int_eq(wsic_plan_solve_rate(plan, 2.0), WSIC_ERROR_STATE);
    ck_assert_str_eq(wsic_context_message(context), "the plan holds no matrix");
    ck_assert_str_eq(wsic_plan_message(plan), "the plan holds no matrix");
    ck_assert_str_eq(wsic_stats_message(stats), "path is NULL");
    wsic_plan_destroy(plan);
    wsic_stats_destroy(stats);
}
END_TEST

START_TEST(no_handle_has_an_empty_message)
{
    ck_assert_str_eq(wsic_context_message(NULL), "");
    ck_assert_str_eq(wsic_stats_message(NULL), "");
    ck_assert_str_eq(wsic_plan_message(NULL), "");
    ck_assert_str_eq(wsic_problem_message(NULL), "");
    ck_assert_str_eq(wsic_encoder_message(NULL), "");
    ck_assert_str_eq(wsic_layer_message(NULL), "");
    ck_assert_str_eq(wsic_archive_message(NULL), "");
    ck_assert_str_eq(wsic_archive_writer_message(NULL), "");
}
END_TEST

/* --- memory -------------------------------------------------------------- */

START_TEST(memory_is_counted)
{
    wsic_stats *stats;
    uint64_t peak;

    ck_assert_uint_eq(wsic_context_memory(context, &peak), 0);
    ck_assert_uint_eq(peak, 0);
    ck_assert_int_eq(wsic_stats_create(context, 100, &stats), WSIC_OK);
    const uint64_t used = wsic_context_memory(context, &peak);
    ck_assert_uint_ge(used, 100 * 100 * 8);
    ck_assert_uint_lt(used, 100 * 100 * 8 + 2000);
    ck_assert_uint_eq(peak, used);
    wsic_stats_destroy(stats);
    ck_assert_uint_eq(wsic_context_memory(context, &peak), 0);
    ck_assert_uint_eq(peak, used);
    wsic_context_reset_peak(context);
    wsic_context_memory(context, &peak);
    ck_assert_uint_eq(peak, 0);
}
END_TEST

START_TEST(memory_that_was_refused_is_not_counted)
{
    wsic_stats *stats;
    uint64_t peak;

    counter.calls = 0;
    counter.fail_at = 2; /* the covariance */
    ck_assert_int_eq(wsic_stats_create(context, 100, &stats), WSIC_ERROR_MEMORY);
    ck_assert_uint_eq(wsic_context_memory(context, &peak), 0);
    ck_assert_uint_gt(peak, 0);
    ck_assert_uint_lt(peak, 100 * 100 * 8);
}
END_TEST

START_TEST(the_limit_holds_and_can_be_raised)
{
    wsic_stats *stats = NULL;

    ck_assert_int_eq(wsic_context_set_memory_limit(context, 100 * 100 * 8), WSIC_OK);
    ck_assert_int_eq(wsic_stats_create(context, 100, &stats), WSIC_ERROR_MEMORY_LIMIT);
    ck_assert_ptr_null(stats);
    ck_assert_ptr_nonnull(strstr(wsic_context_message(context), "80000"));
    ck_assert_uint_eq(wsic_context_memory(context, NULL), 0);
    ck_assert_int_eq(wsic_context_set_memory_limit(context, 100 * 100 * 8 + 4000), WSIC_OK);
    ck_assert_int_eq(wsic_stats_create(context, 100, &stats), WSIC_OK);
    /* Below what is in use is allowed; only more fails. */
    ck_assert_int_eq(wsic_context_set_memory_limit(context, 1), WSIC_OK);
    double eigenvalues[100];
    const double one = 1;
    wsic_matrix token;
    double x[100] = {1};
    wsic_matrix_init(&token, sizeof token, x, WSIC_F64, 1, 100, 0);
    ck_assert_int_eq(wsic_stats_add_activations(stats, &token, &one), WSIC_ERROR_MEMORY_LIMIT);
    ck_assert_int_eq(wsic_context_set_memory_limit(context, 0), WSIC_OK);
    ck_assert_int_eq(wsic_stats_add_activations(stats, &token, &one), WSIC_OK);
    ck_assert_int_eq(wsic_stats_get_spectrum(stats, eigenvalues), WSIC_OK);
    wsic_stats_destroy(stats);
    ck_assert_int_eq(wsic_context_set_memory_limit(NULL, 1), WSIC_ERROR_ARGUMENT);
}
END_TEST

START_TEST(blocks_are_aligned_and_zeroed)
{
    const wsic_env env = wsic_context_env(context);
    wsic_status status = WSIC_OK;

    for (size_t size = 0; size < 300; size += 7) {
        uint8_t *const block = wsic_alloc_zero(&env, size, 1, &status);
        ck_assert_ptr_nonnull(block);
        ck_assert_uint_eq((uintptr_t)block % 64, 0);
        for (size_t i = 0; i < size; i++)
            ck_assert_uint_eq(block[i], 0);
        memset(block, 0xFF, size);
        wsic_free(&env, block);
    }
    ck_assert_ptr_null(wsic_alloc(&env, SIZE_MAX / 2, 4, &status));
    ck_assert_int_eq(status, WSIC_ERROR_TOO_LARGE);
    ck_assert_ptr_null(wsic_alloc(&env, SIZE_MAX, 1, &status));
    ck_assert_int_eq(status, WSIC_ERROR_TOO_LARGE);
    wsic_free(&env, NULL);
}
END_TEST

/* --- threads ------------------------------------------------------------- */

enum { TASKS = 1000 };

static void count_task(void *data, size_t index)
{
    atomic_fetch_add(&((atomic_int *)data)[index], 1);
}

static void check_every_task_runs_once(size_t count)
{
    static atomic_int runs[TASKS];
    const wsic_env env = wsic_context_env(context);

    for (size_t i = 0; i < TASKS; i++)
        atomic_store(&runs[i], 0);
    wsic_parallel_for(&env, count, count_task, runs);
    for (size_t i = 0; i < TASKS; i++) {
        if (atomic_load(&runs[i]) != (i < count))
            ck_abort_msg("task %zu of %zu ran %d times", i, count, atomic_load(&runs[i]));
    }
}

START_TEST(every_task_runs_once_on_any_number_of_threads)
{
    const int32_t threads[] = {1, 2, 5, 0, 1};

    for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
        ck_assert_int_eq(wsic_context_set_threads(context, threads[t]), WSIC_OK);
        for (int round = 0; round < 200; round++)
            check_every_task_runs_once((size_t)(round * 7 % TASKS));
        check_every_task_runs_once(TASKS);
    }
    ck_assert_int_eq(wsic_context_set_threads(context, -1), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_context_set_threads(context, 1025), WSIC_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(wsic_context_message(context), "1025"));
    ck_assert_int_eq(wsic_context_set_threads(NULL, 1), WSIC_ERROR_ARGUMENT);
}
END_TEST

/* A rendezvous that only two threads at once can pass. */
typedef struct rendezvous {
    pthread_barrier_t barrier;
} rendezvous;

static void meet(void *data, size_t index)
{
    (void)index;
    pthread_barrier_wait(&((rendezvous *)data)->barrier);
}

START_TEST(threads_work_at_the_same_time)
{
    const wsic_env env = wsic_context_env(context);
    rendezvous both;

    pthread_barrier_init(&both.barrier, NULL, 2);
    ck_assert_int_eq(wsic_context_set_threads(context, 2), WSIC_OK);
    wsic_parallel_for(&env, 2, meet, &both);
    pthread_barrier_destroy(&both.barrier);
}
END_TEST

static void run_backwards(void *user, size_t count, void (*task)(void *data, size_t index),
                          void *data)
{
    *(size_t *)user += count;
    while (count-- > 0)
        task(data, count);
}

START_TEST(the_hosts_runner_is_used)
{
    size_t seen = 0;

    ck_assert_int_eq(wsic_context_set_threads(context, 3), WSIC_OK);
    ck_assert_int_eq(wsic_context_set_runner(context, run_backwards, &seen), WSIC_OK);
    check_every_task_runs_once(100);
    ck_assert_uint_eq(seen, 100);
    ck_assert_int_eq(wsic_context_set_runner(context, NULL, NULL), WSIC_OK);
    check_every_task_runs_once(100);
    ck_assert_uint_eq(seen, 100);
    ck_assert_int_eq(wsic_context_set_runner(NULL, NULL, NULL), WSIC_ERROR_ARGUMENT);
}
END_TEST

START_TEST(threads_that_cannot_be_had_leave_the_callers)
{
    counter.calls = 0;
    counter.fail_at = 1;
    ck_assert_int_eq(wsic_context_set_threads(context, 4), WSIC_ERROR_MEMORY);
    counter.fail_at = 0;
    check_every_task_runs_once(10);
}
END_TEST

/* --- log, progress, cancellation ----------------------------------------- */

typedef struct log_record {
    int calls;
    int32_t level;
    char text[600];
} log_record;

static void record_log(void *user, int32_t level, const char *message)
{
    log_record *const record = user;

    record->calls++;
    record->level = level;
    snprintf(record->text, sizeof record->text, "%s", message);
}

START_TEST(the_log_respects_its_level)
{
    const wsic_env env = wsic_context_env(context);
    log_record record = {0, 0, ""};

    wsic_log(&env, WSIC_LOG_WARNING, "nobody listens");
    ck_assert_int_eq(wsic_context_set_log(context, record_log, &record, WSIC_LOG_INFO), WSIC_OK);
    wsic_log(&env, WSIC_LOG_DEBUG, "too much");
    ck_assert_int_eq(record.calls, 0);
    wsic_log(&env, WSIC_LOG_INFO, "n = %d", 7);
    ck_assert_int_eq(record.calls, 1);
    ck_assert_int_eq(record.level, WSIC_LOG_INFO);
    ck_assert_str_eq(record.text, "n = 7");
    ck_assert_int_eq(wsic_context_set_log(context, record_log, &record, 4), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_context_set_log(context, record_log, &record, -1), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_context_set_log(context, record_log, &record, WSIC_LOG_NONE), WSIC_OK);
    wsic_log(&env, WSIC_LOG_WARNING, "silence");
    ck_assert_int_eq(record.calls, 1);
}
END_TEST

typedef struct progress_record {
    double fraction;
    int32_t answer;
} progress_record;

static int32_t record_progress(void *user, double fraction, const char *stage)
{
    progress_record *const record = user;

    ck_assert_str_eq(stage, "test");
    record->fraction = fraction;
    return record->answer;
}

START_TEST(progress_is_told_and_can_cancel)
{
    const wsic_env env = wsic_context_env(context);
    const wsic_progress span = {"test", 0.25, 0.75};
    progress_record record = {-1, 0};

    ck_assert_int_eq(wsic_progress_report(&env, &span, 0.5), WSIC_OK);
    ck_assert_int_eq(wsic_context_set_progress(context, record_progress, &record), WSIC_OK);
    ck_assert_int_eq(wsic_progress_report(&env, &span, 0.5), WSIC_OK);
    ck_assert(record.fraction == 0.5);
    record.answer = 1;
    ck_assert_int_eq(wsic_progress_report(&env, &span, 1), WSIC_ERROR_CANCELLED);
    ck_assert(record.fraction == 0.75);
    ck_assert_int_eq(wsic_progress_report(&env, NULL, 1), WSIC_OK);
    ck_assert_int_eq(wsic_context_set_progress(NULL, NULL, NULL), WSIC_ERROR_ARGUMENT);
}
END_TEST

/* A thread that is confined to one processor has one. */
START_TEST(processors_are_those_that_may_be_used)
{
#ifdef CPU_COUNT
    const int32_t before = wsic_processors();
    cpu_set_t all;
    cpu_set_t one;

    ck_assert_int_eq(sched_getaffinity(0, sizeof all, &all), 0);
    ck_assert_int_eq(before, CPU_COUNT(&all));
    CPU_ZERO(&one);
    for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++)
        if (CPU_ISSET(i, &all))
            CPU_SET(i, &one);
    ck_assert_int_eq(sched_setaffinity(0, sizeof one, &one), 0);
    ck_assert_int_eq(wsic_processors(), 1);
    ck_assert_int_eq(sched_setaffinity(0, sizeof all, &all), 0);
    ck_assert_int_eq(wsic_processors(), before);
#else
    ck_assert_int_ge(wsic_processors(), 1);
#endif
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, the_default_allocator_will_do);
    tcase_add_test(tests, creation_checks_its_arguments);
    tcase_add_test(tests, kernels_are_those_of_the_processor_or_fewer);
    tcase_add_test(tests, kernels_of_another_processor_are_refused);
    tcase_add_test(tests, kernels_have_names);
    tcase_add_test(tests, struct_sizes_follow_the_three_rules);
    tcase_add_test(tests, statuses_have_names_and_texts);
    tcase_add_test(tests, number_types_have_sizes_and_names);
    tcase_add_test(tests, versions_agree);
    tcase_add_test(tests, handles_may_be_destroyed_in_any_order);
    tcase_add_test(tests, messages_of_failed_creations_are_on_the_context);
    tcase_add_test(tests, messages_of_handles_are_on_the_context_too);
    tcase_add_test(tests, no_handle_has_an_empty_message);
    tcase_add_test(tests, memory_is_counted);
    tcase_add_test(tests, memory_that_was_refused_is_not_counted);
    tcase_add_test(tests, the_limit_holds_and_can_be_raised);
    tcase_add_test(tests, blocks_are_aligned_and_zeroed);
    tcase_add_test(tests, every_task_runs_once_on_any_number_of_threads);
    tcase_add_test(tests, threads_work_at_the_same_time);
    tcase_add_test(tests, processors_are_those_that_may_be_used);
    tcase_add_test(tests, the_hosts_runner_is_used);
    tcase_add_test(tests, threads_that_cannot_be_had_leave_the_callers);
    tcase_add_test(tests, the_log_respects_its_level);
    tcase_add_test(tests, progress_is_told_and_can_cancel);
}

int main(void)
{
    Suite *const suite = suite_create("context");
    TCase *const tests = tcase_create("context");

    tcase_set_timeout(tests, 30);
    tcase_add_checked_fixture(tests, begin, end);
    add_tests(tests);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
