/* SPDX-License-Identifier: MIT */
/* What the stages of an encoding compute, and what they move through memory. */
#ifndef BENCH_STAGES_H
#define BENCH_STAGES_H

#include "trial.h"

enum { STAGES = 6 }; /* prepare, search, recursion, rescale, distortion, limit */

/* What the counts depend on beside the shape. */
typedef struct stage_run {
    double rows, columns; /* a, n */
    double passes, search_steps, rounds, row_fraction;
    bool ridge, pivot, rows_fitted, single, quick, limit;
} stage_run;

typedef struct stage_work {
    const char *name;
    /* additions and multiplications of matrix products and factors; all else grows with a n */
    double single_operations, double_operations;
    double bytes; /* of the arrays that are read and written, each time that they are */
} stage_work;

/* By the parameters of an encoder; passes, steps and rounds of a usual run, or those of a report.
 */
stage_run stages_usual(wsic_encoder *encoder, size_t rows, size_t columns);
stage_run stages_reported(wsic_encoder *encoder, const trial_options *options,
                          const wsic_encoder_report *report);

void stages_count(const stage_run *run, stage_work work[STAGES]);

#endif
