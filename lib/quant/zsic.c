/* SPDX-License-Identifier: MIT */
#include "quant/zsic.h"

#include "linalg/linalg.h"
#include "quant/kbest.h"
#include "quant/zsic_state.h"

enum {
    ALIGNMENT = 64, /* of a workspace */
    /* Lanes of sums: the compiler may not reorder them, but these it can keep in vectors. */
    LANES = 8
};

static void add_products(const int32_t *z, const double *y, size_t count, wsic_zsic_sums *sums)
{
    double zy[LANES] = {0.0}, zz[LANES] = {0.0};
    size_t i = 0;

    for (; i + LANES <= count; i += LANES) {
        for (size_t l = 0; l < LANES; l++) {
            const double code = z[i + l];
            zy[l] += code * y[i + l];
            zz[l] += code * code;
        }
    }
    for (; i < count; i++) {
        zy[0] += (double)z[i] * y[i];
        zz[0] += (double)z[i] * z[i];
    }
    for (size_t l = 0; l < LANES; l++) {
        sums->zy += zy[l];
        sums->zz += zz[l];
    }
}

#define REAL          double
#define STEPS(name)   name##_f64
#define Y(reals)      ((reals).f64)
#define FACTOR(p)     ((p)->L)
#define GEMM_SUBTRACT wsic_gemm_subtract

static const double *show_f64(const wsic_zsic_state *r, wsic_zsic_stripe s, size_t column)
{
    return r->y.f64 + column * r->problem->rows + s.begin;
}

#include "quant/zsic_steps.h"

#undef REAL
#undef STEPS
#undef Y
#undef FACTOR
#undef GEMM_SUBTRACT
#define REAL          float
#define STEPS(name)   name##_f32
#define Y(reals)      ((reals).f32)
#define FACTOR(p)     ((p)->L_single)
#define GEMM_SUBTRACT wsic_gemm_subtract_f32

static const double *show_f32(const wsic_zsic_state *r, wsic_zsic_stripe s, size_t column)
{
    const float *const y = r->y.f32 + column * r->problem->rows + s.begin;
    double *const seen = r->seen + s.begin;

    for (size_t i = 0; i < s.count; i++)
        seen[i] = y[i];
    return seen;
}

#include "quant/zsic_steps.h"

/* γ of a column depends on all rows, and what comes after it on γ. */
static bool is_coupled(const wsic_zsic *p)
{
    return p->lmmse;
}

/* --- sums over the tiles ------------------------------------------------------------- */

static wsic_status add_up(const wsic_zsic_state *r, size_t column, wsic_zsic_sums *total)
{
    *total = (wsic_zsic_sums){.in_range = true};
    for (size_t tile = 0; tile < r->tiles; tile++) {
        const wsic_zsic_sums *const sums = wsic_zsic_sums_of(r, tile, column);
        total->zy += sums->zy;
        total->zz += sums->zz;
        total->in_range = total->in_range && sums->in_range;
    }
    if (!total->in_range)
        return wsic_fail(r->env, WSIC_ERROR_RANGE,
                         "a code of live column %zu leaves 32 bits: the step is too small", column);
    return WSIC_OK;
}

static double find_gamma(const wsic_zsic_state *r, size_t column, const wsic_zsic_sums *total)
{
    const wsic_zsic *const p = r->problem;

    if (!(total->zz > 0.0))
        return 0.0;
    return p->lmmse ? total->zy / (total->zz * wsic_zsic_step_seen(p, column)) : 1.0;
}

/* γ of a column that all tiles have quantized. */
static wsic_status conclude_column(const wsic_zsic_state *r, size_t column)
{
    wsic_zsic_sums total;
    const wsic_status status = add_up(r, column, &total);

    if (status == WSIC_OK)
        r->gamma[column] = find_gamma(r, column, &total);
    return status;
}

/* --- γ by all rows: column after column ---------------------------------------------- */

static wsic_status work_base(wsic_zsic_state *r, const wsic_zsic_steps *steps, size_t first,
                             size_t end)
{
    wsic_status status = WSIC_OK;

    r->end = end;
    r->pending = false;
    for (size_t column = end; status == WSIC_OK && column-- > first;) {
        r->column = column;
        wsic_parallel_for(r->env, r->tiles, steps->work_column, r);
        status = conclude_column(r, column);
        r->pending = true;
    }
    if (status == WSIC_OK)
        wsic_parallel_for(r->env, r->tiles, steps->finish_base, r);
    return status;
}

/* Take columns middle ... end - 1 of the panel out of first ... middle - 1. */
static void couple(wsic_zsic_state *r, const wsic_zsic_steps *steps, size_t first, size_t middle,
                   size_t end)
{
    r->first = first;
    r->middle = middle;
    r->end = end;
    wsic_parallel_for(r->env, wsic_div_up(r->problem->rows, WSIC_ZSIC_ROWS), steps->couple, r);
}

