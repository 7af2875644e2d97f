/* SPDX-License-Identifier: MIT */
/* What functions that make a handle, and those that take one, do with arguments that are NULL. */
#include <stdbool.h>
#include <string.h>

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

/* Where calls would put results: they must leave it alone. */
static union {
    size_t size;
    uint64_t bytes;
    int32_t integer;
    double number;
    float single;
    char text[64];
    uint8_t all[256];
} result;

static bool is_untouched(void)
{
    for (size_t k = 0; k < sizeof result.all; k++) {
        if (result.all[k] != 0xA5)
            return false;
    }
    return true;
}

#define ASSERT_REFUSED(call)                                                                       \
    do {                                                                                           \
        memset(&result, 0xA5, sizeof result);                                                      \
        ck_assert_int_eq((call), WSIC_ERROR_ARGUMENT);                                             \
        ck_assert_msg(is_untouched(), "%s wrote a result", #call);                                 \
    } while (0)

static double some[4] = {1, 1, 1, 1};
static void *const data = some;

START_TEST(statistics_are_needed)
{
    wsic_matrix matrix;

    wsic_matrix_init(&matrix, sizeof matrix, some, WSIC_F64, 2, 2, 2);
    ASSERT_REFUSED(wsic_stats_add_activations(NULL, &matrix, NULL));
    ASSERT_REFUSED(wsic_stats_add_activations_flat(NULL, some, WSIC_F64, 2, 0, NULL));
    ASSERT_REFUSED(wsic_stats_add_pair(NULL, &matrix, &matrix, NULL, NULL));
    ASSERT_REFUSED(wsic_stats_add_pair_flat(NULL, some, some, NULL, 0, WSIC_F64, 2, NULL));
    ASSERT_REFUSED(wsic_stats_add_covariance(NULL, &matrix, 1.0));
    ASSERT_REFUSED(wsic_stats_add_covariance_flat(NULL, some, WSIC_F64, 0, 1.0));
    ASSERT_REFUSED(wsic_stats_add_pair_moments(NULL, NULL, 1.0));
    ASSERT_REFUSED(wsic_stats_merge(NULL, NULL));
    ASSERT_REFUSED(wsic_stats_get_moment(NULL, WSIC_MOMENT_INPUT, &matrix));
    ASSERT_REFUSED(wsic_stats_get_moment_flat(NULL, WSIC_MOMENT_INPUT, &result, WSIC_F64, 0));
    ASSERT_REFUSED(wsic_stats_get_covariance(NULL, &matrix));
    ASSERT_REFUSED(wsic_stats_get_spectrum(NULL, &result.number));
    ASSERT_REFUSED(wsic_stats_save(NULL, "x"));
}
END_TEST

START_TEST(problems_and_plans_are_needed)
{
    wsic_matrix matrix;

    wsic_matrix_init(&matrix, sizeof matrix, some, WSIC_F64, 2, 2, 2);
    ASSERT_REFUSED(wsic_problem_set_mix(NULL, 0.5, 0.5));
    ASSERT_REFUSED(wsic_problem_set_dead_rows(NULL, NULL, 0));
    ASSERT_REFUSED(wsic_problem_set_dead_columns(NULL, NULL, 0));
    ASSERT_REFUSED(wsic_problem_set_outputs(NULL, NULL));
    ASSERT_REFUSED(wsic_problem_set_output_diagonal(NULL, some, 4));
    ASSERT_REFUSED(wsic_plan_add(NULL, NULL, &matrix, &result.size));
    ASSERT_REFUSED(wsic_plan_add_flat(NULL, NULL, some, WSIC_F64, 2, 0, &result.size));
    ASSERT_REFUSED(wsic_plan_add_problem(NULL, NULL, &result.size));
    ASSERT_REFUSED(wsic_plan_solve_rate(NULL, 2.0));
    ASSERT_REFUSED(wsic_plan_solve_distortion(NULL, 0.1));
    ASSERT_REFUSED(wsic_plan_set_sensitivity(NULL, 0, 1.0));
    ASSERT_REFUSED(wsic_plan_solve_budget(NULL, WSIC_PLAN_EQUAL, 1000));
    ASSERT_REFUSED(wsic_plan_commit(NULL, 0, 100));
    ASSERT_REFUSED(wsic_plan_get_layer(NULL, 0, (wsic_plan_layer *)(void *)&result));
    ASSERT_REFUSED(wsic_plan_get_divergence(NULL, &result.number));
    ASSERT_REFUSED(wsic_plan_get_column_rates(NULL, 0, &result.number, 1));
}
END_TEST

START_TEST(encoders_are_needed)
{
    wsic_matrix matrix;
    wsic_layer *layer;

    wsic_matrix_init(&matrix, sizeof matrix, some, WSIC_F64, 2, 2, 2);
    ASSERT_REFUSED(wsic_encoder_set_preset(NULL, "fast"));
    ASSERT_REFUSED(wsic_encoder_set_number(NULL, WSIC_RATE, 2.0));
    ASSERT_REFUSED(wsic_encoder_set_integer(NULL, WSIC_RATE, 2));
    ASSERT_REFUSED(wsic_encoder_set_text(NULL, "rate", "2"));
    ASSERT_REFUSED(wsic_encoder_get_number(NULL, WSIC_RATE, &result.number));
    ASSERT_REFUSED(wsic_encoder_get_text(NULL, "rate", result.text, sizeof result.text));
    ASSERT_REFUSED(wsic_encoder_set_plan(NULL, NULL, 0));
    ASSERT_REFUSED(wsic_encoder_estimate_memory(NULL, 4, 4, &result.bytes));
    ASSERT_REFUSED(wsic_encoder_estimate_memory_problem(NULL, NULL, &result.bytes));
    ASSERT_REFUSED(wsic_encoder_run(NULL, NULL, &matrix, &layer));
    ASSERT_REFUSED(wsic_encoder_run_flat(NULL, NULL, some, WSIC_F64, 2, 0, &layer));
    ASSERT_REFUSED(wsic_encoder_run_problem(NULL, NULL, &layer));
    ASSERT_REFUSED(wsic_encoder_get_report(NULL, (wsic_encoder_report *)(void *)&result));
}
END_TEST

START_TEST(encoders_name_what_is_missing)
{
    wsic_encoder_report report = {.size = sizeof report};
    wsic_encoder *encoder;

    ck_assert_int_eq(wsic_encoder_create(context, &encoder), WSIC_OK);
    ASSERT_REFUSED(wsic_encoder_set_plan(encoder, NULL, 0));
    ck_assert_str_eq(wsic_encoder_message(encoder), "plan is NULL");
    ASSERT_REFUSED(wsic_encoder_get_report(encoder, NULL));
    ck_assert_str_eq(wsic_encoder_message(encoder), "report is NULL");
    ck_assert_int_eq(wsic_encoder_get_report(encoder, &report), WSIC_ERROR_STATE);
    ck_assert_str_eq(wsic_encoder_message(encoder), "no run has succeeded yet");
    ASSERT_REFUSED(wsic_encoder_estimate_memory(encoder, 4, 4, NULL));
    ck_assert_str_eq(wsic_encoder_message(encoder), "bytes is NULL");
    ASSERT_REFUSED(wsic_encoder_estimate_memory(encoder, 0, 4, &result.bytes));
    ASSERT_REFUSED(wsic_encoder_estimate_memory(encoder, 4, 0, &result.bytes));
    ck_assert_int_eq(wsic_encoder_estimate_memory(encoder, SIZE_MAX, SIZE_MAX, &result.bytes),
                     WSIC_ERROR_TOO_LARGE);
    ck_assert(is_untouched());
    wsic_encoder_destroy(encoder);
}
END_TEST

START_TEST(layers_are_needed)
{
    const void *bytes;
    wsic_matrix matrix;
    wsic_layer *layer;

    wsic_matrix_init(&matrix, sizeof matrix, some, WSIC_F64, 2, 2, 2);
    ASSERT_REFUSED(wsic_layer_get_info(NULL, (wsic_layer_info *)(void *)&result));
    ASSERT_REFUSED(wsic_layer_get_codes(NULL, 0, &matrix));
    ASSERT_REFUSED(wsic_layer_get_codes_flat(NULL, 0, &result, WSIC_I32, 1, 0));
    ASSERT_REFUSED(wsic_layer_get_code_range(NULL, &result.integer, &result.integer));
    ASSERT_REFUSED(wsic_layer_dequantize(NULL, 0, &matrix));
    ASSERT_REFUSED(wsic_layer_dequantize_flat(NULL, 0, &result, WSIC_F32, 1, 0));
    ASSERT_REFUSED(wsic_layer_matmul(NULL, 0, &matrix, &matrix));
    ASSERT_REFUSED(wsic_layer_matmul_flat(NULL, 0, 1, 1, data, WSIC_F32, 0, &result.single, 0));
    ASSERT_REFUSED(wsic_layer_matvec(NULL, data, &result.single));
    ASSERT_REFUSED(wsic_layer_create_with_scales(NULL, data, data, &layer));
    ASSERT_REFUSED(wsic_layer_get_bytes(NULL, &bytes, &result.size));
    ASSERT_REFUSED(wsic_layer_visit(NULL, 0, NULL, NULL, NULL, 0));
    ASSERT_REFUSED(wsic_layer_get_workspace_size(NULL, &result.size));
    ASSERT_REFUSED(wsic_layer_run(NULL, data, sizeof some));
    ASSERT_REFUSED(wsic_layers_get_workspace_size(NULL, NULL, 0, 1, &result.size));
    ASSERT_REFUSED(wsic_layers_run(NULL, NULL, 0, 1, data, sizeof some));
}
END_TEST

START_TEST(archives_and_contexts_are_needed)
{
    wsic_layer *layer;

    ASSERT_REFUSED(wsic_archive_find(NULL, "x", &result.size));
    ASSERT_REFUSED(wsic_archive_load_layer(NULL, 0, &layer));
    ASSERT_REFUSED(wsic_archive_view_layer(NULL, 0, &layer));
    ASSERT_REFUSED(wsic_archive_get_extent(NULL, 0, &result.bytes, &result.bytes));
    ASSERT_REFUSED(wsic_archive_writer_set_alignment(NULL, 64));
    ASSERT_REFUSED(wsic_archive_writer_set_metadata(NULL, "key", "value"));
    ASSERT_REFUSED(wsic_archive_writer_add(NULL, "x", NULL));
    ASSERT_REFUSED(wsic_archive_writer_load_layer(NULL, 0, &layer));
    ASSERT_REFUSED(wsic_archive_writer_finish(NULL));
    ASSERT_REFUSED(wsic_context_set_threads(NULL, 1));
    ASSERT_REFUSED(wsic_context_set_runner(NULL, NULL, NULL));
    ASSERT_REFUSED(wsic_context_set_kernels(NULL, WSIC_KERNELS_C));
    ASSERT_REFUSED(wsic_context_set_log(NULL, NULL, NULL, WSIC_LOG_WARNING));
    ASSERT_REFUSED(wsic_context_set_progress(NULL, NULL, NULL));
    ASSERT_REFUSED(wsic_context_set_memory_limit(NULL, 1000));
}
END_TEST

START_TEST(nothing_can_be_destroyed)
{
    wsic_context_destroy(NULL);
    wsic_stats_destroy(NULL);
    wsic_problem_destroy(NULL);
    wsic_plan_destroy(NULL);
    wsic_encoder_destroy(NULL);
    wsic_layer_destroy(NULL);
    wsic_archive_close(NULL);
    wsic_archive_writer_destroy(NULL);
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
    tcase_add_test(tests, statistics_are_needed);
    tcase_add_test(tests, problems_and_plans_are_needed);
    tcase_add_test(tests, encoders_are_needed);
    tcase_add_test(tests, encoders_name_what_is_missing);
    tcase_add_test(tests, layers_are_needed);
    tcase_add_test(tests, archives_and_contexts_are_needed);
    tcase_add_test(tests, nothing_can_be_destroyed);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
