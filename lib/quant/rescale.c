/* SPDX-License-Identifier: MIT */
#include "quant/rescale.h"

#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "linalg/linalg.h"
#include "quant/gram.h"
#include "quant/quadratic.h"
#include "quant/reals.h"

/* Rows that are turned from codes into doubles at a time: enough for GEMM to run at
 * its full speed, little memory beside the n x n matrices. */
enum { TILE_ROWS = 512 };

/* Rows of a task, where each row is on its own: fixed, as is the order of all sums. Fewer where
 * there are few rows, so that several threads have some of them. */
enum { TASK_ROWS = 256, FEW_TASK_ROWS = 128, FEW_ROWS = 512 };

enum { LARGEST_EXACT = 181 }; /* see quant/gram.h */

typedef struct fit {
    const wsic_env *env;
    const wsic_rescale *problem;
    wsic_quadratic columns;
    double *tile;    /* TILE_ROWS x n */
    double *product; /* TILE_ROWS x n: with a metric */
    /* of every row, for t */
    double *numerator;
    double *denominator;
    const double *g;
    wsic_status *status; /* of every task */
    bool single;         /* of the products from here on */
    const float *L_single;
} fit;

static void fit_release(fit *f)
{
    wsic_quadratic_release(f->env, &f->columns);
}

/* What the Γ step needs. */
static wsic_status create_columns(fit *f)
{
    const wsic_rescale *const p = f->problem;
    const wsic_status status = wsic_quadratic_create(f->env, p->columns, &f->columns);

    f->columns.loss = p->K;
    return status;
}

static wsic_status create_tiles(fit *f)
{
    const wsic_rescale *const p = f->problem;
    const size_t tile = wsic_min_size(TILE_ROWS, p->rows) * p->columns;
    wsic_status status = WSIC_OK;

    f->product = NULL;
    f->tile = wsic_alloc(f->env, tile, sizeof *f->tile, &status);
    if (status == WSIC_OK && p->metric)
        f->product = wsic_alloc(f->env, tile, sizeof *f->product, &status);
    return status;
}

static void release_tiles(fit *f)
{
    wsic_free(f->env, f->tile);
    wsic_free(f->env, f->product);
}

/* tile = diag(t) Z diag(α) for rows first ... first + count - 1, leading dimension count. */
static void reconstruct(const fit *f, size_t first, size_t count, const double *t)
{
    const wsic_rescale *const p = f->problem;

    for (size_t j = 0; j < p->columns; j++) {
        const int32_t *const z = p->codes + j * p->rows + first;
        double *const out = f->tile + j * count;
        if (p->order) {
            for (size_t i = 0; i < count; i++)
                out[i] = p->codes[j * p->rows + p->order[first + i]];
        } else {
            for (size_t i = 0; i < count; i++)
                out[i] = t[first + i] * z[i];
        }
    }
}

/* product = the rows of Aᵀ Ŵ0 from `first` on; Ŵ0 in tiles, of which the first is there. */
static void apply_metric(const fit *f, size_t first, size_t count, const double *t)
{
    const wsic_rescale *const p = f->problem;
    const size_t a = p->rows;

    memset(f->product, 0, count * p->columns * sizeof *f->product);
    for (size_t below = first; below < a; below += TILE_ROWS) {
        const size_t rows = wsic_min_size(TILE_ROWS, a - below);
        reconstruct(f, below, rows, t);
        if (below == first) {
            memcpy(f->product, f->tile, count * p->columns * sizeof *f->product);
            wsic_multiply_left_transposed(count, p->columns, p->metric + first * a + first, a,
                                          f->product, count);
        } else {
            wsic_gemm_add_transposed(count, p->columns, rows, p->metric + first * a + below, a,
                                     f->tile, rows, f->product, count);
        }
    }
}

/* Sums of products are exact in single precision. */
static bool has_small_codes(const wsic_rescale *p)
{
    for (size_t k = 0; k < p->rows * p->columns; k++) {
        if (p->codes[k] > LARGEST_EXACT || p->codes[k] < -LARGEST_EXACT)
            return false;
    }
    return true;
}

static bool is_one(const double *t, size_t count)
{
    for (size_t r = 0; r < count; r++) {
        if (t[r] != 1.0)
            return false;
    }
    return true;
}

/* Products of T Z, or with a metric of Aᵀ Z, and b_j = Σ_r t_r z_rj C_rj. */
static wsic_status add_rows(fit *f, const double *t, bool products)
{
    const wsic_rescale *const p = f->problem;
    const size_t n = p->columns;
    wsic_status status = create_tiles(f);

    for (size_t first = 0; status == WSIC_OK && first < p->rows; first += TILE_ROWS) {
        const size_t count = wsic_min_size(TILE_ROWS, p->rows - first);
        if (p->metric)
            apply_metric(f, first, count, t);
        reconstruct(f, first, count, t);
        if (products)
            status =
                wsic_gram_add(f->env, count, n, p->metric ? f->product : f->tile, f->columns.F);
        for (size_t j = 0; j < n; j++) {
            const double *const c = p->C + j * p->rows + first;
            for (size_t i = 0; i < count; i++)
                f->columns.b[j] += f->tile[j * count + i] * c[i];
        }
    }
    release_tiles(f);
    return status;
}

