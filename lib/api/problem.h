/* SPDX-License-Identifier: MIT */
/* The problem handle, and how encoders and plans make one of their arguments. */
#ifndef WSIC_API_PROBLEM_H
#define WSIC_API_PROBLEM_H

#include "api/context.h"
#include "quant/problem.h"
#include "watersic/problem.h"

struct wsic_problem {
    wsic_handle handle;
    wsic_encode_problem inner;
    bool *dead_rows;         /* one mark for each, or NULL */
    bool *dead_columns;      /* likewise */
    double *output_diagonal; /* one number for each row, or NULL */
};

/* Check statistics and weights, and describe them. */
wsic_status wsic_problem_check_input(const wsic_env *env, const wsic_stats *stats,
                                     const wsic_stats *weighted, const wsic_matrix *weights,
                                     wsic_encode_input *input);

#endif