/* Columns first ... end - 1 of a panel, of which everything behind `end` has been taken out. */
static wsic_status work_range(wsic_zsic_state *r, const wsic_zsic_steps *steps, size_t first,
                              size_t end)
{
    if (end - first <= WSIC_ZSIC_BASE)
        return work_base(r, steps, first, end);
    const size_t middle = wsic_zsic_middle(first, end, WSIC_ZSIC_BASE);
    const wsic_status status = work_range(r, steps, middle, end);
    if (status != WSIC_OK)
        return status;
    couple(r, steps, first, middle, end);
    return work_range(r, steps, first, middle);
}

/* --- γ known: every tile on its own -------------------------------------------------- */

static wsic_status work_free_panel(wsic_zsic_state *r, const wsic_zsic_steps *steps)
{
    wsic_status status = WSIC_OK;

    wsic_parallel_for(r->env, r->tiles, steps->work_panel, r);
    for (size_t column = r->panel_end; status == WSIC_OK && column-- > r->panel_first;)
        status = conclude_column(r, column);
    return status;
}

/* --- all ----------------------------------------------------------------------------- */

/* Take the panel out of all columns before it. */
static void couple_far(wsic_zsic_state *r, const wsic_zsic_steps *steps)
{
    const size_t columns = wsic_div_up(r->panel_first, WSIC_ZSIC_FAR_COLUMNS);

    wsic_parallel_for(r->env, wsic_zsic_far_rows(r) * columns, steps->couple_far, r);
}

static wsic_status work(wsic_zsic_state *r)
{
    const wsic_zsic *const p = r->problem;
    const wsic_zsic_steps *const steps = p->L_single ? &steps_f32 : &steps_f64;
    wsic_status status = WSIC_OK;

    for (size_t end = p->columns; status == WSIC_OK && end > 0; end = r->panel_first) {
        r->panel_end = end;
        r->panel_first = (end - 1) / WSIC_ZSIC_PANEL * WSIC_ZSIC_PANEL;
        status = wsic_progress_report(r->env, r->progress, 1.0 - (double)end / (double)p->columns);
        if (status == WSIC_OK)
            status = is_coupled(p) ? work_range(r, steps, r->panel_first, end)
                                   : work_free_panel(r, steps);
        if (status == WSIC_OK)
            couple_far(r, steps);
    }
    return status;
}

static void release(wsic_zsic_state *r)
{
    wsic_free(r->env, r->panel.f64);
    wsic_free(r->env, r->seen);
    wsic_free(r->env, r->sums);
    wsic_free(r->env, r->error);
    wsic_free(r->env, r->workspace);
}

static wsic_status create(wsic_zsic_state *r)
{
    const wsic_zsic *const p = r->problem;
    const size_t restart = p->quantizer->restart_rows;
    const size_t panel = wsic_min_size(WSIC_ZSIC_PANEL, p->columns);
    wsic_status status = WSIC_OK;

    r->tile_rows = restart != 0 ? restart : wsic_max_size(p->quantizer->tile_rows, 1);
    r->sums_columns = is_coupled(p) ? 1 : panel;
    r->tiles = p->tile_start ? p->tiles : wsic_div_up(p->rows, r->tile_rows);
    r->workspace_size = wsic_div_up(p->quantizer->workspace, ALIGNMENT) * ALIGNMENT;
    r->panel.f64 =
        wsic_alloc(r->env, p->rows * panel, wsic_reals_size(p->L_single != NULL), &status);
    if (status == WSIC_OK && p->L_single)
        r->seen = wsic_alloc(r->env, p->rows, sizeof *r->seen, &status);
    if (status == WSIC_OK)
        r->sums = wsic_alloc(r->env, r->tiles * r->sums_columns, sizeof *r->sums, &status);
    if (status == WSIC_OK)
        r->error = wsic_alloc_zero(r->env, r->tiles, sizeof *r->error, &status);
    if (status == WSIC_OK)
        r->workspace = wsic_alloc(r->env, r->tiles, r->workspace_size, &status);
    return status;
}

wsic_status wsic_zsic_run(const wsic_env *env, const wsic_progress *progress,
                          const wsic_zsic *problem, wsic_reals y, int32_t *codes, double *gamma,
                          double *residual)
{
    wsic_zsic_state r = {
        .env = env,
        .progress = progress,
        .problem = problem,
        .y = y,
        .codes = codes,
        .gamma = gamma,
    };

    if (problem->survivors > 1)
        return wsic_kbest_run(env, progress, problem, problem->survivors, y.f64, codes, gamma,
                              residual);
    wsic_status status = create(&r);
    if (status == WSIC_OK)
        status = work(&r);
    *residual = 0.0;
    for (size_t tile = 0; status == WSIC_OK && tile < r.tiles; tile++)
        *residual += r.error[tile];
    release(&r);
    return status;
}
