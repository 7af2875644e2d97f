/* SPDX-License-Identifier: MIT */
/* The seconds of all stages are those since the start, each counted once. */
#include "check_main.h"
#include "common/stages.h"

static struct stages stages;
static struct timespec start;

static void begin(void)
{
    clock_gettime(CLOCK_MONOTONIC, &start);
    stages_start(&stages);
}

static double elapsed(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start.tv_sec) + 1e-9 * (double)(now.tv_nsec - start.tv_nsec);
}

static void wait(void)
{
    const struct timespec time = {.tv_nsec = 20000000};

    ck_assert_int_eq(nanosleep(&time, NULL), 0);
}

static double sum(void)
{
    double seconds = 0;

    for (size_t i = 0; i < STAGES; i++)
        seconds += stages_seconds(&stages, (enum stage)i);
    return seconds;
}

START_TEST(stages_add_up_to_the_time_since_the_start)
{
    const enum stage outer = stages_enter(&stages, STAGE_FORWARD);
    wait();
    const enum stage inner = stages_enter(&stages, STAGE_STATISTICS);
    wait();
    stages_leave(&stages, inner);
    ck_assert_int_eq(stages.now, STAGE_FORWARD);
    wait();
    stages_leave(&stages, outer);
    ck_assert_int_eq(stages.now, STAGE_OTHER);
    wait();
    ck_assert_double_ge(stages_seconds(&stages, STAGE_FORWARD), 0.04);
    ck_assert_double_ge(stages_seconds(&stages, STAGE_STATISTICS), 0.02);
    ck_assert_double_ge(stages_seconds(&stages, STAGE_OTHER), 0.02);
    ck_assert_double_ge(sum(), 0.08);
    ck_assert_double_le(sum(), elapsed() + 1e-9);
}
END_TEST

START_TEST(what_a_plan_does_is_the_plans)
{
    const enum stage outer = stages_enter(&stages, STAGE_PLAN);
    const enum stage inner = stages_enter(&stages, STAGE_FORWARD);
    wait();
    stages_note_coding(&stages, 1);
    stages_leave(&stages, inner);
    ck_assert_int_eq(stages.now, STAGE_PLAN);
    stages_leave(&stages, outer);
    ck_assert_int_eq(stages.now, STAGE_OTHER);
    ck_assert_double_ge(stages_seconds(&stages, STAGE_PLAN), 0.02);
    ck_assert_double_eq(stages_seconds(&stages, STAGE_FORWARD), 0);
    ck_assert_double_eq(stages_seconds(&stages, STAGE_CODING), 0);
}
END_TEST

START_TEST(coding_is_taken_off_encoding)
{
    const enum stage before = stages_enter(&stages, STAGE_ENCODING);
    wait();
    stages_note_coding(&stages, 0.01);
    stages_leave(&stages, before);
    ck_assert_double_eq(stages_seconds(&stages, STAGE_CODING), 0.01);
    ck_assert_double_ge(stages_seconds(&stages, STAGE_ENCODING), 0.01);
    /* More than all of it cannot have been coding. */
    stages_enter(&stages, STAGE_ENCODING);
    stages_note_coding(&stages, 100);
    ck_assert_double_ge(stages.seconds[STAGE_ENCODING], 0);
    ck_assert_double_le(sum(), elapsed() + 1e-9);
}
END_TEST

START_TEST(nobody_need_ask)
{
    stages_leave(NULL, stages_enter(NULL, STAGE_FORWARD));
    stages_note_coding(NULL, 1);
    ck_assert_double_le(sum(), elapsed() + 1e-9);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("stages");
    TCase *const seconds = tcase_create("seconds");

    tcase_add_checked_fixture(seconds, begin, NULL);
    tcase_add_test(seconds, stages_add_up_to_the_time_since_the_start);
    tcase_add_test(seconds, what_a_plan_does_is_the_plans);
    tcase_add_test(seconds, coding_is_taken_off_encoding);
    tcase_add_test(seconds, nobody_need_ask);
    suite_add_tcase(suite, seconds);
    return run_suite(suite);
}
