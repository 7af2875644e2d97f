/* SPDX-License-Identifier: MIT */
/* What every function that makes a handle does with arguments that are NULL. */
#include "check_main.h"
#include "watersic/watersic.h"

static wsic_context *context;

static void setup(void)
{
    ck_assert_int_eq(wsic_context_create(NULL, &context), WSIC_OK);
}

static void teardown(void)
{
    wsic_context_destroy(context);
}

/* A handle that nothing points at: a failed creation must not leave a caller with it. */
static char stale;

/* The call is written with `given` for its context and `out` for where the handle goes. */
#define ASSERT_CREATION_REFUSES(type, call)                                                        \
    do {                                                                                           \
        type *made = (type *)(void *)&stale, **out = &made;                                        \
        wsic_context *given = NULL;                                                                \
        ck_assert_int_eq((call), WSIC_ERROR_ARGUMENT);                                             \
        ck_assert_ptr_null(made);                                                                  \
        given = context;                                                                           \
        out = NULL;                                                                                \
        ck_assert_int_eq((call), WSIC_ERROR_ARGUMENT);                                             \
        ck_assert_str_eq(wsic_context_message(context), "out is NULL");                            \
    } while (0)

#define ASSERT_INPUT_REFUSED(type, call, what)                                                     \
    do {                                                                                           \
        type *made = (type *)(void *)&stale, **out = &made;                                        \
        wsic_context *given = context;                                                             \
        ck_assert_int_eq((call), WSIC_ERROR_ARGUMENT);                                             \
        ck_assert_ptr_null(made);                                                                  \
        ck_assert_str_eq(wsic_context_message(context), what " is NULL");                          \
    } while (0)

START_TEST(context_and_out_are_needed)
{
    ASSERT_CREATION_REFUSES(wsic_stats, wsic_stats_create(given, 3, out));
    ASSERT_CREATION_REFUSES(wsic_stats, wsic_stats_load(given, "x", out));
    ASSERT_CREATION_REFUSES(wsic_plan, wsic_plan_create(given, out));
    ASSERT_CREATION_REFUSES(wsic_problem, wsic_problem_create(given, NULL, NULL, NULL, out));
    ASSERT_CREATION_REFUSES(wsic_encoder, wsic_encoder_create(given, out));
    ASSERT_CREATION_REFUSES(wsic_layer, wsic_layer_create(given, "x", 1, out));
    ASSERT_CREATION_REFUSES(wsic_archive, wsic_archive_open(given, "x", out));
    ASSERT_CREATION_REFUSES(wsic_archive, wsic_archive_open_memory(given, "x", 1, out));
    ASSERT_CREATION_REFUSES(wsic_archive_writer, wsic_archive_writer_create(given, "x", out));
    ASSERT_CREATION_REFUSES(wsic_archive_writer, wsic_archive_writer_resume(given, "x", out));
}
END_TEST

START_TEST(inputs_are_needed)
{
    ASSERT_INPUT_REFUSED(wsic_stats, wsic_stats_load(given, NULL, out), "path");
    ASSERT_INPUT_REFUSED(wsic_problem, wsic_problem_create(given, NULL, NULL, NULL, out), "stats");
    ASSERT_INPUT_REFUSED(wsic_layer, wsic_layer_create(given, NULL, 1, out), "bytes");
    ASSERT_INPUT_REFUSED(wsic_archive, wsic_archive_open(given, NULL, out), "path");
    ASSERT_INPUT_REFUSED(wsic_archive, wsic_archive_open_memory(given, NULL, 1, out), "bytes");
    ASSERT_INPUT_REFUSED(wsic_archive_writer, wsic_archive_writer_create(given, NULL, out), "path");
    ASSERT_INPUT_REFUSED(wsic_archive_writer, wsic_archive_writer_resume(given, NULL, out), "path");
}
END_TEST

START_TEST(runs_need_somewhere_to_put_the_layer)
{
    wsic_encoder *encoder;

    ck_assert_int_eq(wsic_encoder_create(context, &encoder), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_run(encoder, NULL, NULL, NULL), WSIC_ERROR_ARGUMENT);
    ck_assert_str_eq(wsic_encoder_message(encoder), "out is NULL");
    ck_assert_int_eq(wsic_encoder_run_problem(encoder, NULL, NULL), WSIC_ERROR_ARGUMENT);
    ck_assert_str_eq(wsic_encoder_message(encoder), "out is NULL");
    wsic_encoder_destroy(encoder);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("creation");
    TCase *const tests = tcase_create("creation");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, context_and_out_are_needed);
    tcase_add_test(tests, inputs_are_needed);
    tcase_add_test(tests, runs_need_somewhere_to_put_the_layer);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
