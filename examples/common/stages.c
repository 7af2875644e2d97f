/* SPDX-License-Identifier: MIT */
#include "common/stages.h"

static const char *const names[STAGES] = {
    [STAGE_OTHER] = "other",
    [STAGE_READING] = "reading",
    [STAGE_FORWARD] = "forward",
    [STAGE_STATISTICS] = "statistics",
    [STAGE_PLAN] = "plan",
    [STAGE_ENCODING] = "encoding",
    [STAGE_CODING] = "coding",
    [STAGE_WRITING] = "writing",
    [STAGE_EVALUATION] = "evaluation",
};

const char *stage_name(enum stage stage)
{
    return names[stage];
}

static struct timespec now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time;
}

static double seconds_between(struct timespec from, struct timespec to)
{
    return (double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec);
}

static void change(struct stages *stages, enum stage stage)
{
    const struct timespec time = now();

    stages->seconds[stages->now] += seconds_between(stages->since, time);
    stages->since = time;
    stages->now = stage;
}

void stages_start(struct stages *stages)
{
    *stages = (struct stages){.now = STAGE_OTHER, .since = now()};
}

enum stage stages_enter(struct stages *stages, enum stage stage)
{
    const enum stage before = stages ? stages->now : STAGE_OTHER;

    if (stages && before != STAGE_PLAN && before != STAGE_EVALUATION)
        change(stages, stage);
    return before;
}

void stages_leave(struct stages *stages, enum stage before)
{
    if (stages)
        change(stages, before);
}

void stages_note_coding(struct stages *stages, double seconds)
{
    if (!stages || stages->now != STAGE_ENCODING)
        return;
    change(stages, STAGE_ENCODING);
    const double most = stages->seconds[STAGE_ENCODING];
    const double moved = seconds < most ? seconds : most;
    stages->seconds[STAGE_ENCODING] -= moved;
    stages->seconds[STAGE_CODING] += moved;
}

double stages_seconds(const struct stages *stages, enum stage stage)
{
    const double running = stages->now == stage ? seconds_between(stages->since, now()) : 0;

    return stages->seconds[stage] + running;
}
