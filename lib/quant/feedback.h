/* SPDX-License-Identifier: MIT */
/* Recursion with feedback between blocks of rows. docs/algorithm.md, section "Both sides". */
#ifndef WSIC_QUANT_FEEDBACK_H
#define WSIC_QUANT_FEEDBACK_H

#include "quant/job.h"

/* Make the goal, where one is needed: before the refactorisation with drift, after it without. */
wsic_status wsic_job_drifted_goal(wsic_job *job);
wsic_status wsic_job_plain_goal(wsic_job *job);

/* Recursion over the whole matrix, block after block of its rows, with feedback; fills codes (rows
 * in natural order, columns in that of the factor), gamma, residual, target_energy, and in y the
 * reconstruction, rows in the order of the metric. */
wsic_status wsic_job_recurse_blocks(wsic_job *job, const wsic_progress *progress);

#endif
