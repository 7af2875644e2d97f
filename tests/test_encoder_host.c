/* SPDX-License-Identifier: MIT */
/* The encoder and its host: an allocation that is refused is told, progress rises to 1, other
 * rounding modes do no harm. */
#include <fenv.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "counting_allocator.h"
#include "drift_fixture.h"

/* --- ways through the encoder -------------------------------------------------- */

/* What the statistics are of: one input; pairs with what leaves the layer; pairs, mixed with
 * weighted ones in a problem. */
enum { PLAIN, PAIRS, MIXED, KINDS };

static const struct {
    const char *preset;
    const char *settings[4]; /* name, value, ... */
} ways[] = {
    {"paper", {"rate", "2"}},
    {"default", {"distortion", "0.05"}},
    {"default", {"step", "0.5"}},
    {"default", {"rate", "2"}},
    {"fast", {"rate", "2"}},
    {"max", {"rate", "3"}},
    {"paper", {"rate", "2", "rescale", "auto"}},
    {"default", {"rate", "2", "order", "pivoted"}},
    {"default", {"rate", "2", "limit", "0"}},
};

/* Refusing allocations runs the encoder a hundred times: not on all ways. */
enum { WAYS = sizeof ways / sizeof *ways, WAYS_WITHOUT_MEMORY = 4 };

static counting_allocator counter;
static drift_fixture f;

/* drift_open() with a context whose memory is counted. */
static void begin(void)
{
    const wsic_allocator hooks = counting_hooks(&counter);

    drift_open(&f, true, 31);
    wsic_stats_destroy(f.stats);
    wsic_stats_destroy(f.weighted);
    wsic_encoder_destroy(f.encoder);
    wsic_context_destroy(f.context);
    f.stats = f.weighted = NULL;
    ck_assert_int_eq(wsic_context_create(&hooks, &f.context), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_create(f.context, &f.encoder), WSIC_OK);
    drift_refresh(&f, true);
}

static void end(void)
{
    drift_close(&f);
    ck_assert_uint_eq(counter.live, 0);
}

static void choose_way(size_t way)
{
    ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, ways[way].preset), WSIC_OK);
    for (size_t i = 0; i < 4 && ways[way].settings[i]; i += 2)
        ck_assert_int_eq(
            wsic_encoder_set_text(f.encoder, ways[way].settings[i], ways[way].settings[i + 1]),
            WSIC_OK);
}

static wsic_status run_problem(wsic_layer **layer)
{
    wsic_problem *problem = NULL;
    wsic_status status = wsic_problem_create(f.context, f.stats, f.weighted, &f.w_view, &problem);

    if (status == WSIC_OK)
        status = wsic_problem_set_mix(problem, 0.3, 0.4);
    if (status == WSIC_OK)
        status = wsic_encoder_run_problem(f.encoder, problem, layer);
    wsic_problem_destroy(problem);
    return status;
}

static wsic_status run_plain(wsic_layer **layer)
{
    wsic_stats *stats = NULL;
    wsic_status status = wsic_stats_create(f.context, DRIFT_COLUMNS, &stats);

    if (status == WSIC_OK)
        status = wsic_stats_add_activations(stats, &f.x_view, NULL);
    if (status == WSIC_OK)
        status = wsic_encoder_run(f.encoder, stats, &f.w_view, layer);
    wsic_stats_destroy(stats);
    return status;
}

/* A small matrix cannot meet every rate: a notice is a success here. */
static wsic_status run_way(int kind, wsic_layer **layer)
{
    wsic_status status;

    if (kind == PLAIN)
        status = run_plain(layer);
    else if (kind == PAIRS)
        status = wsic_encoder_run(f.encoder, f.stats, &f.w_view, layer);
    else
        status = run_problem(layer);
    return status == WSIC_NOTICE_RATE ? WSIC_OK : status;
}

static wsic_status encode_and_drop(void *kind)
{
    wsic_layer *layer = NULL;
    const wsic_status status = run_way(*(const int *)kind, &layer);

    ck_assert((status == WSIC_OK) == (layer != NULL));
    wsic_layer_destroy(layer);
    return status;
}

/* --- memory ---------------------------------------------------------------------- */

/* The first and the last allocations, and some of the many of the search between them: others in
 * every way. */
