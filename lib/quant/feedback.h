/* SPDX-License-Identifier: MIT */
/* Recursion with feedback between rows. docs/algorithm.md, section "Both sides". */
#ifndef WSIC_QUANT_FEEDBACK_H
#define WSIC_QUANT_FEEDBACK_H

#include "quant/job.h"

/* Make the goal, where one is needed: before the refactorisation with drift, after it without. */
wsic_status wsic_job_drifted_goal(wsic_job *job);
wsic_status wsic_job_plain_goal(wsic_job *job);

/* Recursion over the whole matrix, group after group of its rows, with feedback; fills codes (rows
 * in natural order, columns in that of the factor), gamma, residual, target_energy, and in y the
 * reconstruction, rows in the order of the metric. */
wsic_status wsic_job_recurse_coupled(wsic_job *job, const wsic_progress *progress);

/* Upper bound of the bytes that it allocates beside what wsic_coupled_run() does. */
double wsic_coupled_pass_memory(size_t rows, size_t columns);

#endif
