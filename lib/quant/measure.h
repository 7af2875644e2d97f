/* SPDX-License-Identifier: MIT */
/* The distortion of a finished layer. */
#ifndef WSIC_QUANT_MEASURE_H
#define WSIC_QUANT_MEASURE_H

#include "quant/job.h"

/* The distortion over all columns, dead ones included, for the codes of the present pass and
 * the scales as they will be decoded; and the problem's energy. */
wsic_status wsic_job_measure(wsic_job *job, const float *row_scales, const float *column_scales,
                             double *distortion);

#endif
