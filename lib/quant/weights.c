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

/* Of up to TILE_COLUMNS weights from an element on. */
static double largest_of(const wsic_matrix *matrix, size_t row, size_t column)
{
    const size_t count = wsic_min_size(TILE_COLUMNS, matrix->columns - column);
    double largest = 0.0, chunk[TILE_COLUMNS];

    wsic_load_f64(chunk, element_address(matrix, row, column), matrix->dtype, count);
    for (size_t k = 0; k < count; k++)
        largest = fabs(chunk[k]) > largest ? fabs(chunk[k]) : largest;
    return largest;
}

static double largest_magnitude(const wsic_matrix *matrix, wsic_selection rows)
{
    double largest = 0.0;

    for (size_t i = 0; i < rows.count; i++) {
        for (size_t j = 0; j < matrix->columns; j += TILE_COLUMNS)
            largest = fmax(largest, largest_of(matrix, wsic_selected(rows, i), j));
    }
    return largest;
}

bool wsic_row_is_zero(const wsic_matrix *matrix, size_t row)
{
    for (size_t j = 0; j < matrix->columns; j += TILE_COLUMNS) {
        if (largest_of(matrix, row, j) > 0.0)
            return false;
    }
    return true;
}

wsic_weights wsic_weights_make(const wsic_matrix *matrix, wsic_selection rows)
{
    const double largest = largest_magnitude(matrix, rows);

    return (wsic_weights){.matrix = matrix, .rows = rows, .unit = wsic_even_power_of_two(largest)};
}

/* A tile of consecutive columns of the matrix, as it lies. */
typedef double tile[TILE_ROWS][TILE_COLUMNS];

static void read_tile(const wsic_weights *weights, wsic_selection rows, size_t first, size_t count,
                      size_t column, size_t width, tile out)
{
    const double unit = 1.0 / weights->unit; /* exact: a power of two */

    for (size_t i = 0; i < count; i++) {
        const size_t row = wsic_selected(rows, first + i);
        const double factor = weights->row_factor ? unit * weights->row_factor[row] : unit;
        const size_t place = wsic_selected(weights->rows, row);
        wsic_load_f64(out[i], element_address(weights->matrix, place, column),
                      weights->matrix->dtype, width);
        for (size_t j = 0; j < width; j++)
            out[i][j] *= factor;
    }
}

/* End of the run of selected columns, from number k on, that fit one tile beginning
 * at their first. */
static size_t run_end(wsic_selection columns, size_t k)
{
    const size_t limit = wsic_selected(columns, k) + TILE_COLUMNS;

    while (k < columns.count && wsic_selected(columns, k) < limit)
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
        const size_t column = wsic_selected(columns, k);
        end = run_end(columns, k);
        const size_t width = wsic_selected(columns, end - 1) - column + 1;
        for (size_t i = 0; i < count; i += TILE_ROWS) {
            const size_t height = wsic_min_size(TILE_ROWS, count - i);
            read_tile(weights, rows, first + i, height, column, width, t);
            for (size_t m = k; m < end; m++)
                put_column(t, wsic_selected(columns, m) - column, height, single,
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
    const size_t rows = weights->rows.count;
    const wsic_selection all = {rows, NULL};
    tile t;

    memset(column_energy, 0, columns.count * sizeof *column_energy);
    memset(row_energy, 0, rows * sizeof *row_energy);
    for (size_t k = 0, end; k < columns.count; k = end) {
        const size_t column = wsic_selected(columns, k);
        end = run_end(columns, k);
        const size_t width = wsic_selected(columns, end - 1) - column + 1;
        for (size_t i = 0; i < rows; i += TILE_ROWS) {
            const size_t height = wsic_min_size(TILE_ROWS, rows - i);
            read_tile(weights, all, i, height, column, width, t);
            for (size_t m = k; m < end; m++) {
                for (size_t h = 0; h < height; h++) {
                    const double weight = t[h][wsic_selected(columns, m) - column];
                    column_energy[m] += weight * weight / (double)rows;
                    row_energy[i + h] += weight * weight * factor[m];
                }
            }
        }
    }
}
