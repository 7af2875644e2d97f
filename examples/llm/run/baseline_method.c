/* SPDX-License-Identifier: MIT */
#include "llm/run/baseline_method.h"

#include <stdlib.h>

#include "common/baselines.h"
#include "common/rounding.h"

/* NULL on failure. */
static double *make_factor(const struct layer_task *task, struct failure *failure)
{
    const size_t n = task->linear->columns;
    double *const factor = malloc(n * n * sizeof *factor);
    wsic_matrix covariance;

    wsic_matrix_init(&covariance, sizeof covariance, factor, WSIC_F64, n, n, 0);
    if (!factor)
        refuse(failure, "%s: out of memory", task->name);
    else if (wsic_stats_get_covariance(task->stats, &covariance) < 0)
        refuse(failure, "%s: the covariance cannot be read", task->name);
    else if (!gptq_factor(factor, n))
        refuse(failure, "%s: the covariance is not positive definite", task->name);
    else
        return factor;
    free(factor);
    return NULL;
}

bool baseline_quantize(void *self, const struct layer_task *task, struct failure *failure)
{
    struct baseline *const baseline = self;
    const struct linear *const linear = task->linear;
    const uint32_t levels =
        grid_levels(linear->rows, linear->columns, baseline->budgets[task->number]);
    double *const factor = baseline->feedback ? make_factor(task, failure) : NULL;

    if (baseline->feedback && !factor)
        return false;
    const bool ok = baseline_round(linear->weights, linear->rows, linear->columns, levels, factor);
    free(factor);
    if (!ok)
        return refuse(failure, "%s: out of memory", task->name);
    baseline->bytes += grid_bytes(linear->rows, linear->columns, levels);
    return true;
}