/* F = (Zᵀ T² Z) ∘ α Sα, or with a metric (Zᵀ A Aᵀ Z) ∘ α S α, and b. */
static wsic_status normal_equations(fit *f, const double *t)
{
    const wsic_rescale *const p = f->problem;
    const size_t n = p->columns;
    const bool ones = is_one(t, p->rows);
    const bool single = !p->metric && (ones ? has_small_codes(p) : f->single);

    memset(f->columns.F, 0, n * n * sizeof *f->columns.F);
    memset(f->columns.b, 0, n * sizeof *f->columns.b);
    wsic_status status = add_rows(f, t, !single);
    if (status == WSIC_OK && single)
        status = wsic_gram_codes(f->env, p->rows, n, p->codes, ones ? NULL : t, f->columns.F);
    for (size_t j = 0; j < n; j++)
        f->columns.b[j] *= p->alpha[j];
    wsic_quadratic_weigh(&f->columns, p->alpha, &p->S);
    return status;
}

/* --- T ----------------------------------------------------------------------------- */

/* M = Z diag(α ∘ g) of some rows, columns in the order of the factor; and <C, M> of each row, and
 * of M diag(excess) Mᵀ what L Lᵀ counts too much. */
static void gather_rows(const fit *f, size_t first, size_t count, wsic_reals tile)
{
    const wsic_rescale *const p = f->problem;

    for (size_t k = 0; k < p->columns; k++) {
        const size_t j = p->column_order ? p->column_order[k] : k;
        const int32_t *const z = p->codes + j * p->rows + first;
        const double *const c = p->C + j * p->rows + first;
        const double scale = p->alpha[j] * f->g[j], excess = p->excess[j];
        const wsic_reals out = wsic_reals_at(tile, f->single, k * count);
        for (size_t i = 0; i < count; i++) {
            const double m = scale * z[i];
            f->numerator[first + i] += m * c[i];
            f->denominator[first + i] -= excess * m * m;
            if (f->single)
                out.f32[i] = (float)m;
            else
                out.f64[i] = m;
        }
    }
}

/* ||M_r||² of each row, added to sums. */
static void add_squares(const fit *f, size_t count, wsic_reals tile, double *sums)
{
    for (size_t k = 0; k < f->problem->columns; k++) {
        const wsic_reals column = wsic_reals_at(tile, f->single, k * count);
        for (size_t i = 0; i < count; i++) {
            const double m = f->single ? column.f32[i] : column.f64[i];
            sums[i] += m * m;
        }
    }
}

static size_t task_rows(const wsic_rescale *p)
{
    return p->rows <= FEW_ROWS ? FEW_TASK_ROWS : TASK_ROWS;
}

/* <C_r, M_r> and M_r S M_rᵀ = ||M_r L||² - M_r diag(excess) M_rᵀ. */
static void sum_rows(void *data, size_t task)
{
    const fit *const f = data;
    const wsic_rescale *const p = f->problem;
    const wsic_reals L =
        f->single ? (wsic_reals){.f32 = (float *)f->L_single} : (wsic_reals){.f64 = (double *)p->L};
    const size_t first = task * task_rows(p);
    const size_t count = wsic_min_size(task_rows(p), p->rows - first);
    wsic_status status = WSIC_OK;
    const wsic_reals tile = {
        .f64 = wsic_alloc(f->env, count * p->columns, wsic_reals_size(f->single), &status)};

    f->status[task] = status;
    if (!tile.f64)
        return;
    memset(f->numerator + first, 0, count * sizeof *f->numerator);
    memset(f->denominator + first, 0, count * sizeof *f->denominator);
    gather_rows(f, first, count, tile);
    wsic_reals_multiply_lower(f->single, count, p->columns, L, tile, count);
    add_squares(f, count, tile, f->denominator + first);
    wsic_free(f->env, tile.f64);
}

static wsic_status sum_all_rows(fit *f)
{
    const size_t tasks = wsic_div_up(f->problem->rows, task_rows(f->problem));
    wsic_status status = WSIC_OK;

    f->status = wsic_alloc(f->env, tasks, sizeof *f->status, &status);
    if (!f->status)
        return status;
    wsic_parallel_for(f->env, tasks, sum_rows, f);
    for (size_t task = 0; task < tasks && status == WSIC_OK; task++)
        status = f->status[task];
    wsic_free(f->env, f->status);
    return status;
}

wsic_status wsic_rescale_sums(const wsic_env *env, const wsic_rescale *problem, const double *g,
                              double *numerator, double *denominator)
{
    fit f = {.env = env,
             .problem = problem,
             .numerator = numerator,
             .denominator = denominator,
             .g = g,
             .single = problem->L_single != NULL,
             .L_single = problem->L_single};

    return sum_all_rows(&f);
}

