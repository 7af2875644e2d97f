/* SPDX-License-Identifier: MIT */
/* Writers that are killed at every call that changes a file (crash_points.c): under the name of the
 * output stands what was there before, or the whole new file; and the same program, run again,
 * writes the whole file, going on where the unfinished one allows it. */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check_main.h"
#include "temporary.h"
#include "watersic/watersic.h"

enum { ROWS = 10, COLUMNS = 6, LAYERS = 3, MOST_CALLS = 200 };

/* --- what is killed ------------------------------------------------------------------ */

static wsic_context *context;
static wsic_stats *stats;
static wsic_layer *layer;

/* Assertions of Check are for tests alone. */
static void must(wsic_status status)
{
    if (status >= 0)
        return;
    fprintf(stderr, "%s: %s\n", wsic_status_name(status), wsic_context_message(context));
    exit(3);
}

static void prepare(void)
{
    static double numbers[ROWS * COLUMNS];
    wsic_encoder *encoder;

    for (size_t k = 0; k < ROWS * COLUMNS; k++)
        numbers[k] = (double)(k * k * 31 % 17) - 8.0;
    must(wsic_context_create(NULL, &context));
    must(wsic_stats_create(context, COLUMNS, &stats));
    must(wsic_stats_add_activations_flat(stats, numbers, WSIC_F64, ROWS, 0, NULL));
    must(wsic_encoder_create(context, &encoder));
    must(wsic_encoder_set_preset(encoder, "fast"));
    must(wsic_encoder_set_number(encoder, WSIC_STEP, 0.5));
    must(wsic_encoder_run_flat(encoder, stats, numbers, WSIC_F64, ROWS, 0, &layer));
    wsic_encoder_destroy(encoder);
}

static void write_archive(const char *path, bool resumes)
{
    wsic_archive_writer *writer;
    char name[16];

    must(resumes ? wsic_archive_writer_resume(context, path, &writer)
                 : wsic_archive_writer_create(context, path, &writer));
    for (size_t k = wsic_archive_writer_count(writer); k < LAYERS; k++) {
        snprintf(name, sizeof name, "layer.%zu", k);
        must(wsic_archive_writer_add(writer, name, layer));
    }
    must(wsic_archive_writer_finish(writer));
    wsic_archive_writer_destroy(writer);
}

/* The program that is killed: this one, with these arguments. */
static int write_as(const char *what, const char *path)
{
    prepare();
    if (strcmp(what, "statistics") == 0)
        must(wsic_stats_save(stats, path));
    else
        write_archive(path, strcmp(what, "resumed") == 0);
    return 0;
}

/* --- who kills ------------------------------------------------------------------------ */

static temporary place;
static const char *program;

static const char *const writers[] = {"statistics", "archive", "resumed"};
static const char *const modes[] = {"before", "half", "after"};

enum { WRITERS = 3, MODES = 3 };

/* Run the writer; kill it at a call unless that is 0. Returns how it ended. */
static int run_writer(const char *what, const char *path, long crash_at, const char *mode)
{
    const pid_t child = fork();
    char number[32];
    int ended;

    if (child == 0) {
        snprintf(number, sizeof number, "%ld", crash_at);
        setenv("CRASH_AT", number, 1);
        setenv("CRASH_MODE", mode, 1);
        setenv("LD_PRELOAD", CRASH_POINTS, 1);
        setenv("OPENBLAS_NUM_THREADS", "1", 1);
        execl(program, program, what, path, (char *)NULL);
        _exit(127);
    }
    ck_assert_int_eq(waitpid(child, &ended, 0), child);
    return ended;
}

static bool file_is(const char *path, const uint8_t *bytes, size_t size)
{
    size_t found_size;
    uint8_t *const found = read_file(path, &found_size);
    const bool same = found_size == size && memcmp(found, bytes, size) == 0;

    free(found);
    return same;
}

START_TEST(killed_anywhere_nothing_is_lost)
{
    static const uint8_t old[] = "what was there before";
    const char *const what = writers[_i / MODES];
    const char *const mode = modes[_i % MODES];
    char path[512];
    size_t size;
    long call = 0;

    strcpy(path, temporary_path(&place, "whole"));
    ck_assert_int_eq(run_writer(what, path, 0, mode), 0);
    uint8_t *const whole = read_file(path, &size);
    strcpy(path, temporary_path(&place, "output"));
    for (;;) {
        write_file(path, old, sizeof old);
        const int ended = run_writer(what, path, ++call, mode);
        if (ended == 0)
            break;
        ck_assert_msg(WIFSIGNALED(ended) && WTERMSIG(ended) == SIGKILL, "%s: call %ld: ended %x",
                      what, call, (unsigned)ended);
        ck_assert_msg(file_is(path, old, sizeof old) || file_is(path, whole, size),
                      "%s, %s call %ld: neither the old file nor the new one", what, mode, call);
        ck_assert_int_eq(run_writer(what, path, 0, mode), 0);
        ck_assert_msg(file_is(path, whole, size), "%s, %s call %ld: another file the second time",
                      what, mode, call);
        ck_assert_int_lt(call, MOST_CALLS);
    }
    ck_assert_msg(file_is(path, whole, size), "%s: another file without a kill", what);
    ck_assert_int_gt(call, 3);
    free(whole);
}
END_TEST

static void begin(void)
{
    temporary_create(&place);
}

static void end(void)
{
    temporary_destroy(&place);
}

int main(int count, char **arguments)
{
    if (count == 3)
        return write_as(arguments[1], arguments[2]);
    program = arguments[0];
    Suite *const suite = suite_create("crash");
    TCase *const tests = tcase_create("crash");

    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_loop_test(tests, killed_anywhere_nothing_is_lost, 0, WRITERS * MODES);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
