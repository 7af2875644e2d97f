/* SPDX-License-Identifier: MIT */
#include "llm/run/progress.h"

#include <stdio.h>

struct progress progress_begin(const struct stretch *stretch, const struct config *config,
                               const struct calibration *calibration)
{
    struct progress progress = {.stretch = stretch, .config = config, .calibration = calibration};

    progress.total = work_passes(config, calibration) + work_encoding(config);
    for (size_t block = 0, number = 0; calibration->taken && block < config->blocks; block++) {
        const struct work work = work_expected(config, calibration, block);
        for (size_t slot = 0; slot < layers_of_block(config, block); slot++, number++)
            if (calibration->taken[number])
                progress.total -= work.layer[layers_kind(slot)];
    }
    progress_block(&progress, 0);
    return progress;
}

void progress_block(struct progress *progress, size_t block)
{
    progress->block = block;
    progress->work = work_expected(progress->config, progress->calibration, block);
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

/* Which of the passes of a block it is, and what it is expected to take. */
static size_t find_pass(const struct progress *progress, const struct site *site, double *work)
{
    const bool ends = site == &stream_end || site == &stream_mixture_end;
    size_t number = ends ? SITES : SITE_GATE_UP;

    for (size_t i = 0; i < SITES; i++)
        if (site == &stream_sites[i] || site == &stream_expert_sites[i])
            number = i;
    *work = site == &stream_router ? progress->work.router : progress->work.pass[number];
    return number;
}

void progress_pass_done(struct progress *progress, const struct site *site, double part)
{
    double work;
    const size_t number = find_pass(progress, site, &work);
    char text[2 * MODEL_NAME_SIZE];

    progress->done += part * work;
    snprintf(text, sizeof text, "%s block %zu, pass %zu of %d", progress->stretch->label,
             progress->block, number + 1, SITES + 1);
    meter_update(progress->stretch->meter, fraction_done(progress), text);
}
