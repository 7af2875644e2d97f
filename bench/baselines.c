/* SPDX-License-Identifier: MIT */
#include "baselines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/baselines.h"
#include "common/rounding.h"

uint32_t baseline_levels(const trial_source *source, double rate)
{
    const double bits = rate * (double)source->rows * (double)source->columns;

    return grid_levels(source->rows, source->columns, (uint64_t)(bits / 8));
}

static double *make_factor(const trial_source *source)
{
    const size_t n = source->columns;
    double *const factor = bench_allocate(n * n, sizeof *factor);

    memcpy(factor, source->covariance, n * n * sizeof *factor);
    if (!gptq_factor(factor, n)) {
        fprintf(stderr, "GPTQ: the covariance is not positive definite\n");
        exit(1);
    }
    return factor;
}

baseline_result baseline_run(const trial_source *source, bool feedback, uint32_t levels)
{
    const size_t rows = source->rows, columns = source->columns;
    float *const restored = bench_allocate(rows * columns, sizeof *restored);
    double *const factor = feedback ? make_factor(source) : NULL;
    baseline_result result;

    memcpy(restored, source->weights, rows * columns * sizeof *restored);
    if (!baseline_round(restored, rows, columns, levels, factor)) {
        fprintf(stderr, "no memory for a baseline\n");
        exit(1);
    }
    result.rate = 8 * (double)grid_bytes(rows, columns, levels) / ((double)rows * (double)columns);
    result.distortion = trial_distortion(source, restored);
    result.gap = result.rate - trial_limit(source, result.distortion);
    free(factor);
    free(restored);
    return result;
}
