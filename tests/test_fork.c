/* SPDX-License-Identifier: MIT */
/* Handles in a child of fork(), which has none of the threads of the context. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <watersic/watersic.h>

#include "check_main.h"
#include "layer_fixture.h"

enum { ROWS = 64, COLUMNS = 16, THREADS = 4, PATIENCE = 20 };

static layer_fixture f;
static wsic_layer *layer;
static float expected[ROWS * COLUMNS];

static wsic_status decode(float *weights)
{
    wsic_matrix matrix;

    wsic_matrix_init(&matrix, sizeof matrix, weights, WSIC_F32, ROWS, COLUMNS, 0);
    const wsic_layer_job job = {
        .size = sizeof job, .layer = layer, .kind = WSIC_JOB_WEIGHTS, .output = &matrix};
    return wsic_layers_run(f.context, &job, 1, 0, NULL, 0);
}

static void set_up(void)
{
    f = layer_open(ROWS, COLUMNS, COVARIANCE_AR, 1);
    ck_assert_int_eq(wsic_encoder_set_integer(f.encoder, WSIC_BLOCK_ROWS, 4), WSIC_OK);
    ck_assert_int_eq(wsic_context_set_threads(f.context, THREADS), WSIC_OK);
    layer = layer_encode(&f, 3.0);
    ck_assert_int_eq(decode(expected), WSIC_OK); /* the threads have worked before */
}

static void tear_down(void)
{
    wsic_layer_destroy(layer);
    layer_close(&f);
}

static void destroy_everything(void)
{
    tear_down();
}

static void use_and_destroy(void)
{
    static float weights[ROWS * COLUMNS];

    if (decode(weights) != WSIC_OK || memcmp(weights, expected, sizeof weights) != 0)
        _exit(2);
    tear_down();
}

static void make_other_threads(void)
{
    if (wsic_context_set_threads(f.context, 2) != WSIC_OK)
        _exit(2);
    use_and_destroy();
}

/* A child that waits for what will never come is ended by the alarm. */
static void in_child(void (*work)(void))
{
    int status = 0;
    const pid_t child = fork();

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        alarm(PATIENCE);
        work();
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status), "the child was ended by signal %d", WTERMSIG(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
}

START_TEST(a_child_can_destroy_handles)
{
    in_child(destroy_everything);
}
END_TEST

START_TEST(a_child_can_use_handles)
{
    in_child(use_and_destroy);
}
END_TEST

START_TEST(a_child_can_start_threads)
{
    in_child(make_other_threads);
}
END_TEST

START_TEST(the_parent_keeps_its_threads)
{
    float weights[ROWS * COLUMNS];

    in_child(destroy_everything);
    ck_assert_int_eq(decode(weights), WSIC_OK);
    ck_assert_mem_eq(weights, expected, sizeof weights);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("fork");
    TCase *const tests = tcase_create("fork");

    tcase_set_timeout(tests, 2 * PATIENCE);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_child_can_destroy_handles);
    tcase_add_test(tests, a_child_can_use_handles);
    tcase_add_test(tests, a_child_can_start_threads);
    tcase_add_test(tests, the_parent_keeps_its_threads);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
