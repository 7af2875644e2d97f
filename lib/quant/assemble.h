/* SPDX-License-Identifier: MIT */
/* From the codes of a pass to the bytes of a layer. */
#ifndef WSIC_QUANT_ASSEMBLE_H
#define WSIC_QUANT_ASSEMBLE_H

#include "quant/job.h"

/* Scales, distortion and bytes for the codes of the present pass. *distortion receives D
 * in internal units. */
wsic_status wsic_job_assemble(wsic_job *job, wsic_bytes *out, double *distortion);

#endif
