/* SPDX-License-Identifier: MIT */
/* What the recursion aims at, and the rescalers with it. Without drift
 *
 *     Y = W L - W diag(ρ) L⁻ᵀ,        C = W Σ,
 *
 * the second term of Y with a ridge only; with drift
 *
 *     Y = (C + δ W) L⁻ᵀ,              C = W Σ_{X,X̂} + Δ.
 *
 * All of it for a few rows at a time, which are the tasks of the library's threads. */
#include "quant/target.h"

#include <string.h>

#include "base/checked.h"
#include "linalg/linalg.h"
#include "quant/fit.h"

/* Fixed, so that sums are the same for any number of threads, and so many that BLAS spends little
 * of a product on packing the factor. */
enum { TILE_ROWS = 256 };

typedef struct filling {
    const wsic_job *job;
    wsic_selection rows;
    bool single;
    wsic_reals L;
    size_t *place; /* of every live column in the order of the factor; NULL: its own */
    bool loaded;   /* Y is W already */
    bool quick;    /* C in double precision by products in single */
    wsic_reals y;  /* NULL: a tile's own */
    size_t tiles;
    wsic_target_energy *energy; /* of every tile */
    double *K;                  /* of every tile: <C, W> */
    wsic_status *status;        /* of every tile */
} filling;

typedef struct stripe {
    size_t first, count;
    wsic_reals y;
    size_t ld;
} stripe;

/* --- without drift ---------------------------------------------------------------- */

static void square_up(const filling *f, const stripe *s, double *sum)
{
    for (size_t k = 0; k < f->job->live; k++)
        *sum +=
            wsic_reals_square_sum(f->single, s->count, wsic_reals_at(s->y, f->single, k * s->ld));
}

/* The rows of y from W to W L - W diag(ρ) L⁻ᵀ. */
static void ridge_stripe(const filling *f, const stripe *s, wsic_reals tile,
                         wsic_target_energy *energy)
{
    const wsic_job *const job = f->job;

    for (size_t k = 0; k < job->live; k++)
        wsic_reals_scale(f->single, s->count,
                         job->spacing.ridge[wsic_factor_column(job->factor, k)],
                         wsic_reals_at(s->y, f->single, k * s->ld),
                         wsic_reals_at(tile, f->single, k * s->count));
    wsic_reals_solve_lower_transposed(f->single, s->count, job->live, f->L, tile, s->count);
    wsic_reals_multiply_lower(f->single, s->count, job->live, f->L, s->y, s->ld);
    square_up(f, s, &energy->product);
    for (size_t k = 0; k < job->live; k++)
        wsic_reals_subtract(f->single, s->count, wsic_reals_at(tile, f->single, k * s->count),
                            wsic_reals_at(s->y, f->single, k * s->ld));
    square_up(f, s, &energy->target);
}

static wsic_status plain_stripe(const filling *f, const stripe *s, wsic_target_energy *energy)
{
    const wsic_job *const job = f->job;
    wsic_status status = WSIC_OK;

    if (!f->loaded)
        wsic_weights_place(&job->weights, f->rows, s->first, s->count, job->problem->live_columns,
                           f->place, f->single, s->y, s->ld);
    if (!job->spacing.ridge) {
        wsic_reals_multiply_lower(f->single, s->count, job->live, f->L, s->y, s->ld);
        square_up(f, s, &energy->target);
        energy->product = energy->target;
        return WSIC_OK;
    }
    const wsic_reals tile = {
        .f64 = wsic_alloc(job->env, s->count * job->live, wsic_reals_size(f->single), &status)};
    if (status == WSIC_OK)
        ridge_stripe(f, s, tile, energy);
    wsic_free(job->env, tile.f64);
    return status;
}

/* --- with drift --------------------------------------------------------------------- */

/* The weight of a row in the metric of the outputs. */
static double row_factor(const wsic_job *job, wsic_selection rows, size_t k)
{
    const double *const factor = job->weights.row_factor;
    return factor ? factor[rows.index ? rows.index[k] : k] : 1.0;
}

/* C + proximal W of rows first ... of a selection, natural order of columns, into c (leading
 * dimension ld). */
static wsic_status drifted_cross(const wsic_job *job, wsic_selection rows, size_t first,
                                 size_t count, double proximal, double *c, size_t ld)
{
    const wsic_encode_problem *const problem = job->problem;
    wsic_status status = WSIC_OK;
    double *const tile = wsic_alloc(job->env, count * job->columns, sizeof *tile, &status);

    if (!tile)
        return status;
    wsic_encode_problem_cross(problem, rows, first, count, tile, c, ld);
    for (size_t k = 0; k < job->live; k++) {
        const double *const w = tile + problem->live_columns.index[k] * count;
        double *const out = c + k * ld;
        for (size_t i = 0; i < count; i++)
            out[i] = row_factor(job, rows, first + i) * (out[i] + proximal * w[i]);
    }
    wsic_free(job->env, tile);
    return WSIC_OK;
}

