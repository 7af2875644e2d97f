/* SPDX-License-Identifier: MIT */
#include "quant/weights.h"

#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "base/half.h"
#include "quant/prepare.h"

/* Small enough for the stack and the first-level cache, and a whole cache line to
 * write for every column. */
enum { TILE_ROWS = 8, TILE_COLUMNS = 256 };

static const void *element_address(const wsic_matrix *matrix, size_t row, size_t column)
{
    return (const char *)matrix->data +
           (row * matrix->row_stride + column) * wsic_dtype_size(matrix->dtype);
}

static bool is_dead(const wsic_weights *weights, size_t row)
{
    return weights->dead && weights->dead[row];
}

static double largest_magnitude(const wsic_weights *weights)
{
    const wsic_matrix *const matrix = weights->matrix;
    double largest = 0.0, chunk[TILE_COLUMNS];

    for (size_t i = 0; i < matrix->rows; i++) {
        for (size_t j = 0; j < matrix->columns && !is_dead(weights, i); j += TILE_COLUMNS) {
            const size_t count = wsic_min_size(TILE_COLUMNS, matrix->columns - j);
            wsic_load_f64(chunk, element_address(matrix, i, j), matrix->dtype, count);
            for (size_t k = 0; k < count; k++)
                largest = fabs(chunk[k]) > largest ? fabs(chunk[k]) : largest;
        }
    }
    return largest;
}

wsic_weights wsic_weights_make(const wsic_matrix *matrix, const bool *dead)
{
    wsic_weights weights = {.matrix = matrix, .dead = dead};

    for (size_t i = 0; i < matrix->rows; i++)
        weights.live_rows += !is_dead(&weights, i);
    weights.unit = wsic_even_power_of_two(largest_magnitude(&weights));
    return weights;
}

static size_t selected(wsic_selection selection, size_t k)
{
    return selection.index ? selection.index[k] : k;
}

/* A tile of consecutive columns of the matrix, as it lies. */
typedef double tile[TILE_ROWS][TILE_COLUMNS];

static void read_tile(const wsic_weights *weights, wsic_selection rows, size_t first, size_t count,
                      size_t column, size_t width, tile out)
{
    const double unit = 1.0 / weights->unit; /* exact: a power of two */

    for (size_t i = 0; i < count; i++) {
        const size_t row = selected(rows, first + i);
        const double factor = weights->row_factor ? unit * weights->row_factor[row] : unit;
        if (is_dead(weights, row)) {
            memset(out[i], 0, width * sizeof **out);
            continue;
        }
        wsic_load_f64(out[i], element_address(weights->matrix, row, column), weights->matrix->dtype,
                      width);
        for (size_t j = 0; j < width; j++)
            out[i][j] *= factor;
    }
}

/* End of the run of selected columns, from number k on, that fit one tile beginning
 * at their first. */
static size_t run_end(wsic_selection columns, size_t k)
{
    const size_t limit = selected(columns, k) + TILE_COLUMNS;

    while (k < columns.count && selected(columns, k) < limit)
        k++;
    return k;
}

/* A column of a tile to where it belongs. */
static void put_column(tile t, size_t column, size_t height, bool single, wsic_reals out)
{
    if (single) {
        for (size_t h = 0; h < height; h++)
            out.f32[h] = (float)t[h][column];
    } else {
        for (size_t h = 0; h < height; h++)
            out.f64[h] = t[h][column];
    }
}

void wsic_weights_place(const wsic_weights *weights, wsic_selection rows, size_t first,
                        size_t count, wsic_selection columns, const size_t *place, bool single,
                        wsic_reals out, size_t ld)
{
    tile t;

    for (size_t k = 0, end; k < columns.count; k = end) {
        const size_t column = selected(columns, k);
        end = run_end(columns, k);
        const size_t width = selected(columns, end - 1) - column + 1;
        for (size_t i = 0; i < count; i += TILE_ROWS) {
            const size_t height = wsic_min_size(TILE_ROWS, count - i);
            read_tile(weights, rows, first + i, height, column, width, t);
            for (size_t m = k; m < end; m++)
                put_column(t, selected(columns, m) - column, height, single,
                           wsic_reals_at(out, single, (place ? place[m] : m) * ld + i));
        }
    }
}

void wsic_weights_load(const wsic_weights *weights, wsic_selection rows, size_t first, size_t count,
                       wsic_selection columns, double *out, size_t ld)
{
    wsic_weights_place(weights, rows, first, count, columns, NULL, false, (wsic_reals){.f64 = out},
                       ld);
}

void wsic_weights_energies(const wsic_weights *weights, wsic_selection columns,
                           const double *factor, double *column_energy, double *row_energy)
{
    const wsic_selection all = {weights->matrix->rows, NULL};
    const size_t rows = weights->matrix->rows;
    tile t;

    memset(column_energy, 0, columns.count * sizeof *column_energy);
    memset(row_energy, 0, rows * sizeof *row_energy);
    for (size_t k = 0, end; k < columns.count; k = end) {
        const size_t column = selected(columns, k);
        end = run_end(columns, k);
        const size_t width = selected(columns, end - 1) - column + 1;
        for (size_t i = 0; i < rows; i += TILE_ROWS) {
            const size_t height = wsic_min_size(TILE_ROWS, rows - i);
            read_tile(weights, all, i, height, column, width, t);
            for (size_t m = k; m < end; m++) {
                for (size_t h = 0; h < height; h++) {
                    const double weight = t[h][selected(columns, m) - column];
                    column_energy[m] += weight * weight / (double)weights->live_rows;
                    row_energy[i + h] += weight * weight * factor[m];
                }
            }
        }
    }
}
