/* SPDX-License-Identifier: MIT */
/* Every public call with the first, second, ... allocation refused, and under limits of memory that
 * rise: the call says so, the handles that it was given stay as they were, the same call again
 * succeeds, and what comes out in the end has the same bytes as without the refusal. Nothing is
 * left. Every function of the version script is called here, or stands in the list of those that
 * take no memory. */
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "memory_scenarios.h"
#include "temporary.h"

enum { LIMITS = 16 };

static void open_run(run *r)
{
    const wsic_allocator hooks = counting_hooks(&r->counter);

    r->refusals = 0;
    r->digest = 14695981039346656037U;
    ck_assert_int_eq(wsic_context_create(&hooks, &r->context), WSIC_OK);
    ck_assert_int_eq(wsic_context_set_threads(r->context, 1), WSIC_OK);
}

static void close_run(run *r)
{
    ck_assert_uint_eq(wsic_context_memory(r->context, NULL), 0);
    wsic_context_destroy(r->context);
    ck_assert_uint_eq(r->counter.live, 0);
}

static uint64_t undisturbed(size_t which, uint64_t *peak)
{
    run r;

    open_run(&r);
    scenarios[which].play(&r);
    ck_assert_uint_eq(r.refusals, 0);
    wsic_context_memory(r.context, peak);
    close_run(&r);
    return r.digest;
}

/* Every one of the first sixty; then a part that gets smaller, unless WATERSIC_TEST_EVERY
 * asks for all. */
static size_t next_allocation(size_t k)
{
    return getenv("WATERSIC_TEST_EVERY") ? k + 1 : k + 1 + (k < 60 ? 0 : k / 8);
}

START_TEST(every_allocation_may_fail)
{
    const uint64_t truth = undisturbed((size_t)_i, NULL);
    size_t k = 0;
    run r;

    do {
        open_run(&r);
        r.counter.calls = 0;
        r.counter.fail_at = k = next_allocation(k);
        scenarios[_i].play(&r);
        ck_assert_msg(r.digest == truth, "%s, allocation %zu: other bytes", scenarios[_i].name, k);
        ck_assert_msg(r.refusals <= 1, "%s, allocation %zu: refused again", scenarios[_i].name, k);
        close_run(&r);
    } while (r.counter.calls >= k);
    ck_assert_uint_gt(k, 10);
}
END_TEST

START_TEST(every_limit_may_be_met)
{
    uint64_t peak;
    const uint64_t truth = undisturbed((size_t)_i, &peak);
    size_t refusals = 0;

    for (uint64_t k = 1; k <= LIMITS; k++) {
        run r;

        open_run(&r);
        ck_assert_int_eq(wsic_context_set_memory_limit(r.context, 1 + peak * k / (LIMITS + 1)),
                         WSIC_OK);
        scenarios[_i].play(&r);
        ck_assert_msg(r.digest == truth, "%s, limit %d: other bytes", scenarios[_i].name, (int)k);
        refusals += r.refusals;
        close_run(&r);
    }
    ck_assert_uint_eq(refusals, LIMITS);
}
END_TEST

START_TEST(contexts_may_fail)
{
    counting_allocator counter;
    const wsic_allocator hooks = counting_hooks(&counter);
    wsic_context *context;
    size_t k = 0;

    do {
        counter.calls = 0;
        counter.fail_at = ++k;
        const wsic_status status = wsic_context_create(&hooks, &context);
        ck_assert_int_eq(status, counter.calls >= k ? WSIC_ERROR_MEMORY : WSIC_OK);
        wsic_context_destroy(context);
        ck_assert_uint_eq(counter.live, 0);
    } while (counter.calls >= k);
    ck_assert_uint_gt(k, 1);
    scenario_note("wsic_context_create");
}
END_TEST

/* Handles that are released, numbers and texts that are looked at, settings that are stored in
 * their handle, and mathematics on the caller's arrays. */
