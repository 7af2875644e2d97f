/* SPDX-License-Identifier: MIT */
/* Quantization of the whole matrix, or of some rows, at one step. */
#ifndef WSIC_QUANT_PASS_H
#define WSIC_QUANT_PASS_H

#include "quant/job.h"

/* Recursion over the target of some or all rows in y, at the spacings in alpha; fills codes and
 * gamma, all in the order of the factor. A trellis begins anew in every block if it is all rows. */
wsic_status wsic_job_recurse(wsic_job *job, const wsic_progress *progress, size_t rows,
                             const int8_t *row_width, double *residual);

/* Room for double precision in y, which loses its content, for as long as nothing needs the factor
 * in single precision; and back to what the job's precision needs. */
wsic_status wsic_job_widen(wsic_job *job);
wsic_status wsic_job_narrow(wsic_job *job);

/* Recursion over the whole matrix at step c. Fills the job's pass, columns in natural order. */
wsic_status wsic_job_quantize(wsic_job *job, double step);

#endif
