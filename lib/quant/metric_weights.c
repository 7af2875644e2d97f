/* SPDX-License-Identifier: MIT */
#include "quant/metric_weights.h"

#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "coding/scales.h"
#include "watersic/encoder.h"

/* Rows that share a weight where blocks have them: about a head. */
enum { BLOCK_ROWS = 32 };

/* A weight that is off by a part ε costs ε²/2 of variance, as rate ½ log2 of the ratio of two
 * means: on a grid of q octaves 0.058 q² bits for each of the n weights of a row, where a finer
 * grid costs log2(1/q) bits for all of them. The sum is least at q² = 12.4 / n. */
static uint32_t choose_grid(size_t columns)
{
    const double q = sqrt(12.4 / (double)columns);
    const double grid = round(-log2(q));

    return grid > 0.0 ? (uint32_t)fmin(grid, WSIC_SCALE_GRID_MAX) : 0;
}

/* Mean of S_rr over the live rows of each block. */
static void block_means(const wsic_metric_input *input, const wsic_metric *metric, double *mean)
{
    for (size_t block = 0; block * BLOCK_ROWS < metric->rows; block++) {
        const size_t end = wsic_min_size((block + 1) * BLOCK_ROWS, metric->rows);
        size_t live = 0;
        mean[block] = 0.0;
        for (size_t r = block * BLOCK_ROWS; r < end; r++) {
            if (input->row_energy[r] > 0.0) {
                mean[block] += metric->schur[r];
                live++;
            }
        }
        mean[block] = live > 0 ? mean[block] / (double)live : 1.0;
    }
}

/* Ideal log2 of the weight of each row, 0 on the mean over live rows. */
static wsic_status ideal_weights(const wsic_env *env, int kind, const wsic_metric_input *input,
                                 const wsic_metric *metric, double *ideal)
{
    double sum = 0.0, live = 0.0;
    wsic_status status = WSIC_OK;
    double *const mean =
        wsic_alloc(env, wsic_div_up(metric->rows, BLOCK_ROWS), sizeof *mean, &status);

    if (!mean)
        return status;
    block_means(input, metric, mean);
    for (size_t r = 0; r < metric->rows; r++) {
        const double value =
            kind == WSIC_OUTPUT_WEIGHTS_ROWS ? metric->schur[r] : mean[r / BLOCK_ROWS];
        const bool counts = input->row_energy[r] > 0.0 && kind != WSIC_OUTPUT_WEIGHTS_NONE;
        ideal[r] = counts ? 0.5 * log2(value) : 0.0;
        sum += ideal[r];
        live += counts;
    }
    for (size_t r = 0; r < metric->rows; r++)
        ideal[r] = input->row_energy[r] > 0.0 && live > 0.0 ? ideal[r] - sum / live : 0.0;
    wsic_free(env, mean);
    return WSIC_OK;
}

static double weight_of(uint32_t grid, int32_t exponent)
{
    return 1.0 / (double)wsic_scale_value(grid, 1, -exponent);
}

/* A weight on its grid, as far as a float can hold its inverse with room for the scales. */
static int32_t round_weight(uint32_t grid, double ideal)
{
    return (int32_t)lround(fmin(fmax(ideal, -60.0), 60.0) * (double)(UINT32_C(1) << grid));
}

/* Weights that are tried. */
typedef struct trial {
    wsic_scales scales; /* 1 / w */
    double unit;        /* mean of S_rr / w² */
    double cost;        /* bits for each weight of the matrix, up to what all have */
} trial;

