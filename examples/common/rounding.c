/* SPDX-License-Identifier: MIT */
#include "common/rounding.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

enum { grid_candidates = 30 };

static const uint32_t most_levels = 1U << 24;

uint64_t grid_bytes(size_t rows, size_t columns, uint32_t levels)
{
    const double code_bits = (double)rows * (double)columns * log2((double)levels);

    return (uint64_t)ceil(code_bits / 8) + 2 * (uint64_t)rows;
}

uint32_t grid_levels(size_t rows, size_t columns, uint64_t budget)
{
    uint32_t low = 2;
    uint32_t high = most_levels;

    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (grid_bytes(rows, columns, middle) < budget)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static float round_to_bf16(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    bits = (bits + 0x7FFFU + (bits >> 16 & 1U)) & 0xFFFF0000U;
    memcpy(&value, &bits, sizeof value);
    return value;
}

double grid_round(struct grid grid, double value)
{
    if (grid.step <= 0)
        return 0;
    const double last = (double)grid.levels - 1;
    const double place = floor(value / (double)grid.step + (double)grid.levels / 2);
    const double level = place < 0 ? 0 : place > last ? last : place;
    return (level - last / 2) * (double)grid.step;
}

static double grid_error(struct grid grid, const float *row, size_t columns)
{
    double error = 0;

    for (size_t i = 0; i < columns; i++) {
        const double difference = (double)row[i] - grid_round(grid, (double)row[i]);
        error += difference * difference;
    }
    return error;
}

struct grid grid_fit(const float *row, size_t columns, uint32_t levels)
{
    struct grid best = {.levels = levels, .step = 0};
    double least = INFINITY;
    float largest = 0;

    for (size_t i = 0; i < columns; i++)
        largest = fabsf(row[i]) > largest ? fabsf(row[i]) : largest;
    if (largest <= 0)
        return best;
    for (int i = 1; i <= grid_candidates; i++) {
        const float end = largest * (float)i / grid_candidates;
        const struct grid grid = {.levels = levels,
                                  .step = round_to_bf16(2 * end / (float)(levels - 1))};
        const double error = grid_error(grid, row, columns);
        if (error < least) {
            least = error;
            best = grid;
        }
    }
    return best;
}

bool cholesky(double *matrix, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double *const row = matrix + i * n;
        for (size_t j = 0; j < i; j++) {
            const double *const other = matrix + j * n;
            row[j] = (row[j] - cblas_ddot((int)j, row, 1, other, 1)) / other[j];
        }
        const double pivot = row[i] - cblas_ddot((int)i, row, 1, row, 1);
        if (!(pivot > 0))
            return false;
        row[i] = sqrt(pivot);
    }
    return true;
}

/* In terms of e = w - ŵ the error of the layer is |e L|². Column i of e L is what the later columns
 * left there plus e_i L_ii, so the best ŵ_i is y_i / L_ii rounded, where y = w L with the later
 * columns' ŵ taken out. */
void gptq_round_row(float *row, size_t columns, const double *factor, struct grid grid, double *y)
{
    memset(y, 0, columns * sizeof *y);
    for (size_t i = 0; i < columns; i++)
        cblas_daxpy((int)i + 1, (double)row[i], factor + i * columns, 1, y, 1);
    for (size_t i = columns; i-- > 0;) {
        const double *const line = factor + i * columns;
        const double value = grid_round(grid, y[i] / line[i]);
        cblas_daxpy((int)i + 1, -value, line, 1, y, 1);
        row[i] = (float)value;
    }
}
