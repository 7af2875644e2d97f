/* SPDX-License-Identifier: MIT */
#include "quant/coupled.h"

#include <string.h>
#include <stdlib.h>
#include <math.h>

#include "base/checked.h"
#include "linalg/linalg.h"
#include "quant/rate_model.h"

enum { BASE_COLUMNS = 8, ALIGNMENT = 64 };

typedef struct run {
    const wsic_env *env;
    const wsic_progress *progress;
    const wsic_coupled *problem;
    double *y;
    int32_t *codes;
    double *used;
    wsic_coupled_result *result;
    double *target, *errors, *sum, *scratch, *next; /* rows each */
    int32_t *tentative;                      /* rows */
    int32_t *tile_codes;
    int8_t *tile_width;
    int *width;
    unsigned char *workspace;
    size_t workspace_size;
    size_t column, first;
    double step, seen, level, weight;
    int mode;
    bool look;
} run;

static size_t tile_at(const wsic_coupled *p, size_t block, size_t tile)
{
    return p->block_start[block] + p->tile_start[block * (p->tiles + 1) + tile];
}

static void find_widths(run *r)
{
    const wsic_coupled *const p = r->problem;
    const double *const y = r->y + r->column * p->rows;
    for (size_t t = 0; t < p->tiles; t++) {
        size_t n = 0;
        for (size_t b = p->blocks; b-- > 0;)
            for (size_t i = tile_at(p, b, t); i < tile_at(p, b, t + 1); i++) {
                r->scratch[n] = y[i];
                r->tile_width[n++] = p->row_width[i];
            }
        const wsic_stretch s = {.y = r->scratch, .count = n, .step = r->seen, .row_width = r->tile_width};
        r->width[t] = n ? wsic_stretch_width(&s) : 0;
    }
}

/* targets of block from sums of what later rows left */
static void aim(run *r, size_t block, double *sum, double *target)
{
    const wsic_coupled *const p = r->problem;
    const size_t f = p->block_start[block], n = p->block_start[block + 1] - f;
    const double *const y = r->y + r->column * p->rows;
    wsic_solve_left_transposed(n, 1, p->A + f * p->lda + f, p->lda, sum, n);
    for (size_t i = 0; i < n; i++)
        target[i] = y[f + i] + sum[i];
}

static void find_errors(run *r, size_t block, const int32_t *z)
{
    const wsic_coupled *const p = r->problem;
    const size_t f = p->block_start[block], n = p->block_start[block + 1] - f;
    const double *const y = r->y + r->column * p->rows;
    const double level = r->mode == 0 ? r->level : r->level * p->error_share[r->column];
    for (size_t i = 0; i < n; i++)
        r->errors[f + i] = y[f + i] - level * z[f + i];
}

static bool quantize(run *r, size_t block, bool ahead, uint8_t *states)
{
    const wsic_coupled *const p = r->problem;
    bool ok = true;
    for (size_t t = 0; t < p->tiles; t++) {
        const size_t a = tile_at(p, block, t), n = tile_at(p, block, t + 1) - a;
        const size_t a2 = ahead ? tile_at(p, block - 1, t) : 0;
        const size_t n2 = ahead ? tile_at(p, block - 1, t + 1) - a2 : 0;
        if (n == 0)
            continue;
        memcpy(r->scratch, r->target + a, n * sizeof(double));
        memcpy(r->tile_width, p->row_width + a, n);
        if (n2) {
            memcpy(r->scratch + n, r->next + (a2 - p->block_start[block - 1]), n2 * sizeof(double));
            memcpy(r->tile_width + n, p->row_width + a2, n2);
        }
        const wsic_stretch s = {.y = r->scratch, .count = n, .ahead = n2, .step = r->seen,
            .row_width = r->tile_width, .column_width = &r->width[t],
            .trellis_state = states ? states + t * p->columns + r->column : NULL};
        ok = p->quantizer->quantize(p->quantizer->state, &s, r->workspace, r->tile_codes) && ok;
        memcpy(r->tentative + a, r->tile_codes, n * sizeof(int32_t));
        if (n2)
            memcpy(r->tentative + a2, r->tile_codes + n, n2 * sizeof(int32_t));
    }
    return ok;
}

