/* SPDX-License-Identifier: MIT */
/* The rate-aware ridge and the order of the columns. docs/algorithm.md, section "The ridge". */
#ifndef WSIC_QUANT_RIDGE_H
#define WSIC_QUANT_RIDGE_H

#include "quant/job.h"

/* Whether the options ask for a ridge or another order, and the factor with them. */
bool wsic_job_refactorizes(const wsic_job *job);
wsic_status wsic_job_refactorize(wsic_job *job);

/* Σ_j ρ_j ||ŵ_j||² of the codes that a recursion over some rows has found; natural: their columns,
 * α and γ are in natural order, and not in that of the factor. */
double wsic_job_ridge_cost(const wsic_job *job, size_t rows, bool natural);

#endif
