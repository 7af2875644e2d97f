/* SPDX-License-Identifier: MIT */
#include "llm/progress.h"

#include <stdio.h>

struct progress progress_begin(const struct stretch *stretch, const struct config *config,
                               const struct calibration *calibration)
{
    struct progress progress = {.stretch = stretch, .work = work_expected(config, calibration)};

    progress.total = work_total(&progress.work, config);
    return progress;
}

static double fraction_done(const struct progress *progress)
{
    const struct stretch *const stretch = progress->stretch;

    return stretch->from + progress->done / progress->total * (stretch->to - stretch->from);
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