START_TEST(refused_allocations_are_told)
{
    enum { NEAR_THE_ENDS = 45, BETWEEN = 10 };
    int kind = _i % KINDS;

    choose_way((size_t)_i);
    ck_assert_int_eq(wsic_encoder_set_text(f.encoder, "passes", "1"), WSIC_OK);
    counter.calls = 0;
    ck_assert_int_eq(encode_and_drop(&kind), WSIC_OK);
    const size_t calls = counter.calls, stride = calls / BETWEEN + 1;
    for (size_t k = 1; k <= calls; k++) {
        const bool near_an_end = k <= NEAR_THE_ENDS || k + NEAR_THE_ENDS > calls;
        if (near_an_end || k % stride == (size_t)_i % stride)
            ck_assert(refuse_allocation(&counter, k, encode_and_drop, &kind));
    }
}
END_TEST

static wsic_status plan_and_drop(void *data)
{
    const int32_t mode = *(const int32_t *)data;
    wsic_plan *plan = NULL;
    wsic_status status = wsic_plan_create(f.context, &plan);

    for (int i = 0; i < 3 && status == WSIC_OK; i++)
        status = wsic_plan_add(plan, f.stats, &f.w_view, NULL);
    if (status == WSIC_OK)
        status = wsic_plan_solve_budget(plan, mode, 3 * DRIFT_ROWS * DRIFT_COLUMNS / 2);
    if (status == WSIC_OK)
        status = wsic_plan_solve_rate(plan, 2.0);
    if (status == WSIC_OK)
        status = wsic_plan_solve_distortion(plan, 0.1);
    wsic_plan_destroy(plan);
    return status;
}

START_TEST(every_refused_allocation_of_a_plan_is_told)
{
    int32_t mode = WSIC_PLAN_WATERFILL;

    refuse_every_allocation(&counter, plan_and_drop, &mode);
    mode = WSIC_PLAN_EQUAL;
    refuse_every_allocation(&counter, plan_and_drop, &mode);
}
END_TEST

/* --- progress --------------------------------------------------------------------- */

typedef struct progress_log {
    double last;
    int calls;
    bool rising;
} progress_log;

static int32_t note_progress(void *user, double fraction, const char *stage)
{
    progress_log *const log = user;

    log->rising = log->rising && fraction >= log->last && stage[0] != '\0';
    log->last = fraction;
    log->calls++;
    return 0;
}

/* One call of the library, watched. */
static void expect_whole_progress(const char *what, wsic_status (*call)(void *data), void *data)
{
    progress_log log = {0.0, 0, true};

    ck_assert_int_eq(wsic_context_set_progress(f.context, note_progress, &log), WSIC_OK);
    ck_assert_int_eq(call(data), WSIC_OK);
    ck_assert_int_eq(wsic_context_set_progress(f.context, NULL, NULL), WSIC_OK);
    ck_assert_msg(log.calls >= 2 && log.rising && log.last == 1.0,
                  "%s: %d reports, %s, the last is %g", what, log.calls,
                  log.rising ? "rising" : "falling", log.last);
}

START_TEST(progress_of_the_encoder_rises_to_one)
{
    int kind = _i % KINDS;

    choose_way((size_t)_i / KINDS);
    expect_whole_progress(ways[_i / KINDS].preset, encode_and_drop, &kind);
}
END_TEST

/* Nothing to quantize is a success, too. */
START_TEST(progress_of_zeros_rises_to_one)
{
    int kind = PLAIN;

    memset(f.w, 0, sizeof f.w);
    choose_way(0);
    expect_whole_progress("zeros", encode_and_drop, &kind);
}
END_TEST

static wsic_status add_to_plan(void *plan)
{
    return wsic_plan_add(plan, f.stats, &f.w_view, NULL);
}

static wsic_status solve_budget(void *plan)
{
    return wsic_plan_solve_budget(plan, WSIC_PLAN_WATERFILL, 2 * DRIFT_ROWS * DRIFT_COLUMNS / 2);
}

START_TEST(progress_of_a_plan_rises_to_one)
{
    wsic_plan *plan = NULL;

    ck_assert_int_eq(wsic_plan_create(f.context, &plan), WSIC_OK);
    expect_whole_progress("the first matrix", add_to_plan, plan);
    expect_whole_progress("the second matrix", add_to_plan, plan);
    expect_whole_progress("the budget", solve_budget, plan);
    wsic_plan_destroy(plan);
}
END_TEST

/* --- rounding modes -------------------------------------------------------------- */

static const int other_modes[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};

enum { MODES = sizeof other_modes / sizeof *other_modes };

