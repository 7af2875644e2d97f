/* SPDX-License-Identifier: MIT */
/* What a layer of any size will take, without quantizing it. */
#ifndef BENCH_ESTIMATE_H
#define BENCH_ESTIMATE_H

#include "trial.h"

/* Print memory and operations for the shape and the parameters of a trial, and the time at
 * `speed` operations a second. */
void estimate_print(const trial_options *options, double speed);

/* Bytes that a run allocates at most, as the library foretells them. */
uint64_t estimate_memory(wsic_encoder *encoder, const trial_options *options);

#endif
