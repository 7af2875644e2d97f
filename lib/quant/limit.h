/* SPDX-License-Identifier: MIT */
/* What no code can beat: reverse waterfilling over the spectrum of the problem. */
#ifndef WSIC_QUANT_LIMIT_H
#define WSIC_QUANT_LIMIT_H

#include "quant/job.h"

/* Reverse-waterfilling rate at distortion D (internal units), or -1 where the options
 * say that it is not wanted. */
wsic_status wsic_job_limit(wsic_job *job, double distortion, double *rate);

/* The same over both spectra, at distortion D_G / the unit of the outputs. */
wsic_status wsic_job_output_limit(wsic_job *job, double distortion, double *rate);

#endif
