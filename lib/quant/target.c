/* SPDX-License-Identifier: MIT */
/* What the recursion aims at, and the rescalers with it. Without drift
 *
 *     Y = W L - W diag(ρ) L⁻ᵀ,        C = W Σ,
 *
 * the second term of Y with a ridge only; with drift
 *
 *     Y = (C + δ W) L⁻ᵀ,              C = W Σ_{X,X̂} + Δ.
 */
#include "quant/target.h"

#include "base/checked.h"
#include "linalg/linalg.h"
#include "quant/permute.h"

enum { TILE_ROWS = 256 };

/* --- without drift ---------------------------------------------------------------- */

/* The rows of y from W to W L - W diag(ρ) L⁻ᵀ. */
static void ridge_tile(const wsic_job *job, size_t rows, size_t first, size_t count, double *y,
                       double *tile)
{
    for (size_t k = 0; k < job->live; k++) {
        const double rho = job->spacing.ridge[wsic_factor_column(job->factor, k)];
        for (size_t i = 0; i < count; i++)
            tile[k * count + i] = rho * y[k * rows + first + i];
    }
    wsic_solve_lower_transposed(count, job->live, job->factor->L, job->live, tile, count);
    wsic_multiply_lower(count, job->live, job->factor->L, job->live, y + first, rows);
    for (size_t k = 0; k < job->live; k++) {
        for (size_t i = 0; i < count; i++)
            y[k * rows + first + i] -= tile[k * count + i];
    }
}

wsic_status wsic_job_aim(const wsic_job *job, size_t rows, double *y)
{
    wsic_status status = WSIC_OK;

    if (!job->spacing.ridge) {
        wsic_multiply_lower(rows, job->live, job->factor->L, job->live, y, rows);
        return WSIC_OK;
    }
    double *const tile =
        wsic_alloc(job->env, wsic_min_size(TILE_ROWS, rows) * job->live, sizeof *tile, &status);
    if (!tile)
        return status;
    for (size_t first = 0; first < rows; first += TILE_ROWS) {
        const size_t count = wsic_min_size(TILE_ROWS, rows - first);
        ridge_tile(job, rows, first, count, y, tile);
    }
    wsic_free(job->env, tile);
    return WSIC_OK;
}

static wsic_status plain_target(const wsic_job *job, wsic_selection rows, double *y)
{
    wsic_weights_load(&job->weights, rows, 0, rows.count, job->problem->live_columns, y,
                      rows.count);
    const wsic_status status =
        wsic_permute_forward(job->env, job->live, job->factor->order, rows.count * sizeof *y, y);
    return status == WSIC_OK ? wsic_job_aim(job, rows.count, y) : status;
}

/* *K receives <C, W>. */
static wsic_status plain_cross(const wsic_job *job, wsic_selection all, double *c, double *K)
{
    wsic_status status = WSIC_OK;
    double *const tile = wsic_alloc(job->env, wsic_min_size(TILE_ROWS, job->rows) * job->live,
                                    sizeof *tile, &status);

    if (!tile)
        return status;
    *K = 0.0;
    for (size_t first = 0; first < job->rows; first += TILE_ROWS) {
        const size_t count = wsic_min_size(TILE_ROWS, job->rows - first);
        wsic_weights_load(&job->weights, all, first, count, job->problem->live_columns, tile,
                          count);
        wsic_multiply_symmetric(count, job->live, job->problem->S_factor, tile, count,
                                job->problem->S, job->live, c + first, job->rows);
        for (size_t k = 0; k < job->live; k++) {
            for (size_t i = 0; i < count; i++)
                *K += tile[k * count + i] * c[k * job->rows + first + i];
        }
    }
    wsic_free(job->env, tile);
    return WSIC_OK;
}

/* --- with drift --------------------------------------------------------------------- */

/* The weight of a row in the metric of the outputs. */
static double row_factor(const wsic_job *job, wsic_selection rows, size_t k)
{
    const double *const factor = job->weights.row_factor;
    return factor ? factor[rows.index ? rows.index[k] : k] : 1.0;
}

/* C + proximal W of the selected rows, natural order of columns. */
static wsic_status drifted_cross(const wsic_job *job, wsic_selection rows, double proximal,
                                 double *c)
{
    const wsic_encode_problem *const problem = job->problem;
    wsic_status status = WSIC_OK;
    double *const tile = wsic_alloc(job->env, wsic_min_size(TILE_ROWS, rows.count) * job->columns,
                                    sizeof *tile, &status);

    if (!tile)
        return status;
    for (size_t first = 0; first < rows.count; first += TILE_ROWS) {
        const size_t count = wsic_min_size(TILE_ROWS, rows.count - first);
        wsic_encode_problem_cross(problem, rows, first, count, tile, c + first, rows.count);
        for (size_t k = 0; k < job->live; k++) {
            const double *const w = tile + problem->live_columns.index[k] * count;
            double *const out = c + k * rows.count + first;
            for (size_t i = 0; i < count; i++)
                out[i] = row_factor(job, rows, first + i) * (out[i] + proximal * w[i]);
        }
    }
    wsic_free(job->env, tile);
    return WSIC_OK;
}

/* δ keeps Ŵ near W where nothing is known of the input: it belongs to both sides. */
static wsic_status drifted_target(const wsic_job *job, wsic_selection rows, double *y)
{
    const wsic_factor *const factor = job->factor;
    wsic_status status = drifted_cross(job, rows, factor->damping, y);

    if (status == WSIC_OK)
        status =
            wsic_permute_forward(job->env, job->live, factor->order, rows.count * sizeof *y, y);
    if (status == WSIC_OK)
        wsic_solve_lower_transposed(rows.count, job->live, factor->L, job->live, y, rows.count);
    return status;
}

/* --- either ------------------------------------------------------------------------- */

wsic_status wsic_job_target(const wsic_job *job, wsic_selection rows, double *y)
{
    return wsic_encode_problem_drifts(job->problem) ? drifted_target(job, rows, y)
                                                    : plain_target(job, rows, y);
}

wsic_status wsic_job_cross(const wsic_job *job, double *c, double *K)
{
    const wsic_selection all = {job->rows, job->metric.order};

    if (!wsic_encode_problem_drifts(job->problem))
        return plain_cross(job, all, c, K);
    *K = job->problem->energy;
    return drifted_cross(job, all, 0.0, c);
}
