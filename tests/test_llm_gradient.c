/* SPDX-License-Identifier: MIT */
/* The backward pass: the derivatives by all scales against differences of the loss. */
#include <math.h>
#include <stdlib.h>

#include "check_main.h"
#include "llm/train/loss.h"
#include "random.h"
#include "tuning_fixture.h"

static struct tuning_fixture fixture;
static struct student student;
static struct loss loss;

static const size_t windows[] = {0, 1};

static void (*const makers[])(struct synthetic_llm *model) = {synthetic_llama3, synthetic_qwen3};

/* Somewhere beside the stored scales, which are not special. */
static void begin(int number)
{
    random_state random = {9};
    struct failure failure;

    tuning_open(&fixture, makers[number], "both");
    tuning_enrol(&fixture, &student);
    student.rounded = false;
    ck_assert(
        loss_create(&loss, &student, &fixture.tokens, fixture.reference, TUNING_WINDOW, &failure));
    /* Starting threads for so little takes longer than the work itself. */
    loss.forward.workers = 1;
    loss.divergence.workers = 1;
    student.workers = 1;
    for (size_t i = 0; i < student.scales; i++)
        student.logs[i] = 0.05 * random_normal(&random);
}

static void end(void)
{
    loss_free(&loss);
    student_free(&student);
    tuning_close(&fixture);
}

static double loss_of(const size_t *numbers, size_t count)
{
    struct failure failure;
    double mean;

    ck_assert(loss_backward(&loss, numbers, count, &mean, &failure));
    return mean;
}

static double loss_now(void)
{
    student_apply(&student);
    return loss_of(windows, 2);
}

/* Far enough that rounding errors of the loss do not count beside its change; the next term of the
 * difference is of the second order in the distance. */
static double difference_quotient(size_t scale)
{
    static const double distance = 0.01;
    const double place = student.logs[scale];

    student.logs[scale] = place + distance;
    const double above = loss_now();
    student.logs[scale] = place - distance;
    const double below = loss_now();
    student.logs[scale] = place;
    return (above - below) / (2 * distance);
}

/* Of the scales first to end - 1, relative to the length of their gradient. */
static double gradient_error(const double *gradient, size_t first, size_t end)
{
    double error = 0;
    double length = 0;

    for (size_t i = first; i < end; i++) {
        error += pow(gradient[i] - difference_quotient(i), 2);
        length += gradient[i] * gradient[i];
    }
    ck_assert_double_gt(length, 1e-10);
    return sqrt(error / length);
}

/* Every layer on its own, rows and columns: a small gradient does not hide behind a large one. */
START_TEST(gradients_are_those_of_the_loss)
{
    size_t offset = 0;

    begin(_i / LINEAR_KINDS);
    double *const gradient = malloc(student.scales * sizeof *gradient);
    ck_assert_ptr_nonnull(gradient);
    ck_assert_double_gt(loss_now(), 0.01);
    memcpy(gradient, student.gradient, student.scales * sizeof *gradient);
    for (size_t i = 0; i < student.count; i++) {
        const size_t rows = student.layers[i].rows.count;
        const size_t end = offset + rows + student.layers[i].columns.count;
        if ((int)(i % LINEAR_KINDS) == _i % LINEAR_KINDS) {
            ck_assert_double_eq(gradient[offset + TUNING_DEAD_ROW], 0);
            ck_assert_double_eq(gradient[offset + rows + TUNING_DEAD_COLUMN], 0);
            const double rows_error = gradient_error(gradient, offset, offset + rows);
            const double columns_error = gradient_error(gradient, offset + rows, end);
            ck_assert_msg(rows_error < 5e-3, "layer %zu, rows: %g", i, rows_error);
            ck_assert_msg(columns_error < 5e-3, "layer %zu, columns: %g", i, columns_error);
        }
        offset = end;
    }
    free(gradient);
    end();
}
END_TEST

/* The gradient is the mean over windows, so that the one of all is the mean of those of each. */
START_TEST(windows_add_up)
{
    double mean = 0;

    begin(_i);
    double *const sums = calloc(student.scales, sizeof *sums);
    double *const gradient = malloc(student.scales * sizeof *gradient);
    const double whole = loss_now();
    memcpy(gradient, student.gradient, student.scales * sizeof *gradient);
    for (size_t i = 0; i < 2; i++) {
        mean += loss_of(&windows[i], 1) / 2;
        for (size_t j = 0; j < student.scales; j++)
            sums[j] += student.gradient[j] / 2;
    }
    ck_assert_double_eq_tol(mean, whole, 1e-5 * whole);
    for (size_t j = 0; j < student.scales; j++)
        ck_assert_double_eq_tol(sums[j], gradient[j], 1e-5);
    free(sums);
    free(gradient);
    end();
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("llm gradient");
    TCase *const gradients = tcase_create("gradients");

    tcase_set_timeout(gradients, 60);
    tcase_add_loop_test(gradients, gradients_are_those_of_the_loss, 0, 2 * LINEAR_KINDS);
    tcase_add_loop_test(gradients, windows_add_up, 0, 2);
    suite_add_tcase(suite, gradients);
    return run_suite(suite);
}
