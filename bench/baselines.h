/* SPDX-License-Identifier: MIT */
/* Rounding to nearest and GPTQ with codes of fixed length, measured as trials are. */
#ifndef BENCH_BASELINES_H
#define BENCH_BASELINES_H

#include "trial.h"

typedef struct baseline_result {
    double rate;       /* of the codes and 16 bits for the scale of every row */
    double distortion; /* as in trial_result */
    double gap;
} baseline_result;

/* The fewest levels that do not have fewer bits per weight than the rate. */
uint32_t baseline_levels(const trial_source *source, double rate);

/* GPTQ with feedback, else rounding to nearest. Ends the program where memory is short. */
baseline_result baseline_run(const trial_source *source, bool feedback, uint32_t levels);

#endif
