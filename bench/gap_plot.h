/* SPDX-License-Identifier: MIT */
/* The gap as a picture. */
#ifndef BENCH_GAP_PLOT_H
#define BENCH_GAP_PLOT_H

#include "trial.h"

/* The gap of all presets and of other methods from 0.5 to 4 bits, as SVG. Ends the program if
 * the file cannot be written. */
void gap_plot(const trial_options *given, const char *path);

#endif
