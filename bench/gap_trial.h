/* SPDX-License-Identifier: MIT */
/* What table and plot of the gap have in common. */
#ifndef BENCH_GAP_TRIAL_H
#define BENCH_GAP_TRIAL_H

#include "trial.h"

enum { GAP_PRESETS = 4 };

extern const char *const gap_presets[GAP_PRESETS];

/* A trial as one JSON object. */
void gap_print_json(const trial_options *options, const trial_result *result);

#endif
