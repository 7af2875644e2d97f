/* SPDX-License-Identifier: MIT */
#include "quant/zsic.h"

#include "base/checked.h"
#include "linalg/linalg.h"
#include "quant/kbest.h"

enum {
    /* Below this many columns the recursion is done column by column; above, halves are
     * coupled by a GEMM, so that all but O(a n BASE) of the work is GEMM. */
    BASE_COLUMNS = 8,
    /* Rows that a task handles at a time; fixed, so that sums over tiles are the same
     * for any number of threads. */
    TILE_ROWS = 1024,
    ALIGNMENT = 64 /* of a workspace */
};

/* Sums over one tile: <z, y> and <z, z>, and when y is replaced by its reconstruction the squared
 * error. That is summed up as such, since at high rates nothing would be left of it in the
 * rounding of <y, y> - 2 <..> + <..>. */
typedef struct tile_sums {
    double zy;
    double zz;
    double error;
    bool in_range;
} tile_sums;

typedef struct recursion {
    const wsic_env *env;
    const wsic_progress *progress;
    const wsic_zsic *problem;
    double *y;
    int32_t *codes;
    double *gamma;

    size_t tile_rows; /* where the problem does not say where tiles begin */
    size_t tiles;
    tile_sums *sums;
    unsigned char *workspace; /* of the quantizer, for each tile */
    size_t workspace_size;

    /* the column at work, for the tile tasks */
    size_t column;
    size_t first;  /* first column of the base block: those before are left to GEMM */
    double weight; /* γ_j α_j */
    double level;  /* γ_j α_j L_jj: what a code of 1 stands for in y */
    double residual;
} recursion;

/* L_jj² (w - u)² = M_j (w - v)² + ρ_j w² + const. with M_j = L_jj² - ρ_j and v = u L_jj² / M_j: to
 * decide for v instead of u = y / L_jj is to count y in steps that are smaller by M_j / L_jj². */
static double step_seen(const wsic_zsic *p, size_t column)
{
    const double step = p->alpha[column] * p->L[column * p->columns + column];
    return p->error_share ? step * p->error_share[column] : step;
}

typedef struct stripe {
    size_t begin, count;
} stripe;

static stripe tile_stripe(const recursion *r, size_t tile)
{
    const wsic_zsic *const p = r->problem;

    if (p->tile_start)
        return (stripe){p->tile_start[tile], p->tile_start[tile + 1] - p->tile_start[tile]};
    const size_t begin = tile * r->tile_rows;
    return (stripe){begin, wsic_min_size(r->tile_rows, p->rows - begin)};
}

static void quantize_tile(void *data, size_t tile)
{
    const recursion *const r = data;
    const wsic_zsic *const p = r->problem;
    const size_t begin = tile_stripe(r, tile).begin, count = tile_stripe(r, tile).count;
    const double step = step_seen(p, r->column);
    const double *const y = r->y + r->column * p->rows + begin;
    int32_t *const z = r->codes + r->column * p->rows + begin;
    const wsic_stretch stretch = {
        .y = y,
        .count = count,
        .step = step,
        .row_width = p->row_width ? p->row_width + begin : NULL,
        .trellis_state = p->states ? p->states + tile * p->columns + r->column : NULL,
    };
    tile_sums sums = {.in_range = true};

    sums.in_range = p->quantizer->quantize(p->quantizer->state, &stretch,
                                           r->workspace + tile * r->workspace_size, z);
    for (size_t i = 0; i < count; i++) {
        sums.zy += z[i] * y[i];
        sums.zz += (double)z[i] * z[i];
    }
    r->sums[tile] = sums;
}

/* Replace the column by its reconstruction and take its interference out of the
 * columns of the base block that are still to come. */
static void cancel_tile(void *data, size_t tile)
{
    const recursion *const r = data;
    const wsic_zsic *const p = r->problem;
    const size_t begin = tile_stripe(r, tile).begin, count = tile_stripe(r, tile).count;
    const int32_t *const z = r->codes + r->column * p->rows + begin;
    double *const reconstruction = r->y + r->column * p->rows + begin;
    double sum = 0.0;

    for (size_t i = 0; i < count; i++) {
        const double error = reconstruction[i] - r->level * z[i];
        sum += error * error;
        reconstruction[i] = r->weight * z[i];
    }
    r->sums[tile].error = sum;
    for (size_t k = r->first; k < r->column; k++) {
        const double coupling = p->L[k * p->columns + r->column];
        double *const y = r->y + k * p->rows + begin;
        for (size_t i = 0; i < count; i++)
            y[i] -= coupling * reconstruction[i];
    }
}

