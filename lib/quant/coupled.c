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
    double *target, *errors, *sum; /* rows each, places */
    double *own, *number;   /* of a window */
    int32_t *window_codes;
    int8_t *window_width;
    float *gain, *weight;
    size_t windows, keep, ahead;
    unsigned char *workspace;
    size_t column;
    double step, seen, level, back;
    int width;
} run;

static size_t ahead_of(const run *r, size_t hi)
{
    const size_t keep = wsic_min_size(r->keep, hi);
    return wsic_min_size(r->ahead, hi - keep);
}

/* gain[k * WSIC_WINDOW + i]: of row hi-1-k on row hi-1-i */
static void fill_gains(run *r)
{
    const wsic_coupled *const p = r->problem;
    float *gain = r->gain;
    for (size_t hi = p->rows, w = 0; hi > 0; hi -= wsic_min_size(r->keep, hi), w++) {
        const size_t m = wsic_min_size(r->keep, hi) + ahead_of(r, hi);
        for (size_t k = 0; k < m; k++)
            for (size_t i = k + 1; i < m; i++) {
                const size_t a = hi - 1 - k, b = hi - 1 - i;
                gain[k * WSIC_WINDOW + i] = (float)(p->A[b * p->lda + a] / p->A[b * p->lda + b]);
            }
        for (size_t i = 0; i < m; i++) {
            const double a = p->A[(hi - 1 - i) * p->lda + hi - 1 - i];
            r->weight[w * WSIC_WINDOW + i] = (float)(a * a);
        }
        gain += WSIC_WINDOW * WSIC_WINDOW;
    }
}

static bool decide_scalar(run *r, const wsic_window *w, int32_t *codes)
{
    const wsic_quantizer *const q = r->problem->quantizer;
    double number[WSIC_WINDOW];
    memcpy(number, w->number, w->count * sizeof(double));
    for (size_t k = 0; k < w->count; k++) {
        const wsic_stretch s = {.y = number + k, .count = 1, .step = 1.0, .row_width = w->row_width + k, .column_width = &w->column_width};
        if (!q->quantize(q->state, &s, r->workspace, codes + k))
            return false;
        const double e = w->own[k] - w->back * codes[k];
        for (size_t i = k + 1; i < w->count; i++)
            number[i] += w->gain[k * WSIC_WINDOW + i] * e;
    }
    return true;
}

static bool decide_column(run *r, size_t column)
{
    const wsic_coupled *const p = r->problem;
    const double *const y = r->y + column * p->rows;
    const double *const bias = p->bias ? p->bias + column * p->rows : NULL;
    const double q = p->passed[column];
    uint8_t state = 0;
    r->column = column;
    r->step = p->alpha[column] * p->L[column * p->columns + column];
    r->seen = r->step * p->error_share[column];
    r->level = p->gamma[column] * r->step;
    const wsic_stretch all = {.y = y, .count = p->rows, .step = r->seen, .row_width = p->row_width};
    const int width = wsic_stretch_width(&all);
    memset(r->sum, 0, p->rows * sizeof(double));
    for (size_t hi = p->rows, w = 0; hi > 0; w++) {
        const size_t keep = wsic_min_size(r->keep, hi), ahead = ahead_of(r, hi), m = keep + ahead;
        const size_t low = hi - keep;
        for (size_t k = 0; k < m; k++) {
            const size_t a = hi - 1 - k;
            r->number[k] = (y[a] + r->sum[a] / p->A[a * p->lda + a]) / r->seen;
            r->own[k] = q * (y[a] + (bias ? bias[a] : 0)) / r->seen;
            r->window_width[k] = p->row_width[a];
            if (k < keep)
                r->target[a] = r->number[k] * r->seen;
        }
        const wsic_window window = {.number = r->number, .own = r->own, .back = q * r->level / r->seen,
            .count = keep, .ahead = ahead, .gain = r->gain + w * WSIC_WINDOW * WSIC_WINDOW,
            .weight = r->weight + w * WSIC_WINDOW,
            .row_width = r->window_width, .column_width = width, .trellis_state = &state};
        if (!(p->quantizer->quantize_window ? p->quantizer->quantize_window(p->quantizer->state, &window, r->workspace, r->window_codes)
              : decide_scalar(r, &window, r->window_codes)))
            return false;
        for (size_t k = 0; k < keep; k++) {
            const size_t a = hi - 1 - k;
            const double e = r->seen * (r->own[k] - window.back * r->window_codes[k]);
            r->errors[a] = e;
            r->codes[column * p->rows + a] = r->window_codes[k];
            for (size_t i = k + 1; i < keep; i++)
                r->target[hi - 1 - i] += (double)window.gain[k * WSIC_WINDOW + i] * e;
        }
        if (low)
            wsic_gemm_add_transposed(low, 1, keep, p->A + low, p->lda, r->errors + low, keep, r->sum, low);
        hi = low;
    }
    return true;
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
        y[i] = p->gamma[column] * p->alpha[column] * z[i];
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
    r.keep = getenv("XKEEP") ? (size_t)atoi(getenv("XKEEP")) : 32;
    r.ahead = getenv("XAHEAD") ? (size_t)atoi(getenv("XAHEAD")) : 16;
    if (!problem->quantizer->quantize_window) r.ahead = 0;
    r.windows = wsic_div_up(rows, r.keep);
    r.target = wsic_alloc(env, 3 * rows + 2 * WSIC_WINDOW, sizeof(double), &status);
    r.errors = r.target + rows; r.sum = r.target + 2 * rows; r.own = r.target + 3 * rows; r.number = r.own + WSIC_WINDOW;
    r.window_codes = wsic_alloc(env, WSIC_WINDOW, sizeof(int32_t), &status);
    r.window_width = wsic_alloc(env, WSIC_WINDOW, 1, &status);
    r.gain = wsic_alloc_zero(env, r.windows * WSIC_WINDOW * WSIC_WINDOW, sizeof(float), &status);
    r.weight = wsic_alloc(env, r.windows * WSIC_WINDOW, sizeof(float), &status);
    r.workspace = wsic_alloc(env, wsic_max_size(problem->quantizer->workspace, problem->quantizer->window_workspace) + 64, 1, &status);
    fill_gains(&r);
    status = range(&r, 0, problem->columns);
    wsic_free(env, r.target);
    wsic_free(env, r.window_codes);
    wsic_free(env, r.window_width);
    wsic_free(env, r.gain);
    wsic_free(env, r.weight);
    wsic_free(env, r.workspace);
    return status;
}