double wsic_rescale_loss(const wsic_rescale *problem, const double *t, const double *numerator,
                         const double *denominator)
{
    double loss = problem->K;

    for (size_t r = 0; r < problem->rows; r++)
        loss -= t[r] * (2.0 * numerator[r] - t[r] * denominator[r]);
    return loss;
}

static void divide(const wsic_rescale *p, const double *numerator, const double *denominator,
                   double *t)
{
    for (size_t r = 0; r < p->rows; r++)
        t[r] = denominator[r] > 0.0 ? numerator[r] / denominator[r] : 0.0;
}

wsic_status wsic_rescale_rows(const wsic_env *env, const wsic_rescale *problem, const double *g,
                              double *t, double *numerator, double *denominator)
{
    const wsic_status status = wsic_rescale_sums(env, problem, g, numerator, denominator);

    if (status == WSIC_OK)
        divide(problem, numerator, denominator, t);
    return status;
}

/* Σ|t| = a, with the factor moved into g. */
static void normalise(const wsic_rescale *p, double *t, double *g)
{
    double mean = 0.0;

    for (size_t r = 0; r < p->rows; r++)
        mean += fabs(t[r]) / (double)p->rows;
    if (!(mean > 0.0))
        return;
    for (size_t r = 0; r < p->rows; r++)
        t[r] /= mean;
    for (size_t j = 0; j < p->columns; j++)
        g[j] *= mean;
}

/* Products in single precision are wrong by 2^-24 of the energy K, or less. The loss is flat where
 * T and Γ are best, so that what they lose by it is next to nothing. But whether a round lowers the
 * loss has to be seen: not where it is a small part of K. What T and Γ are in the end, and the loss
 * that is reported, the caller finds in double precision. */
static const double large_loss = 1e-4;

/* L in single precision, if that is enough, in the memory of F, which is needed in Γ steps only. */
static void choose_precision(fit *f, double loss)
{
    const wsic_rescale *const p = f->problem;
    const size_t n = p->columns;
    float *const L = (float *)(void *)f->columns.F;

    f->single = p->quick && loss > large_loss * p->K;
    f->L_single = L;
    for (size_t j = 0; j < n && f->single; j++) {
        f->single = p->L[j * n + j] < 0x1p50;
        for (size_t k = j; k < n; k++)
            L[j * n + k] = (float)p->L[j * n + k];
    }
}

/* One round: Γ, and T where it is wanted. */
static wsic_status run_round(fit *f, bool first, double *t, double *g, wsic_rescale_result *result)
{
    const wsic_rescale *const p = f->problem;
    wsic_status status = normal_equations(f, t);

    if (status != WSIC_OK)
        return status;
    if (first) {
        result->column_energy = wsic_quadratic_energy(&f->columns, g);
        result->loss = result->loss_before = wsic_quadratic_loss(&f->columns, g);
        if (p->residual > 0.0)
            result->floor = result->loss_before - p->residual;
    }
    result->loss = wsic_quadratic_descend(f->env, &f->columns, g, result->loss);
    result->rounds++;
    if (first) {
        result->loss_columns = result->loss;
        if (p->g_columns)
            memcpy(p->g_columns, g, p->columns * sizeof *g);
    }
    if (!p->fit_rows)
        return WSIC_OK;
    choose_precision(f, result->loss - result->floor);
    f->g = g;
    status = sum_all_rows(f);
    if (status != WSIC_OK)
        return status;
    divide(p, f->numerator, f->denominator, t);
    result->loss = wsic_rescale_loss(p, t, f->numerator, f->denominator);
    normalise(p, t, g);
    return WSIC_OK;
}

wsic_status wsic_rescale_run(const wsic_env *env, const wsic_progress *progress,
                             const wsic_rescale *problem, double *t, double *g,
                             wsic_rescale_result *result)
{
    fit f = {.env = env, .problem = problem};
    wsic_status status = create_columns(&f);

    *result = (wsic_rescale_result){.rounds = 0};
    if (status == WSIC_OK)
        f.numerator = wsic_alloc(env, 2 * problem->rows, sizeof *f.numerator, &status);
    f.denominator = f.numerator ? f.numerator + problem->rows : NULL;
    for (int64_t round = 0; status == WSIC_OK && round < problem->rounds; round++) {
        const double before = result->loss;
        /* Rounds needed are unknown; most fits take a handful. */
        status = wsic_progress_report(env, progress, 1.0 - 1.0 / (1.0 + (double)round));
        if (status == WSIC_OK)
            status = run_round(&f, round == 0, t, g, result);
        const double gained = (round == 0 ? result->loss_before : before) - result->loss;
        if (!problem->fit_rows ||
            gained < problem->tolerance * fabs(gained + result->loss - result->floor))
            break;
    }
    wsic_free(env, f.numerator);
    fit_release(&f);
    return status;
}
