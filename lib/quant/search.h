/* SPDX-License-Identifier: MIT */
/* The search for the step that meets the target. */
#ifndef WSIC_QUANT_SEARCH_H
#define WSIC_QUANT_SEARCH_H

#include "quant/job.h"

/* Find the step that meets the target, and leave the layer's bytes in out. */
wsic_status wsic_job_search(wsic_job *job, wsic_bytes *out);

#endif
