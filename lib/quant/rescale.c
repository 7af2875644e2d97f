/* SPDX-License-Identifier: MIT */
#include "quant/rescale.h"

#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "linalg/linalg.h"

/* Rows that are turned from codes into doubles at a time: enough for GEMM to run at
 * its full speed, little memory beside the n x n matrices. */
enum { TILE_ROWS = 512 };

/* g outside this range is a sign of a nearly singular fit (as the reference). */
static const double g_lowest = -0.1, g_highest = 1.5;

typedef struct fit {
    const wsic_env *env;
    const wsic_rescale *problem;
    double *F;           /* n x n: lower destroyed by Cholesky, strict upper F itself */
    double *diagonal;    /* n: of F */
    double *b;           /* n */
    double *step;        /* n: candidate for g */
    double *previous;    /* n */
    double *tile;        /* TILE_ROWS x n */
    double *product;     /* TILE_ROWS x n */
    double *numerator;   /* a */
    double *denominator; /* a */
} fit;

static void fit_release(fit *f)
{
    wsic_free(f->env, f->F);
    wsic_free(f->env, f->diagonal);
    wsic_free(f->env, f->tile);
    wsic_free(f->env, f->numerator);
}

/* What the Γ step needs on top of the T step. */
static wsic_status create_columns(fit *f)
{
    const size_t n = f->problem->columns;
    wsic_status status = WSIC_OK;

    f->F = wsic_alloc(f->env, n * n, sizeof *f->F, &status);
    if (!f->F)
        return status;
    f->diagonal = wsic_alloc(f->env, 4 * n, sizeof *f->diagonal, &status);
    if (!f->diagonal)
        return status;
    f->b = f->diagonal + n;
    f->step = f->diagonal + 2 * n;
    f->previous = f->diagonal + 3 * n;
    return WSIC_OK;
}

static wsic_status create_rows(fit *f)
{
    const size_t tile = wsic_min_size(TILE_ROWS, f->problem->rows) * f->problem->columns;
    wsic_status status = WSIC_OK;

    f->tile = wsic_alloc(f->env, 2 * tile, sizeof *f->tile, &status);
    if (!f->tile)
        return status;
    f->product = f->tile + tile;
    f->numerator = wsic_alloc(f->env, 2 * f->problem->rows, sizeof *f->numerator, &status);
    if (!f->numerator)
        return status;
    f->denominator = f->numerator + f->problem->rows;
    return WSIC_OK;
}

static wsic_status fit_create(const wsic_env *env, const wsic_rescale *problem, bool columns,
                              fit *f)
{
    *f = (fit){.env = env, .problem = problem};
    wsic_status status = create_rows(f);
    if (status == WSIC_OK && columns)
        status = create_columns(f);
    if (status != WSIC_OK)
        fit_release(f);
    return status;
}

/* tile = diag(t) Z diag(α ∘ g) for rows first ... first + count - 1, leading dimension
 * count. t or g of NULL means ones. */
