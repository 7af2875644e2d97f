/* SPDX-License-Identifier: MIT */
/* The step that a target takes, roughly, before anything has been quantized. */
#ifndef WSIC_QUANT_FIRST_STEP_H
#define WSIC_QUANT_FIRST_STEP_H

#include "quant/job.h"

/* The step that is asked for, or the one at which Gaussian columns would have the rate or the
 * distortion that is; internal units. 0 where that is no step. */
wsic_status wsic_job_first_step(const wsic_job *job, double *step);

#endif