static wsic_status add_up(const recursion *r, tile_sums *total)
{
    *total = (tile_sums){.in_range = true};
    for (size_t tile = 0; tile < r->tiles; tile++) {
        total->zy += r->sums[tile].zy;
        total->zz += r->sums[tile].zz;
        total->in_range = total->in_range && r->sums[tile].in_range;
    }
    if (!total->in_range)
        return wsic_fail(r->env, WSIC_ERROR_RANGE,
                         "a code of live column %zu leaves 32 bits: the step is too small",
                         r->column);
    return WSIC_OK;
}

static double find_gamma(const recursion *r, const tile_sums *total)
{
    const wsic_zsic *const p = r->problem;

    if (!(total->zz > 0.0))
        return 0.0;
    if (p->gamma)
        return p->gamma[r->column];
    return p->lmmse ? total->zy / (total->zz * step_seen(p, r->column)) : 1.0;
}

static void add_sums(const recursion *r, const tile_sums *total)
{
    const wsic_zsic *const p = r->problem;

    if (!p->sums)
        return;
    p->sums[r->column] += total->zy / step_seen(p, r->column);
    p->sums[p->columns + r->column] += total->zz;
}

static wsic_status quantize_column(recursion *r, size_t column, size_t first)
{
    const wsic_zsic *const p = r->problem;
    const double step = p->alpha[column] * p->L[column * p->columns + column];
    tile_sums total;

    r->column = column;
    r->first = first;
    wsic_parallel_for(r->env, r->tiles, quantize_tile, r);
    const wsic_status status = add_up(r, &total);
    if (status != WSIC_OK)
        return status;
    add_sums(r, &total);
    const double gamma = find_gamma(r, &total);
    r->gamma[column] = gamma;
    r->weight = gamma * p->alpha[column];
    r->level = gamma * step;
    wsic_parallel_for(r->env, r->tiles, cancel_tile, r);
    for (size_t tile = 0; tile < r->tiles; tile++)
        r->residual += r->sums[tile].error;
    return WSIC_OK;
}

static wsic_status quantize_base(recursion *r, size_t first, size_t end)
{
    const double done = 1.0 - (double)end / (double)r->problem->columns;
    wsic_status status = wsic_progress_report(r->env, r->progress, done);

    for (size_t column = end; status == WSIC_OK && column-- > first;)
        status = quantize_column(r, column, first);
    return status;
}

/* Columns first ... end - 1, of which everything behind `end` has been taken out. The
 * right half comes first; its reconstruction, which took its place in Y, is then
 * cancelled from the left half at once. */
static wsic_status quantize_range(recursion *r, size_t first, size_t end)
{
    const size_t rows = r->problem->rows, n = r->problem->columns;

    if (end - first <= BASE_COLUMNS)
        return quantize_base(r, first, end);
    /* Halves of whole base blocks keep the leaves full. */
    const size_t blocks = wsic_div_up(end - first, BASE_COLUMNS);
    const size_t middle = end - blocks / 2 * BASE_COLUMNS;

    const wsic_status status = quantize_range(r, middle, end);
    if (status != WSIC_OK)
        return status;
    wsic_gemm_subtract(rows, middle - first, end - middle, r->y + middle * rows, rows,
                       r->problem->L + first * n + middle, n, r->y + first * rows, rows);
    return quantize_range(r, first, middle);
}

wsic_status wsic_zsic_run(const wsic_env *env, const wsic_progress *progress,
                          const wsic_zsic *problem, double *y, int32_t *codes, double *gamma,
                          double *residual)
{
    const size_t restart = problem->quantizer->restart_rows;
    wsic_status status = WSIC_OK;
    recursion r = {
        .env = env,
        .progress = progress,
        .problem = problem,
        .y = y,
        .codes = codes,
        .gamma = gamma,
        .tile_rows = restart != 0 ? restart : TILE_ROWS,
    };

    if (problem->survivors > 1)
        return wsic_kbest_run(env, progress, problem, problem->survivors, y, codes, gamma,
                              residual);
    r.tiles = problem->tile_start ? problem->tiles : wsic_div_up(problem->rows, r.tile_rows);
    r.sums = wsic_alloc(env, r.tiles, sizeof *r.sums, &status);
    if (!r.sums)
        return status;
    r.workspace_size = wsic_div_up(problem->quantizer->workspace, ALIGNMENT) * ALIGNMENT;
    r.workspace = wsic_alloc(env, r.tiles, r.workspace_size, &status);
    if (r.workspace)
        status = quantize_range(&r, 0, problem->columns);
    wsic_free(env, r.workspace);
    wsic_free(env, r.sums);
    *residual = r.residual;
    return status;
}
