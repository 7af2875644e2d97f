/* SPDX-License-Identifier: MIT */
#include "llm/run/progress.h"

#include <stdio.h>

struct progress progress_begin(const struct stretch *stretch, const struct config *config,
                               const struct calibration *calibration)
{
    struct progress progress = {.stretch = stretch, .work = work_expected(config, calibration)};

    progress.total = work_total(&progress.work, config);
    for (size_t i = 0; calibration->taken && i < config->blocks * LINEAR_KINDS; i++)
        if (calibration->taken[i])
            progress.total -= progress.work.layer[i % LINEAR_KINDS];
    return progress;
}

static double fraction_done(const struct progress *progress)
{
    const struct stretch *const stretch = progress->stretch;
    const double part = progress->total > 0 ? progress->done / progress->total : 1;

    return stretch->from + part * (stretch->to - stretch->from);
}

void progress_show(const struct progress *progress, const char *what)
{
    char text[2 * MODEL_NAME_SIZE];

    snprintf(text, sizeof text, "%s %s", progress->stretch->label, what);
    meter_show(progress->stretch->meter, fraction_done(progress), text);
}

void progress_layer_done(struct progress *progress, enum linear_kind kind)
{
    progress->done += progress->work.layer[kind];
}

void progress_pass_done(struct progress *progress, const struct site *site, double part)
{
    const size_t number = site == &stream_end ? SITES : (size_t)(site - stream_sites);
    char text[2 * MODEL_NAME_SIZE];

    progress->done += part * progress->work.pass[number];
    snprintf(text, sizeof text, "%s block %zu, pass %zu of %d", progress->stretch->label,
             progress->block, number + 1, SITES + 1);
    meter_update(progress->stretch->meter, fraction_done(progress), text);
}
