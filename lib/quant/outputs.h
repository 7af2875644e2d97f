/* SPDX-License-Identifier: MIT */
/* What the report says of outputs. */
#ifndef WSIC_QUANT_OUTPUTS_H
#define WSIC_QUANT_OUTPUTS_H

#include "quant/job.h"

/* For the codes of the present pass and the scales as they will be decoded, into job->outputs. */
wsic_status wsic_job_measure_outputs(wsic_job *job, const float *row_scales,
                                     const float *column_scales);

#endif
