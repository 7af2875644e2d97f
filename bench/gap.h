/* SPDX-License-Identifier: MIT */
/* Table and plot of the gap. */
#ifndef BENCH_GAP_H
#define BENCH_GAP_H

#include "trial.h"

enum { GAP_PRESETS = 4 };

extern const char *const gap_presets[GAP_PRESETS];

/* A trial as one JSON object. */
void gap_print_json(const trial_options *options, const trial_result *result);

/* The gap of all presets at 1, 2, 3 and 4 bits on spread and ar0.9; with json, all that is
 * known of the trials instead. */
void gap_print_table(const trial_options *given, bool json);

/* The gap of all presets and of other methods from 0.5 to 4 bits, as SVG. Ends the program if
 * the file cannot be written. */
void gap_plot(const trial_options *given, const char *path);

#endif
