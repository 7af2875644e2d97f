/* SPDX-License-Identifier: MIT */
#include "common/baselines.h"

#include <stdlib.h>

#include "common/rounding.h"
#include "common/workers.h"

/* Of the mean of the diagonal, the same for both kinds of GPTQ. */
static const double gptq_damping = 1e-2;

const char *const coded_gptq_settings[CODED_GPTQ_SETTINGS] = {"spacing=uniform", "lmmse=0",
                                                              "rescale=none", "damping=0.01"};

struct job {
    float *weights;
    size_t columns;
    uint32_t levels;
    const double *factor; /* NULL: round to nearest */
    double *scratch;      /* a row for each worker */
};

static void round_row(void *data, size_t index, size_t worker)
{
    const struct job *const job = data;
    const size_t columns = job->columns;
    float *const row = job->weights + index * columns;
    const struct grid grid = grid_fit(row, columns, job->levels);

    if (job->factor) {
        gptq_round_row(row, columns, job->factor, grid, job->scratch + worker * columns);
        return;
    }
    for (size_t i = 0; i < columns; i++)
        row[i] = (float)grid_round(grid, (double)row[i]);
}

bool gptq_factor(double *covariance, size_t n)
{
    double trace = 0;

    for (size_t i = 0; i < n; i++)
        trace += covariance[i * n + i];
    for (size_t i = 0; i < n; i++)
        covariance[i * n + i] += gptq_damping * trace / (double)n;
    return cholesky(covariance, n);
}

bool baseline_round(float *weights, size_t rows, size_t columns, uint32_t levels,
                    const double *factor)
{
    const size_t workers = workers_usual();
    struct job job = {.weights = weights,
                      .columns = columns,
                      .levels = levels,
                      .factor = factor,
                      .scratch = malloc(workers * columns * sizeof(double))};

    if (!job.scratch)
        return false;
    workers_run(workers, rows, round_row, &job);
    free(job.scratch);
    return true;
}
