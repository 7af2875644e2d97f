/* SPDX-License-Identifier: MIT */
/* Which precision the recursion works in. docs/algorithm.md, section "Precision". */
#ifndef WSIC_QUANT_PRECISION_H
#define WSIC_QUANT_PRECISION_H

#include "quant/job.h"

/* The part by which the distortion may rise where single precision is chosen. */
#define WSIC_PRECISION_LOSS 1e-5

/* Bound of the part by which rounding to single precision raises the distortion at step c, internal
 * units. */
double wsic_job_rounding_loss(const wsic_job *job, double step);

/* Make job->L_single. */
wsic_status wsic_job_round_factor(wsic_job *job);

/* Decide, and make what single precision needs, once factor and spacing of the job are known. */
wsic_status wsic_job_choose_precision(wsic_job *job);

#endif