static wsic_status measure(const wsic_env *env, const wsic_metric_input *input,
                           const wsic_metric *metric, trial *t)
{
    double logarithms = 0.0, sum = 0.0, live = 0.0;
    wsic_bytes bytes;

    for (size_t r = 0; r < metric->rows; r++) {
        const double weight = weight_of(t->scales.grid, -t->scales.exponent[r]);
        if (!(input->row_energy[r] > 0.0))
            continue;
        logarithms += log2(weight);
        sum += metric->schur[r] / (weight * weight);
        live += 1.0;
    }
    wsic_bytes_init(&bytes, env);
    const wsic_status status = wsic_scales_encode(env, &t->scales, &bytes);
    const double bits = 8.0 * (double)bytes.size;
    wsic_bytes_release(&bytes);
    t->unit = live > 0.0 ? sum / live : 1.0;
    t->cost = live > 0.0 ? logarithms / live + 0.5 * log2(t->unit) : 0.0;
    t->cost += bits / ((double)metric->rows * (double)input->columns);
    return status;
}

static wsic_status try_kind(const wsic_env *env, int kind, const wsic_metric_input *input,
                            const wsic_metric *metric, trial *t)
{
    wsic_status status =
        wsic_scales_create(env, metric->rows, choose_grid(input->columns), &t->scales);

    if (status != WSIC_OK)
        return status;
    double *const ideal = wsic_alloc(env, metric->rows, sizeof *ideal, &status);
    if (ideal)
        status = ideal_weights(env, kind, input, metric, ideal);
    for (size_t r = 0; ideal && r < metric->rows; r++) {
        t->scales.sign[r] = 1;
        t->scales.exponent[r] = -round_weight(t->scales.grid, ideal[r]);
    }
    wsic_free(env, ideal);
    if (status == WSIC_OK)
        status = measure(env, input, metric, t);
    if (status != WSIC_OK)
        wsic_scales_release(env, &t->scales);
    return status;
}

static bool has_weights(const trial *t)
{
    for (size_t r = 0; r < t->scales.count; r++) {
        if (t->scales.exponent[r] != 0)
            return true;
    }
    return false;
}

static wsic_status keep(const wsic_env *env, int kind, const trial *t, wsic_metric *metric)
{
    wsic_status status = WSIC_OK;

    for (size_t r = 0; r < metric->rows; r++)
        metric->schur[r] /= t->unit;
    metric->unit *= t->unit;
    for (size_t k = 0; metric->factor && k < metric->rows * metric->rows; k++)
        metric->factor[k] /= sqrt(t->unit);
    if (!has_weights(t))
        return WSIC_OK;
    metric->weights = kind;
    metric->grid = t->scales.grid;
    metric->exponent = wsic_alloc(env, metric->rows, sizeof *metric->exponent, &status);
    if (!metric->exponent)
        return status;
    metric->weight = wsic_alloc(env, metric->rows, sizeof *metric->weight, &status);
    for (size_t r = 0; metric->weight && r < metric->rows; r++) {
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): has_weights() saw scales */
        metric->exponent[r] = -t->scales.exponent[r];
        metric->weight[r] = weight_of(metric->grid, metric->exponent[r]);
    }
    return status;
}

wsic_status wsic_metric_choose_weights(const wsic_env *env, int kind,
                                       const wsic_metric_input *input, wsic_metric *metric)
{
    const bool all = kind == WSIC_METRIC_WEIGHTS_AUTO;
    const int first = all ? WSIC_OUTPUT_WEIGHTS_NONE : kind;
    const int last = all ? WSIC_OUTPUT_WEIGHTS_ROWS : kind;
    trial best = {.cost = HUGE_VAL};
    wsic_status status = WSIC_OK;
    int chosen = first;

    for (int k = first; k <= last && status == WSIC_OK; k++) {
        trial t = {.cost = HUGE_VAL};
        status = try_kind(env, k, input, metric, &t);
        if (status == WSIC_OK && t.cost < best.cost) {
            const trial worse = best;
            best = t;
            t = worse;
            chosen = k;
        }
        wsic_scales_release(env, &t.scales);
    }
    if (status == WSIC_OK)
        status = keep(env, chosen, &best, metric);
    wsic_scales_release(env, &best.scales);
    return status;
}
