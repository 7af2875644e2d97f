/* SPDX-License-Identifier: MIT */
/* Targets that make up for the drift of inputs and residual streams. docs/algorithm.md, sections
 * "Drift" and "Residual". */
#include <math.h>

#include "base/checked.h"
#include "linalg/linalg.h"
#include "quant/problem.h"

enum { TILE_ROWS = 256 };

/* Of row number k of a selection from the weights' rows: its number in the matrix. */
static size_t row_number(const wsic_encode_problem *problem, wsic_selection rows, size_t k)
{
    return wsic_selected(problem->weights.rows, wsic_selected(rows, k));
}

/* The internal unit of products of an output and an input. */
static double output_unit(const wsic_encode_problem *problem)
{
    return problem->weights.unit * problem->factor.unit;
}

/* out += Δ of one term of the mixture. */
static void add_residual(const wsic_encode_problem *problem, const wsic_blend_term *term,
                         wsic_selection rows, size_t first, size_t count, double *out, size_t ld)
{
    const wsic_moments *const moments = term->moments;
    const double factor = problem->blend.drift * term->factor / output_unit(problem);

    for (size_t k = 0; k < problem->live; k++) {
        const double *const column =
            moments->residual + problem->live_columns.index[k] * moments->outputs;
        for (size_t i = 0; i < count; i++)
            out[k * ld + i] += factor * column[row_number(problem, rows, first + i)];
    }
}

void wsic_encode_problem_cross(const wsic_encode_problem *problem, wsic_selection rows,
                               size_t first, size_t count, double *weights, double *out, size_t ld)
{
    const wsic_blend *const blend = &problem->blend;
    const size_t n = problem->factor.n;
    const wsic_selection all = {n, NULL};

    wsic_weights_load(&problem->weights, rows, first, count, all, weights, count);
    wsic_multiply(count, problem->live, n, 1.0 / (blend->samples * problem->factor.unit), weights,
                  count, problem->cross, n, out, ld);
    for (size_t k = 0; k < blend->count; k++) {
        if (blend->term[k].moments->residual)
            add_residual(problem, &blend->term[k], rows, first, count, out, ld);
    }
}

/* --- energy of what is to be matched ---------------------------------------------- */

/* tr(W Σ_X Wᵀ) of a tile. */
static double weigh(const wsic_encode_problem *problem, const wsic_moments *moments, double unit,
                    const double *tile, size_t count, double *product)
{
    const size_t n = problem->factor.n;
    double sum = 0.0;

    wsic_multiply_symmetric(count, n, 1.0 / (moments->samples * unit), tile, count, moments->input,
                            n, product, count);
    for (size_t k = 0; k < count * n; k++)
        sum += tile[k] * product[k];
    return sum;
}

/* 2 <W, E ΔR Xᵀ> + E ||ΔR||² of a tile. */
static double weigh_residual(const wsic_encode_problem *problem, const wsic_moments *moments,
                             double unit, const double *tile, size_t first, size_t count)
{
    const wsic_selection all = {problem->weights.rows.count, NULL};
    const size_t a = moments->outputs;
    const double of_product = 1.0 / (moments->samples * unit * problem->weights.unit);
    const double of_energy = of_product / problem->weights.unit;
    double sum = 0.0;

    for (size_t j = 0; j < moments->columns; j++) {
        const double *const column = moments->residual_input + j * a;
        for (size_t i = 0; i < count; i++)
            sum += 2.0 * of_product * column[row_number(problem, all, first + i)] *
                   tile[j * count + i];
    }
    for (size_t i = 0; i < count; i++)
        sum += of_energy * moments->residual_energy[row_number(problem, all, first + i)];
    return sum;
}

/* In units of its own, as the mixture's change with it. */
static wsic_status measure_source(const wsic_env *env, size_t k, const wsic_moments *moments,
                                  wsic_encode_problem *problem)
{
    const size_t rows = problem->weights.rows.count, n = problem->factor.n;
    const wsic_selection all_rows = {rows, NULL}, all_columns = {n, NULL};
    const double mean =
        wsic_factor_mean_diagonal(&problem->factor, moments->input, moments->samples);
    const double unit = wsic_even_power_of_two(mean);
    const size_t tile_size = wsic_min_size(TILE_ROWS, rows) * n;
    double energy = 0.0, residual = 0.0;
    wsic_status status = WSIC_OK;
    double *const tile = wsic_alloc(env, 2 * tile_size, sizeof *tile, &status);

    if (!tile)
        return status;
    for (size_t first = 0; first < rows; first += TILE_ROWS) {
        const size_t count = wsic_min_size(TILE_ROWS, rows - first);
        wsic_weights_load(&problem->weights, all_rows, first, count, all_columns, tile, count);
        energy += weigh(problem, moments, unit, tile, count, tile + tile_size);
        if (moments->residual)
            residual += weigh_residual(problem, moments, unit, tile, first, count);
    }
    wsic_free(env, tile);
    problem->source_energy[k] = fmax(energy, 0.0);
    problem->source_residual[k] = residual;
    problem->source_unit[k] = unit;
    return WSIC_OK;
}

wsic_status wsic_encode_problem_energy(const wsic_env *env, wsic_encode_problem *problem)
{
    const wsic_blend *const blend = &problem->blend;
    double sum = 0.0;

    for (size_t i = 0; i < blend->count; i++) {
        const wsic_blend_term *const term = &blend->term[i];
        const size_t k = term->moments == problem->input.sources.weighted;
        wsic_status status = WSIC_OK;
        if (problem->source_energy[k] < 0.0)
            status = measure_source(env, k, term->moments, problem);
        if (status != WSIC_OK)
            return status;
        sum += term->part * problem->source_unit[k] / problem->factor.unit *
               (problem->source_energy[k] + blend->drift * problem->source_residual[k]);
    }
    problem->energy = fmax(sum, 0.0);
    return WSIC_OK;
}
