/* SPDX-License-Identifier: MIT */
/* What the recursion aims at, and the rescalers with it. */
#ifndef WSIC_QUANT_TARGET_H
#define WSIC_QUANT_TARGET_H

#include "quant/job.h"

/* Fill the target Y of the given rows (all: index NULL), columns in the order of the
 * factor. */
wsic_status wsic_job_target(const wsic_job *job, wsic_selection rows, double *y);

/* The same, in place, from the weights of any rows, columns in the order of the factor. */
wsic_status wsic_job_aim(const wsic_job *job, size_t rows, double *y);

/* The cross term C of all rows (in the order of the metric), live columns in natural order, and the
 * constant K of the rescalers: the distortion of Ŵ is K - 2 <C, Ŵ> + <Ŵ S, Ŵ>, of live columns
 * alone where there is no drift. */
wsic_status wsic_job_cross(const wsic_job *job, double *c, double *K);

#endif