/* A column in double precision to where it belongs. */
static void put_column(const filling *f, const stripe *s, const double *column, size_t k)
{
    const size_t place = f->place ? f->place[k] : k;
    const wsic_reals out = wsic_reals_at(s->y, f->single, place * s->ld);

    for (size_t i = 0; i < s->count; i++) {
        if (f->single)
            out.f32[i] = (float)column[i];
        else
            out.f64[i] = column[i];
    }
}

/* δ keeps Ŵ near W where nothing is known of the input: it belongs to both sides. */
static wsic_status drifted_stripe(const filling *f, const stripe *s, wsic_target_energy *energy)
{
    const wsic_job *const job = f->job;
    wsic_status status = WSIC_OK;
    double *const c = wsic_alloc(job->env, s->count * job->live, sizeof *c, &status);

    if (!c)
        return status;
    status = drifted_cross(job, f->rows, s->first, s->count, job->factor->damping, c, s->count);
    for (size_t k = 0; k < job->live; k++)
        put_column(f, s, c + k * s->count, k);
    wsic_free(job->env, c);
    if (status != WSIC_OK)
        return status;
    wsic_reals_solve_lower_transposed(f->single, s->count, job->live, f->L, s->y, s->ld);
    square_up(f, s, &energy->target);
    return WSIC_OK;
}

/* --- either ------------------------------------------------------------------------- */

static stripe tile_stripe(const filling *f, size_t tile)
{
    const size_t first = tile * TILE_ROWS;
    const size_t count = wsic_min_size(TILE_ROWS, f->rows.count - first);

    const wsic_reals y = f->y.f64 ? wsic_reals_at(f->y, f->single, first) : f->y;

    return (stripe){first, count, y, f->rows.count};
}

static void fill_tile(void *data, size_t tile)
{
    const filling *const f = data;
    const bool drifts = wsic_encode_problem_drifts(f->job->problem) && !f->loaded;
    const wsic_env *const env = f->job->env;
    stripe s = tile_stripe(f, tile);
    wsic_status status = WSIC_OK;
    double *own = NULL;

    if (!f->y.f64) {
        own = wsic_alloc(env, s.count * f->job->live, sizeof *own, &status);
        s.y.f64 = own;
        s.ld = s.count;
    }
    if (status == WSIC_OK)
        status = drifts ? drifted_stripe(f, &s, &f->energy[tile])
                        : plain_stripe(f, &s, &f->energy[tile]);
    f->status[tile] = status;
    wsic_free(env, own);
}

static void release(filling *f)
{
    wsic_free(f->job->env, f->place);
    wsic_free(f->job->env, f->energy);
    wsic_free(f->job->env, f->K);
    wsic_free(f->job->env, f->status);
}

static wsic_status create(filling *f)
{
    const wsic_env *const env = f->job->env;
    wsic_status status = wsic_factor_places(env, f->job->factor, &f->place);

    f->tiles = wsic_div_up(f->rows.count, TILE_ROWS);
    f->L =
        f->single ? (wsic_reals){.f32 = f->job->L_single} : (wsic_reals){.f64 = f->job->factor->L};
    if (status == WSIC_OK)
        f->energy = wsic_alloc_zero(env, f->tiles, sizeof *f->energy, &status);
    if (status == WSIC_OK)
        f->K = wsic_alloc_zero(env, f->tiles, sizeof *f->K, &status);
    if (status == WSIC_OK)
        f->status = wsic_alloc_zero(env, f->tiles, sizeof *f->status, &status);
    if (status != WSIC_OK)
        release(f);
    return status;
}

/* Of all tiles together. */
static wsic_status run(const filling *f, void (*task)(void *data, size_t tile), filling *shared)
{
    wsic_status status = WSIC_OK;

    wsic_parallel_for(f->job->env, f->tiles, task, shared);
    for (size_t tile = 0; tile < f->tiles && status == WSIC_OK; tile++)
        status = f->status[tile];
    return status;
}

static wsic_status fill(filling *f, wsic_target_energy *energy)
{
    wsic_target_energy total = {0.0, 0.0};

    if (f->job->live == 0) {
        if (energy)
            *energy = total;
        return WSIC_OK;
    }
    wsic_status status = create(f);
    if (status != WSIC_OK)
        return status;
    status = run(f, fill_tile, f);
    for (size_t tile = 0; tile < f->tiles; tile++) {
        total.target += f->energy[tile].target;
        total.product += f->energy[tile].product;
    }
    if (energy)
        *energy = total;
    release(f);
    return status;
}

