/* SPDX-License-Identifier: MIT */
/* The first stage: from options and statistics to a job that is ready to be quantized. */
#ifndef WSIC_QUANT_SETUP_H
#define WSIC_QUANT_SETUP_H

#include "quant/job.h"

/* Fill a job whose first four members are set. It is to be released whether or not this fails. */
wsic_status wsic_job_prepare(wsic_job *job);
void wsic_job_release(wsic_job *job);

/* The quantizer that the options ask for, for a matrix of this shape. */
wsic_quantizer_choice wsic_job_quantizer(const wsic_encode_options *options, size_t rows,
                                         size_t columns);

#endif
