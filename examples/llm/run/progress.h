/* SPDX-License-Identifier: MIT */
/* How far a run of the pipeline is, by the work that its parts are expected to be. */
#ifndef EXAMPLES_LLM_RUN_PROGRESS_H
#define EXAMPLES_LLM_RUN_PROGRESS_H

#include "llm/run/work.h"

struct progress {
    const struct stretch *stretch;
    const struct config *config;
    const struct calibration *calibration;
    struct work work; /* of the present block */
    double total;     /* of all */
    double done;
    size_t block; /* the present one */
};

struct progress progress_begin(const struct stretch *stretch, const struct config *config,
                               const struct calibration *calibration);

/* A block begins. */
void progress_block(struct progress *progress, size_t block);

/* Show what begins. */
void progress_show(const struct progress *progress, const char *what);

void progress_layer_done(struct progress *progress, enum linear_kind kind);

/* A part of a pass to a site is done. */
void progress_pass_done(struct progress *progress, const struct site *site, double part);

#endif
