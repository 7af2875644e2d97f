/* SPDX-License-Identifier: MIT */
/* How a program ends: by a signal in order, by a second one at once, and in spite of an exit() that
 * hangs. Each in a process of its own. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check_main.h"
#include "common/blas_memory.h"
#include "common/ending.h"
#include "common/interrupt.h"
#include "temporary.h"

enum { ALL_WELL = 42 };

static wsic_context *context;

/* What a process of its own ends with, as waitpid() tells it. */
static int status_of(void (*run)(void))
{
    const pid_t child = fork();
    int status = 0;

    if (child == 0) {
        /* No failure is reported from there: whatever is not ALL_WELL is one. */
        run();
        _exit(ALL_WELL);
    }
    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return status;
}

static bool is_well(int status)
{
    return WIFEXITED(status) && WEXITSTATUS(status) == ALL_WELL;
}

static void need(bool condition)
{
    if (!condition)
        _exit(1);
}

static void watch(void)
{
    signal(SIGHUP, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    need(wsic_context_create(NULL, &context) == WSIC_OK);
    interrupt_watch(context);
}

static wsic_status add_token(void)
{
    double x[2] = {1, 2};
    wsic_matrix token;
    wsic_stats *stats;

    wsic_matrix_init(&token, sizeof token, x, WSIC_F64, 1, 2, 0);
    need(wsic_stats_create(context, 2, &stats) == WSIC_OK);
    return wsic_stats_add_activations(stats, &token, NULL);
}

static void be_interrupted(void)
{
    struct failure failure;

    watch();
    need(!interrupt_pending() && interrupt_signal() == 0 && interrupt_none(&failure));
    raise(SIGTERM);
    need(interrupt_pending() && interrupt_signal() == SIGTERM && !interrupt_none(&failure));
    need(add_token() == WSIC_ERROR_CANCELLED);
}

START_TEST(the_first_signal_cancels)
{
    ck_assert(is_well(status_of(be_interrupted)));
}
END_TEST

static void insist(void)
{
    watch();
    raise(SIGINT);
    raise(SIGTERM);
}

START_TEST(the_second_signal_ends_the_process)
{
    const int status = status_of(insist);

    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGTERM);
}
END_TEST

/* As a terminal that is closed does. */
static void hang_up_twice(void)
{
    watch();
    raise(SIGHUP);
    raise(SIGHUP);
    need(interrupt_signal() == SIGHUP);
}

START_TEST(a_terminal_may_hang_up_twice)
{
    ck_assert(is_well(status_of(hang_up_twice)));
}
END_TEST

static void be_asked_to_ignore(void)
{
    need(wsic_context_create(NULL, &context) == WSIC_OK);
    signal(SIGHUP, SIG_IGN);
    interrupt_watch(context);
    raise(SIGHUP);
    need(!interrupt_pending());
}

START_TEST(signals_that_are_ignored_stay_so)
{
    ck_assert(is_well(status_of(be_asked_to_ignore)));
}
END_TEST

static temporary place;

static void write_too_much(void)
{
    const struct rlimit limit = {.rlim_cur = 1, .rlim_max = RLIM_INFINITY};
    FILE *const file = fopen(temporary_path(&place, "file"), "wb");

    need(file != NULL);
    setbuf(file, NULL);
    watch();
    need(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    need(fwrite("ab", 1, 2, file) < 2 && errno == EFBIG);
    need(!interrupt_pending());
}

START_TEST(files_that_may_not_grow_are_an_error)
{
    temporary_create(&place);
    ck_assert(is_well(status_of(write_too_much)));
    temporary_destroy(&place);
}
END_TEST

static void never_return(void)
{
    for (;;)
        pause();
}

static void hang_in_exit(void)
{
    need(atexit(never_return) == 0);
    exit(ending_bounded(7));
}

START_TEST(an_exit_that_hangs_is_bounded)
{
    const int status = status_of(hang_in_exit);

    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 7);
}
END_TEST

static void check_unlimited(void)
{
    const struct rlimit none = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
    struct failure failure;

    /* Where the test itself is limited there is nothing to see. */
    if (setrlimit(RLIMIT_AS, &none) == 0 && setrlimit(RLIMIT_DATA, &none) == 0)
        need(blas_memory_check(4, &failure));
}

START_TEST(memory_without_a_limit_is_enough)
{
    ck_assert(is_well(status_of(check_unlimited)));
}
END_TEST

/* Less than the process has already: nothing can be added. Whether BLAS wants something is its own
 * business; that the call comes back is not. */
static void check_limited(void)
{
    const struct rlimit limit = {.rlim_cur = 1 << 20, .rlim_max = RLIM_INFINITY};
    struct failure failure = {.text = ""};

    need(setrlimit(RLIMIT_AS, &limit) == 0);
    need(blas_memory_check(2, &failure) || strstr(failure.text, "1048576 bytes"));
}

START_TEST(memory_that_is_not_there_is_told)
{
    ck_assert(is_well(status_of(check_limited)));
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("interrupt");
    TCase *const tests = tcase_create("interrupt");

    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, the_first_signal_cancels);
    tcase_add_test(tests, the_second_signal_ends_the_process);
    tcase_add_test(tests, a_terminal_may_hang_up_twice);
    tcase_add_test(tests, signals_that_are_ignored_stay_so);
    tcase_add_test(tests, files_that_may_not_grow_are_an_error);
    tcase_add_test(tests, an_exit_that_hangs_is_bounded);
    tcase_add_test(tests, memory_without_a_limit_is_enough);
    tcase_add_test(tests, memory_that_is_not_there_is_told);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