static const char *const without_memory[] = {"wsic_api_version",
                                             "wsic_archive_alignment",
                                             "wsic_archive_close",
                                             "wsic_archive_count",
                                             "wsic_archive_message",
                                             "wsic_archive_metadata",
                                             "wsic_archive_metadata_count",
                                             "wsic_archive_metadata_key",
                                             "wsic_archive_name",
                                             "wsic_archive_size",
                                             "wsic_archive_writer_alignment",
                                             "wsic_archive_writer_count",
                                             "wsic_archive_writer_destroy",
                                             "wsic_archive_writer_message",
                                             "wsic_archive_writer_metadata",
                                             "wsic_archive_writer_name",
                                             "wsic_archive_writer_size",
                                             "wsic_context_cancel",
                                             "wsic_context_destroy",
                                             "wsic_context_kernels",
                                             "wsic_context_memory",
                                             "wsic_context_message",
                                             "wsic_context_reset_peak",
                                             "wsic_context_resume",
                                             "wsic_context_set_kernels",
                                             "wsic_context_set_log",
                                             "wsic_context_set_memory_limit",
                                             "wsic_context_set_progress",
                                             "wsic_context_set_runner",
                                             "wsic_context_set_threads",
                                             "wsic_context_stop",
                                             "wsic_dtype_name",
                                             "wsic_dtype_size",
                                             "wsic_encoder_destroy",
                                             "wsic_encoder_message",
                                             "wsic_encoder_parameters",
                                             "wsic_kernels_name",
                                             "wsic_layer_column_order",
                                             "wsic_layer_column_scales",
                                             "wsic_layer_destroy",
                                             "wsic_layer_message",
                                             "wsic_layer_row_scales",
                                             "wsic_layer_visit_workspace_size",
                                             "wsic_matrix_init",
                                             "wsic_parameter_count",
                                             "wsic_parameter_find",
                                             "wsic_parameter_get_choice",
                                             "wsic_parameter_get_info",
                                             "wsic_plan_count",
                                             "wsic_plan_destroy",
                                             "wsic_plan_message",
                                             "wsic_preset_name",
                                             "wsic_problem_destroy",
                                             "wsic_problem_message",
                                             "wsic_processors",
                                             "wsic_stats_columns",
                                             "wsic_stats_destroy",
                                             "wsic_stats_has_pairs",
                                             "wsic_stats_message",
                                             "wsic_stats_residual_columns",
                                             "wsic_stats_samples",
                                             "wsic_status_name",
                                             "wsic_status_text",
                                             "wsic_version",
                                             "wsic_version_number",
                                             "wsic_waterfill_component_rates",
                                             "wsic_waterfill_distortion",
                                             "wsic_waterfill_product_distortion",
                                             "wsic_waterfill_product_rate",
                                             "wsic_waterfill_rate"};

static bool is_known(const char *name)
{
    if (scenario_called(name))
        return true;
    for (size_t k = 0; k < sizeof without_memory / sizeof *without_memory; k++) {
        if (strcmp(without_memory[k], name) == 0)
            return true;
    }
    return false;
}

START_TEST(no_function_is_left_out)
{
    size_t size, functions = 0;
    uint8_t *const script = read_file(MAP, &size);

    script[size] = '\0';
    for (char *name = (char *)script; (name = strstr(name, "    wsic_")); functions++) {
        name += 4;
        name[strcspn(name, ";")] = '\0';
        ck_assert_msg(is_known(name), "%s is called by no scenario", name);
        name += strlen(name) + 1;
    }
    free(script);
    ck_assert_uint_gt(functions, 100);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("refused memory");
    TCase *const tests = tcase_create("refused memory");
    SRunner *const runner = srunner_create(suite);

    tcase_add_checked_fixture(tests, scenarios_begin, scenarios_end);
    tcase_add_loop_test(tests, every_allocation_may_fail, 0, SCENARIOS);
    tcase_add_loop_test(tests, every_limit_may_be_met, 0, SCENARIOS);
    tcase_add_test(tests, contexts_may_fail);
    tcase_add_test(tests, no_function_is_left_out);
    suite_add_tcase(suite, tests);
    /* The last test knows what the others have called. */
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
