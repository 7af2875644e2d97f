/* SPDX-License-Identifier: MIT */
/* wsic_context_cancel() stops the call that runs, and no other; wsic_context_stop() stops all. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include <watersic/watersic.h>

#include "check_main.h"
#include "layer_fixture.h"

enum { ROUNDS = 8 };

static layer_fixture f;

static void set_up(void)
{
    f = layer_open(24, 16, COVARIANCE_AR, 1);
    ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, "fast"), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_number(f.encoder, WSIC_STEP, 0.5), WSIC_OK);
}

static void tear_down(void)
{
    layer_close(&f);
}

/* A call that can be cancelled, and whose results show whether it was. */
static wsic_status run(void)
{
    wsic_layer *layer;
    const wsic_status status = wsic_encoder_run(f.encoder, f.stats, &f.matrix, &layer);

    ck_assert_int_eq(layer == NULL, status < 0);
    wsic_layer_destroy(layer);
    return status;
}

START_TEST(a_request_that_comes_too_late_does_nothing)
{
    wsic_context_cancel(f.context);
    ck_assert_int_ge(run(), 0);
    wsic_context_cancel(f.context);
    wsic_context_cancel(f.context);
    ck_assert_int_ge(run(), 0);
}
END_TEST

static int32_t cancel_own_call(void *user, double fraction, const char *stage)
{
    (void)fraction;
    (void)stage;
    wsic_context_cancel(user);
    return 0;
}

START_TEST(a_request_ends_with_its_call)
{
    ck_assert_int_eq(wsic_context_set_progress(f.context, cancel_own_call, f.context), WSIC_OK);
    ck_assert_int_eq(run(), WSIC_ERROR_CANCELLED);
    ck_assert_str_eq(wsic_encoder_message(f.encoder), "cancelled by the host");
    ck_assert_int_eq(wsic_context_set_progress(f.context, NULL, NULL), WSIC_OK);
    ck_assert_int_ge(run(), 0);
}
END_TEST

/* A request that is made as soon as a stage reports. */
typedef struct request_in {
    const char *stage;
    bool made;
    int late; /* reports that came after it */
} request_in;

static int32_t cancel_in_stage(void *user, double fraction, const char *stage)
{
    request_in *const request = user;

    (void)fraction;
    request->late += request->made;
    if (!request->made && strcmp(stage, request->stage) == 0) {
        request->made = true;
        wsic_context_cancel(f.context);
    }
    return 0;
}

/* Between two reports a stage works without looking for requests: so each of them has to report. */
START_TEST(every_stage_reports_and_can_be_cancelled)
{
    static const char *const stages[] = {"prepare", "search", "quantize", "rescale", "distortion"};
    request_in request = {.stage = stages[_i]};

    ck_assert_int_eq(wsic_encoder_set_text(f.encoder, "rescale", "both"), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_number(f.encoder, WSIC_STEP, 0), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_number(f.encoder, WSIC_RATE, 2), WSIC_OK);
    ck_assert_int_eq(wsic_context_set_progress(f.context, cancel_in_stage, &request), WSIC_OK);
    ck_assert_int_eq(run(), WSIC_ERROR_CANCELLED);
    ck_assert_msg(request.made, "stage %s never reports", request.stage);
    ck_assert_int_eq(request.late, 0);
    ck_assert_int_eq(wsic_context_set_progress(f.context, NULL, NULL), WSIC_OK);
    ck_assert_int_ge(run(), 0);
}
END_TEST

START_TEST(a_stop_lasts_until_it_is_taken_back)
{
    wsic_context_stop(f.context);
    ck_assert_int_eq(run(), WSIC_ERROR_CANCELLED);
    ck_assert_int_eq(run(), WSIC_ERROR_CANCELLED);
    wsic_context_resume(f.context);
    ck_assert_int_ge(run(), 0);
    wsic_context_stop(f.context);
    wsic_context_resume(f.context);
    ck_assert_int_ge(run(), 0);
}
END_TEST

/* Two threads that wait for each other, so that the request comes within the call. */
typedef struct meeting {
    atomic_int inside;  /* calls that have reported */
    atomic_int request; /* requests that have been made */
} meeting;

static void wait_for(const atomic_int *number, int value)
{
    while (atomic_load(number) < value)
        sched_yield();
}

static int32_t meet(void *user, double fraction, const char *stage)
{
    meeting *const with = user;

    (void)stage;
    if (fraction == 1.0)
        return 0;
    const int requests = atomic_load(&with->request);
    if (requests % 2 != 0) /* the request of this call has been made */
        return 0;
    atomic_fetch_add(&with->inside, 1);
    wait_for(&with->request, requests + 1);
    return 0;
}

/* In every round one request within the call and one after it. */
static void *request(void *user)
{
    meeting *const with = user;

    for (int round = 0; round < ROUNDS; round++) {
        wait_for(&with->inside, round + 1);
        wsic_context_cancel(f.context);
        atomic_fetch_add(&with->request, 1);
        wait_for(&with->request, 2 * round + 2);
    }
    return NULL;
}

START_TEST(requests_of_another_thread_stop_their_call_alone)
{
    meeting with = {0, 0};
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, request, &with), 0);
    for (int round = 0; round < ROUNDS; round++) {
        ck_assert_int_eq(wsic_context_set_progress(f.context, meet, &with), WSIC_OK);
        ck_assert_int_eq(run(), WSIC_ERROR_CANCELLED);
        ck_assert_int_eq(wsic_context_set_progress(f.context, NULL, NULL), WSIC_OK);
        wsic_context_cancel(f.context); /* too late */
        ck_assert_int_ge(run(), 0);
        atomic_fetch_add(&with.request, 1);
    }
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}
END_TEST

static void *request_always(void *user)
{
    const atomic_bool *const stop = user;

    while (!atomic_load(stop))
        wsic_context_cancel(f.context);
    return NULL;
}

/* At any time: what was cancelled has left nothing behind, and the last request of all is void. */
START_TEST(requests_at_any_time_leave_whole_calls)
{
    atomic_bool stop = false;
    double x[2] = {1, 2}, samples = 0;
    wsic_stats *stats;
    wsic_matrix token;
    pthread_t thread;

    wsic_matrix_init(&token, sizeof token, x, WSIC_F64, 1, 2, 0);
    ck_assert_int_eq(wsic_stats_create(f.context, 2, &stats), WSIC_OK);
    ck_assert_int_eq(pthread_create(&thread, NULL, request_always, &stop), 0);
    for (int i = 0; i < 2000; i++) {
        const wsic_status status = wsic_stats_add_activations(stats, &token, NULL);
        ck_assert(status == WSIC_OK || status == WSIC_ERROR_CANCELLED);
        samples += status == WSIC_OK;
        ck_assert_double_eq(wsic_stats_samples(stats), samples);
    }
    atomic_store(&stop, true);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(wsic_stats_add_activations(stats, &token, NULL), WSIC_OK);
    wsic_stats_destroy(stats);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("cancel");
    TCase *const tests = tcase_create("cancel");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_request_that_comes_too_late_does_nothing);
    tcase_add_test(tests, a_request_ends_with_its_call);
    tcase_add_loop_test(tests, every_stage_reports_and_can_be_cancelled, 0, 5);
    tcase_add_test(tests, a_stop_lasts_until_it_is_taken_back);
    tcase_add_test(tests, requests_of_another_thread_stop_their_call_alone);
    tcase_add_test(tests, requests_at_any_time_leave_whole_calls);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
