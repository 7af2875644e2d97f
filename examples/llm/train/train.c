/* SPDX-License-Identifier: MIT */
#include "llm/train/train.h"

#include <math.h>
#include <stdlib.h>

#include "common/seeded.h"
#include "llm/train/adamw.h"
#include "llm/train/loss.h"

static const double longest_gradient = 1;
static const uint64_t seed = 42;

static void shuffle(size_t *order, size_t count, uint64_t *state)
{
    for (size_t left = count; left > 1; left--) {
        const size_t chosen = (size_t)(seeded_bits(state) % left);
        const size_t kept = order[left - 1];
        order[left - 1] = order[chosen];
        order[chosen] = kept;
    }
}

/* Where a run stands. */
struct course {
    const struct train_settings *settings;
    struct meter *meter;
    struct loss loss;
    struct adamw adamw;
    size_t *order;  /* numbers of windows */
    size_t windows; /* their number */
    size_t steps;   /* in all */
};

static bool make_step(struct course *course, const size_t *windows, size_t count, double *loss,
                      struct failure *failure)
{
    const struct train_settings *const settings = course->settings;
    struct student *const student = course->loss.student;
    const size_t step = course->adamw.steps;

    meter_show(course->meter, (double)step / (double)course->steps, "fine-tuning");
    if (!loss_backward(&course->loss, windows, count, loss, failure))
        return false;
    if (!isfinite(*loss))
        return refuse(failure, "fine-tuning failed: the divergence of step %zu is %g", step, *loss);
    if (student->rounded)
        student_fix(student);
    clip_gradient(student->gradient, student->scales, longest_gradient);
    adamw_step(
        &course->adamw, student->logs, student->gradient,
        cosine_rate(settings->learning_rate, settings->last_learning_rate, step, course->steps));
    student_apply(student);
    return true;
}

static bool run_epoch(struct course *course, double *mean, struct failure *failure)
{
    const size_t batch = course->settings->batch;
    double loss = 0;

    *mean = 0;
    for (size_t first = 0; first < course->windows; first += batch) {
        const size_t left = course->windows - first;
        const size_t count = left < batch ? left : batch;
        if (!make_step(course, course->order + first, count, &loss, failure))
            return false;
        *mean += loss * (double)count / (double)course->windows;
    }
    return true;
}

static bool run_epochs(struct course *course, double *losses, struct failure *failure)
{
    uint64_t state = seed;

    for (size_t i = 0; i < course->windows; i++)
        course->order[i] = i;
    for (size_t i = 0; i < course->settings->epochs; i++) {
        shuffle(course->order, course->windows, &state);
        if (!run_epoch(course, &losses[i], failure))
            return false;
    }
    return true;
}

bool train(struct student *student, const struct train_settings *settings,
           const struct tokens *tokens, const float *reference, struct meter *meter, double *losses,
           struct failure *failure)
{
    const size_t windows = tokens->count / settings->window;
    const size_t steps = (windows + settings->batch - 1) / settings->batch;
    struct course course = {.settings = settings,
                            .meter = meter,
                            .windows = windows,
                            .steps = settings->epochs * steps};

    if (!loss_create(&course.loss, student, tokens, reference, settings->window, failure))
        return false;
    course.order = calloc(windows, sizeof *course.order);
    bool ok = course.order || refuse(failure, "out of memory for %zu windows", windows);
    ok = ok && adamw_create(&course.adamw, student->scales, failure);
    course.adamw.weight_decay = settings->weight_decay;
    ok = ok && run_epochs(&course, losses, failure);
    adamw_free(&course.adamw);
    free(course.order);
    loss_free(&course.loss);
    return ok;
}