START_TEST(other_rounding_is_refused_by_the_encoder)
{
    wsic_layer *layer = NULL;

    choose_way(0);
    ck_assert_int_eq(fesetround(other_modes[_i]), 0);
    const wsic_status status = wsic_encoder_run(f.encoder, f.stats, &f.w_view, &layer);
    const int mode = fegetround();
    ck_assert_int_eq(fesetround(FE_TONEAREST), 0);
    ck_assert_int_eq(status, WSIC_ERROR_STATE);
    ck_assert_int_eq(mode, other_modes[_i]);
    ck_assert_ptr_null(layer);
    ck_assert_ptr_nonnull(strstr(wsic_encoder_message(f.encoder), "round to nearest"));
    ck_assert_int_ge(wsic_encoder_run(f.encoder, f.stats, &f.w_view, &layer), 0);
    wsic_layer_destroy(layer);
}
END_TEST

static void decode(const wsic_layer *layer, float *weights, int32_t *codes)
{
    wsic_matrix matrix;

    wsic_matrix_init(&matrix, sizeof matrix, weights, WSIC_F32, DRIFT_ROWS, DRIFT_COLUMNS, 0);
    ck_assert_int_eq(wsic_layer_dequantize(layer, 0, &matrix), WSIC_OK);
    wsic_matrix_init(&matrix, sizeof matrix, codes, WSIC_I32, DRIFT_ROWS, DRIFT_COLUMNS, 0);
    ck_assert_int_eq(wsic_layer_get_codes(layer, 0, &matrix), WSIC_OK);
}

START_TEST(other_rounding_decodes_the_same_codes)
{
    enum { COUNT = DRIFT_ROWS * DRIFT_COLUMNS };
    static float weights[2][COUNT];
    static int32_t codes[2][COUNT];
    const void *bytes = NULL;
    size_t size = 0;
    wsic_layer *made = NULL, *read = NULL;

    choose_way(3);
    ck_assert_int_ge(wsic_encoder_run(f.encoder, f.stats, &f.w_view, &made), 0);
    ck_assert_int_eq(wsic_layer_get_bytes(made, &bytes, &size), WSIC_OK);
    decode(made, weights[0], codes[0]);
    ck_assert_int_eq(fesetround(other_modes[_i]), 0);
    feclearexcept(FE_ALL_EXCEPT);
    ck_assert_int_eq(wsic_layer_create(f.context, bytes, size, &read), WSIC_OK);
    decode(read, weights[1], codes[1]);
    const int raised = fetestexcept(FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW), mode = fegetround();
    ck_assert_int_eq(fesetround(FE_TONEAREST), 0);
    ck_assert_int_eq(mode, other_modes[_i]);
    ck_assert_int_eq(raised, 0);
    ck_assert_mem_eq(codes[0], codes[1], sizeof codes[0]);
    for (size_t k = 0; k < COUNT; k++)
        ck_assert(fabsf(weights[0][k] - weights[1][k]) <= 0x1p-22F * fabsf(weights[0][k]));
    wsic_layer_destroy(made);
    wsic_layer_destroy(read);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *const suite = suite_create("encoder and host");
    TCase *const memory = tcase_create("memory");
    TCase *const progress = tcase_create("progress");
    TCase *const rounding = tcase_create("rounding");

    tcase_add_checked_fixture(memory, begin, end);
    tcase_set_timeout(memory, 120);
    tcase_add_loop_test(memory, refused_allocations_are_told, 0, WAYS_WITHOUT_MEMORY);
    tcase_add_test(memory, every_refused_allocation_of_a_plan_is_told);
    suite_add_tcase(suite, memory);

    tcase_add_checked_fixture(progress, begin, end);
    tcase_add_loop_test(progress, progress_of_the_encoder_rises_to_one, 0, WAYS * KINDS);
    tcase_add_test(progress, progress_of_zeros_rises_to_one);
    tcase_add_test(progress, progress_of_a_plan_rises_to_one);
    suite_add_tcase(suite, progress);

    tcase_add_checked_fixture(rounding, begin, end);
    tcase_add_loop_test(rounding, other_rounding_is_refused_by_the_encoder, 0, MODES);
    tcase_add_loop_test(rounding, other_rounding_decodes_the_same_codes, 0, MODES);
    suite_add_tcase(suite, rounding);
    return suite;
}

int main(void)
{
    return run_suite(make_suite());
}
