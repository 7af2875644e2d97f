/* SPDX-License-Identifier: MIT */
#include "llm/baselines.h"

#include <stdlib.h>

#include "common/workers.h"
#include "llm/rounding.h"

/* Of the mean of the diagonal, as is usual for GPTQ. */
static const double gptq_damping = 1e-2;

struct job {
    struct linear *linear;
    const double *factor; /* NULL: round to nearest */
    double *scratch;      /* a row for each worker */
    uint32_t levels;
};

static void quantize_row(void *data, size_t index, size_t worker)
{
    const struct job *const job = data;
    const size_t columns = job->linear->columns;
    float *const row = job->linear->weights + index * columns;
    const struct grid grid = grid_fit(row, columns, job->levels);

    if (job->factor) {
        gptq_round_row(row, columns, job->factor, grid, job->scratch + worker * columns);
        return;
    }
    for (size_t i = 0; i < columns; i++)
        row[i] = (float)grid_round(grid, (double)row[i]);
}

static bool damped_factor(double *factor, const struct layer_task *task, struct failure *failure)
{
    const size_t n = task->linear->columns;
    wsic_matrix covariance;
    double trace = 0;

    wsic_matrix_init(&covariance, sizeof covariance, factor, WSIC_F64, n, n, 0);
    if (wsic_stats_covariance(task->stats, &covariance) < 0)
        return refuse(failure, "%s: the covariance cannot be read", task->name);
    for (size_t i = 0; i < n; i++)
        trace += factor[i * n + i];
    for (size_t i = 0; i < n; i++)
        factor[i * n + i] += gptq_damping * trace / (double)n;
    if (!cholesky(factor, n))
        return refuse(failure, "%s: the covariance is not positive definite", task->name);
    return true;
}

bool baseline_quantize(void *self, const struct layer_task *task, struct failure *failure)
{
    struct baseline *const baseline = self;
    const size_t rows = task->linear->rows;
    const size_t columns = task->linear->columns;
    const size_t workers = workers_online();
    const uint32_t levels = grid_levels(rows, columns, baseline->budgets[task->number]);
    double *const factor = baseline->feedback ? malloc(columns * columns * sizeof *factor) : NULL;
    double *const scratch = malloc(workers * columns * sizeof *scratch);
    bool ok = scratch && (factor || !baseline->feedback);

    if (!ok)
        refuse(failure, "%s: out of memory", task->name);
    if (ok && factor)
        ok = damped_factor(factor, task, failure);
    if (ok) {
        struct job job = {
            .linear = task->linear, .factor = factor, .scratch = scratch, .levels = levels};
        workers_run(workers, rows, quantize_row, &job);
        baseline->bytes += grid_bytes(rows, columns, levels);
    }
    free(scratch);
    free(factor);
    return ok;
}