static void reconstruct(const fit *f, size_t first, size_t count, const double *t, const double *g)
{
    const wsic_rescale *const p = f->problem;

    for (size_t j = 0; j < p->columns; j++) {
        const int32_t *const z = p->codes + j * p->rows + first;
        const double scale = g ? p->alpha[j] * g[j] : p->alpha[j];
        double *const out = f->tile + j * count;
        if (p->order) {
            for (size_t i = 0; i < count; i++)
                out[i] = scale * p->codes[j * p->rows + p->order[first + i]];
        } else if (t) {
            for (size_t i = 0; i < count; i++)
                out[i] = t[first + i] * scale * z[i];
        } else {
            for (size_t i = 0; i < count; i++)
                out[i] = scale * z[i];
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
        reconstruct(f, below, rows, t, NULL);
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

/* F = (Ŵ0ᵀ T² Ŵ0) ∘ S, or with a metric (Ŵ0ᵀ A Aᵀ Ŵ0) ∘ S, and b_j = Σ_r t_r Ŵ0_rj C_rj for Ŵ0 = Z
 * diag(α). F is kept in the strict upper triangle and the diagonal; the lower triangle is for
 * Cholesky. */
static void normal_equations(fit *f, const double *t)
{
    const wsic_rescale *const p = f->problem;
    const size_t n = p->columns;

    memset(f->F, 0, n * n * sizeof *f->F);
    memset(f->b, 0, n * sizeof *f->b);
    for (size_t first = 0; first < p->rows; first += TILE_ROWS) {
        const size_t count = wsic_min_size(TILE_ROWS, p->rows - first);
        if (p->metric)
            apply_metric(f, first, count, t);
        reconstruct(f, first, count, t, NULL);
        wsic_gram_accumulate(count, n, p->metric ? f->product : f->tile, count, f->F);
        for (size_t j = 0; j < n; j++) {
            const double *const c = p->C + j * p->rows + first;
            for (size_t i = 0; i < count; i++)
                f->b[j] += f->tile[j * count + i] * c[i];
        }
    }
    for (size_t j = 0; j < n; j++) {
        for (size_t i = j; i < n; i++)
            f->F[j * n + i] *= p->S_factor * p->S[j * n + i];
        f->diagonal[j] = f->F[j * n + j];
    }
    for (size_t j = 0; j < n; j++) {
        for (size_t i = j + 1; i < n; i++)
            f->F[i * n + j] = f->F[j * n + i];
    }
}

/* K - 2 b·g + gᵀ F g, from the upper triangle. */
static double loss_of_columns(const fit *f, const double *g)
{
    const size_t n = f->problem->columns;
    double quadratic = 0.0, linear = 0.0;

    for (size_t j = 0; j < n; j++) {
        const double *const above = f->F + j * n;
        double sum = 0.0;
        for (size_t i = 0; i < j; i++)
            sum += above[i] * g[i];
        quadratic += g[j] * (2.0 * sum + f->diagonal[j] * g[j]);
        linear += f->b[j] * g[j];
    }
    return f->problem->K - 2.0 * linear + quadratic;
}

/* step = (F + ρI)⁻¹ b. The ridge of the reference keeps columns of zeros harmless; it is
 * raised should rounding make F indefinite. False if even that fails. */
static bool solve_columns(fit *f)
{
    const size_t n = f->problem->columns;
    double mean = 0.0;

    for (size_t j = 0; j < n; j++)
        mean += fabs(f->diagonal[j]) / (double)n;
    for (double ridge = fmax(1e-11, 1e-8 * mean); ridge <= mean; ridge *= 100.0) {
        for (size_t j = 0; j < n; j++) {
            for (size_t i = j + 1; i < n; i++)
                f->F[j * n + i] = f->F[i * n + j];
            f->F[j * n + j] = f->diagonal[j] + ridge;
        }
        if (wsic_cholesky(n, f->F) == 0) {
            memcpy(f->step, f->b, n * sizeof *f->step);
            wsic_cholesky_solve(n, f->F, f->step);
            return true;
        }
    }
    return false;
}

static void clip(double *g, size_t n)
{
    for (size_t j = 0; j < n; j++)
        g[j] = fmin(fmax(g[j], g_lowest), g_highest);
}

/* Move g towards the minimum over Γ as far as the loss falls. Returns the loss. */
static double fit_columns(fit *f, double *g, double loss_before)
{
    const size_t n = f->problem->columns;

    if (!solve_columns(f))
        return loss_before;
    clip(f->step, n);
    memcpy(f->previous, g, n * sizeof *g);
    for (double part = 1.0; part >= 1.0 / 16.0; part *= 0.5) {
        for (size_t j = 0; j < n; j++)
            g[j] = f->previous[j] + part * (f->step[j] - f->previous[j]);
        const double loss = loss_of_columns(f, g);
        if (loss <= loss_before)
            return loss;
    }
    memcpy(g, f->previous, n * sizeof *g);
    return loss_before;
}

/* t_r = <C_r, M_r> / (M_r S M_rᵀ) for M = Z diag(α ∘ g). Returns the loss. */
static double fit_rows(fit *f, const double *g, double *t)
{
    const wsic_rescale *const p = f->problem;
    const size_t n = p->columns;
    double loss = p->K;

    memset(f->numerator, 0, p->rows * sizeof *f->numerator);
    memset(f->denominator, 0, p->rows * sizeof *f->denominator);
    for (size_t first = 0; first < p->rows; first += TILE_ROWS) {
        const size_t count = wsic_min_size(TILE_ROWS, p->rows - first);
        reconstruct(f, first, count, NULL, g);
        wsic_multiply_symmetric(count, n, p->S_factor, f->tile, count, p->S, n, f->product, count);
        for (size_t j = 0; j < n; j++) {
            const double *const m = f->tile + j * count, *const ms = f->product + j * count;
            const double *const c = p->C + j * p->rows + first;
            for (size_t i = 0; i < count; i++) {
                f->numerator[first + i] += m[i] * c[i];
                f->denominator[first + i] += m[i] * ms[i];
            }
        }
    }
    for (size_t r = 0; r < p->rows; r++) {
        t[r] = f->denominator[r] > 0.0 ? f->numerator[r] / f->denominator[r] : 0.0;
        loss -= t[r] * (2.0 * f->numerator[r] - t[r] * f->denominator[r]);
    }
    return loss;
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

wsic_status wsic_rescale_run(const wsic_env *env, const wsic_progress *progress,
                             const wsic_rescale *problem, double *t, double *g,
                             wsic_rescale_result *result)
{
    fit f;
    wsic_status status = fit_create(env, problem, true, &f);

    *result = (wsic_rescale_result){.rounds = 0};
    if (status != WSIC_OK)
        return status;
    for (int64_t round = 0; round < problem->rounds; round++) {
        /* Rounds needed are unknown; most fits take a handful. */
        status = wsic_progress_report(env, progress, 1.0 - 1.0 / (1.0 + (double)round));
        if (status != WSIC_OK)
            break;
        normal_equations(&f, t);
        if (round == 0) {
            result->loss = result->loss_before = loss_of_columns(&f, g);
            if (problem->residual > 0.0)
                result->floor = result->loss_before - problem->residual;
        }
        const double before = result->loss;
        result->loss = fit_columns(&f, g, before);
        result->rounds++;
        if (round == 0) {
            result->loss_columns = result->loss;
            if (problem->g_columns)
                memcpy(problem->g_columns, g, problem->columns * sizeof *g);
        }
        if (!problem->fit_rows)
            break;
        result->loss = fit_rows(&f, g, t);
        normalise(problem, t, g);
        if (before - result->loss < problem->tolerance * fabs(before - result->floor))
            break;
    }
    fit_release(&f);
    return status;
}

wsic_status wsic_rescale_rows(const wsic_env *env, const wsic_rescale *problem, const double *g,
                              double *t, double *loss)
{
    fit f;
    const wsic_status status = fit_create(env, problem, false, &f);

    if (status != WSIC_OK)
        return status;
    *loss = fit_rows(&f, g, t);
    fit_release(&f);
    return WSIC_OK;
}