wsic_status wsic_job_target(const wsic_job *job, wsic_selection rows, bool single, wsic_reals y,
                            wsic_target_energy *energy)
{
    filling f = {.job = job, .rows = rows, .single = single && y.f64, .y = y};

    return fill(&f, energy);
}

wsic_status wsic_job_aim(const wsic_job *job, size_t rows, double *y)
{
    filling f = {.job = job, .rows = {rows, NULL}, .loaded = true, .y = {.f64 = y}};

    return fill(&f, NULL);
}

/* --- the cross term ------------------------------------------------------------------ */

/* C of the live columns out of a product of all, and <C, W> of them added to *K. */
static void take_live(const wsic_job *job, const stripe *s, const double *tile,
                      const double *product, double *K)
{
    for (size_t k = 0; k < job->live; k++) {
        const size_t from = job->factor->live_index[k] * s->count;
        for (size_t i = 0; i < s->count; i++) {
            s->y.f64[k * s->ld + i] = product[from + i];
            *K += tile[from + i] * product[from + i];
        }
    }
}

/* *K receives <C, W>. Dead columns, which are few, are multiplied as zeros: no copy of Σ without
 * them is needed. */
static wsic_status plain_cross(const wsic_job *job, const stripe *s, wsic_selection rows, double *K)
{
    const wsic_blend *const blend = &job->problem->blend;
    const size_t n = job->columns;
    wsic_status status = WSIC_OK;
    double *const tile = wsic_alloc_zero(job->env, 2 * s->count * n, sizeof *tile, &status);

    if (!tile)
        return status;
    double *const product = tile + s->count * n;
    wsic_weights_place(&job->weights, rows, s->first, s->count, job->problem->live_columns,
                       job->factor->live_index, false, (wsic_reals){.f64 = tile}, s->count);
    wsic_multiply_symmetric(s->count, n, 1.0 / (blend->samples * job->factor->unit), tile, s->count,
                            blend->hessian, n, product, s->count);
    take_live(job, s, tile, product, K);
    wsic_free(job->env, tile);
    return WSIC_OK;
}

/* C = W L Lᵀ less what L Lᵀ has beyond Σ, and <C, W> added to *K. w: in the order of the factor,
 * and product the same at first. */
static void multiply_quickly(const filling *f, const stripe *s, const float *w, float *product,
                             double *K)
{
    const wsic_job *const job = f->job;

    wsic_multiply_lower_f32(s->count, job->live, job->L_single, job->live, product, s->count);
    wsic_multiply_lower_transposed_f32(s->count, job->live, job->L_single, job->live, product,
                                       s->count);
    for (size_t k = 0; k < job->live; k++) {
        const size_t from = (f->place ? f->place[k] : k) * s->count;
        const double excess = wsic_fit_excess_of(job, k);
        for (size_t i = 0; i < s->count; i++) {
            const double weight = w[from + i], c = (double)product[from + i] - excess * weight;
            s->y.f64[k * s->ld + i] = c;
            *K += weight * c;
        }
    }
}

static wsic_status quick_cross(const filling *f, const stripe *s, double *K)
{
    const wsic_job *const job = f->job;
    const size_t count = s->count * job->live;
    wsic_status status = WSIC_OK;
    float *const w = wsic_alloc(job->env, 2 * count, sizeof *w, &status);

    if (!w)
        return status;
    wsic_weights_place(&job->weights, f->rows, s->first, s->count, job->problem->live_columns,
                       f->place, true, (wsic_reals){.f32 = w}, s->count);
    memcpy(w + count, w, count * sizeof *w);
    multiply_quickly(f, s, w, w + count, K);
    wsic_free(job->env, w);
    return WSIC_OK;
}

static void cross_tile(void *data, size_t tile)
{
    const filling *const f = data;
    const stripe s = tile_stripe(f, tile);

    if (f->quick)
        f->status[tile] = quick_cross(f, &s, &f->K[tile]);
    else if (wsic_encode_problem_drifts(f->job->problem))
        f->status[tile] = drifted_cross(f->job, f->rows, s.first, s.count, 0.0, s.y.f64, s.ld);
    else
        f->status[tile] = plain_cross(f->job, &s, f->rows, &f->K[tile]);
}

wsic_status wsic_job_cross(const wsic_job *job, wsic_selection rows, bool single, double *c,
                           double *K)
{
    filling f = {.job = job,
                 .rows = rows,
                 .quick = single && !wsic_encode_problem_drifts(job->problem),
                 .y = {.f64 = c}};
    wsic_status status = create(&f);

    if (status != WSIC_OK)
        return status;
    status = run(&f, cross_tile, &f);
    *K = wsic_encode_problem_drifts(job->problem) ? job->problem->energy : 0.0;
    for (size_t tile = 0; tile < f.tiles; tile++)
        *K += f.K[tile];
    release(&f);
    return status;
}