static bool decide_column(run *r, size_t column)
{
    const wsic_coupled *const p = r->problem;
    uint8_t keep[256];
    bool ok = true;
    r->column = column;
    r->step = p->alpha[column] * p->L[column * p->columns + column];
    r->seen = r->step * p->error_share[column];
    r->weight = p->gamma[column] * p->alpha[column];
    r->level = p->gamma[column] * r->step;
    find_widths(r);
    memset(r->sum, 0, p->rows * sizeof(double));
    for (size_t b = p->blocks; b-- > 0;) {
        const size_t f = p->block_start[b], n = p->block_start[b + 1] - f;
        aim(r, b, r->sum + f, r->target + f);
        const bool ahead = b > 0 && r->look && p->states;
        if (ahead) {
            if (b == p->blocks - 1) {
                for (size_t t = 0; t < p->tiles; t++)
                    keep[t] = p->states[t * p->columns + column];
                ok = quantize(r, b, false, p->states) && ok;
                for (size_t t = 0; t < p->tiles; t++)
                    p->states[t * p->columns + column] = keep[t];
            }
            find_errors(r, b, r->tentative);
            const size_t f1 = p->block_start[b - 1], n1 = f - f1;
            memcpy(r->next, r->sum + f1, n1 * sizeof(double));
            wsic_gemm_add_transposed(n1, 1, n, p->A + f1 * p->lda + f, p->lda, r->errors + f, n, r->next, n1);
            aim(r, b - 1, r->next, r->next);
        }
        ok = quantize(r, b, ahead, p->states) && ok;
        memcpy(r->codes + column * p->rows + f, r->tentative + f, n * sizeof(int32_t));
        find_errors(r, b, r->tentative);
        if (f)
            wsic_gemm_add_transposed(f, 1, n, p->A + f, p->lda, r->errors + f, n, r->sum, f);
    }
    return ok;
}

static wsic_status column_step(run *r, size_t column, size_t first)
{
    const wsic_coupled *const p = r->problem;
    if (!decide_column(r, column))
        return wsic_fail(r->env, WSIC_ERROR_RANGE,
                         "a code of live column %zu leaves 32 bits: the step is too small", column);
    double zy = 0, zz = 0, e = 0, te = 0;
    const int32_t *z = r->codes + column * p->rows;
    for (size_t i = 0; i < p->rows; i++) {
        zy += z[i] * r->target[i];
        zz += (double)z[i] * z[i];
        te += r->target[i] * r->target[i];
        e += (r->target[i] - r->level * z[i]) * (r->target[i] - r->level * z[i]);
    }
    p->sums[column] += zy / r->seen;
    p->sums[p->columns + column] += zz;
    r->used[column] = zz > 0 ? p->gamma[column] : 0;
    r->result->residual += e;
    r->result->target_energy += te;
    double *y = r->y + column * p->rows;
    for (size_t i = 0; i < p->rows; i++)
        y[i] = r->weight * z[i];
    for (size_t k = first; k < column; k++) {
        const double coupling = p->L[k * p->columns + column];
        double *const o = r->y + k * p->rows;
        for (size_t i = 0; i < p->rows; i++)
            o[i] -= coupling * y[i];
    }
    return WSIC_OK;
}

static wsic_status range(run *r, size_t first, size_t end)
{
    const size_t rows = r->problem->rows, n = r->problem->columns;
    if (end - first <= BASE_COLUMNS) {
        const double done = 1.0 - (double)end / (double)n;
        wsic_status status = wsic_progress_report(r->env, r->progress, done);
        for (size_t column = end; status == WSIC_OK && column-- > first;)
            status = column_step(r, column, first);
        return status;
    }
    const size_t blocks = wsic_div_up(end - first, BASE_COLUMNS);
    const size_t middle = end - blocks / 2 * BASE_COLUMNS;
    const wsic_status status = range(r, middle, end);
    if (status != WSIC_OK)
        return status;
    wsic_gemm_subtract(rows, middle - first, end - middle, r->y + middle * rows, rows,
                       r->problem->L + first * n + middle, n, r->y + first * rows, rows);
    return range(r, first, middle);
}

wsic_status wsic_coupled_run(const wsic_env *env, const wsic_progress *progress,
                             const wsic_coupled *problem, double *y, int32_t *codes, double *used,
                             wsic_coupled_result *result)
{
    wsic_status status = WSIC_OK;
    const size_t rows = problem->rows;
    run r = {.env = env, .progress = progress, .problem = problem, .y = y, .codes = codes, .used = used, .result = result};
    r.mode = getenv("XMODE") ? atoi(getenv("XMODE")) : 1;
    r.look = getenv("XLOOK") ? atoi(getenv("XLOOK")) : 1;
    r.target = wsic_alloc(env, 5 * rows, sizeof(double), &status);
    r.errors = r.target + rows; r.sum = r.target + 2 * rows; r.scratch = r.target + 3 * rows; r.next = r.target + 4 * rows;
    r.tentative = wsic_alloc(env, 2 * rows, sizeof(int32_t), &status);
    r.tile_codes = r.tentative + rows;
    r.tile_width = wsic_alloc(env, rows, 1, &status);
    r.width = wsic_alloc(env, problem->tiles, sizeof(int), &status);
    r.workspace = wsic_alloc(env, problem->quantizer->workspace + 64, 1, &status);
    status = range(&r, 0, problem->columns);
    wsic_free(env, r.target);
    wsic_free(env, r.tentative);
    wsic_free(env, r.tile_width);
    wsic_free(env, r.width);
    wsic_free(env, r.workspace);
    return status;
}
