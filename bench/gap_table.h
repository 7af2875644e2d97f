/* SPDX-License-Identifier: MIT */
/* The gap as a table. */
#ifndef BENCH_GAP_TABLE_H
#define BENCH_GAP_TABLE_H

#include "trial.h"

/* The gap of all presets at 1, 2, 3 and 4 bits on spread and ar0.9; with json, all that is
 * known of the trials instead. */
void gap_print_table(const trial_options *given, bool json);

#endif
