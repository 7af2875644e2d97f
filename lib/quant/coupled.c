/* SPDX-License-Identifier: MIT */
#include "quant/coupled.h"

#include <string.h>

#include "base/checked.h"
#include "linalg/linalg.h"
#include "quant/rate_model.h"
#include "quant/zsic_state.h"

enum {
    BASE_COLUMNS = 8, /* a range of so few is done column by column, see WSIC_ZSIC_BASE */
    /* Rows that are decided at once, and rows behind them that a trellis looks at: some five times
     * the logarithm of its states. */
    KEPT_ROWS = 96,
    AHEAD_ROWS = WSIC_WINDOW_ROWS - KEPT_ROWS,
    GAINS = WSIC_WINDOW_ROWS * WSIC_WINDOW_ROWS
};

typedef struct recursion {
    const wsic_env *env;
    const wsic_progress *progress;
    const wsic_coupled *problem;
    double *y;
    int32_t *codes;
    wsic_coupled_sums *sums;

    double *target; /* rows: of the column at work, as the quantizer saw them */
    double *errors; /* rows: what they pass on */
    double *fed;    /* rows: A_>k,kᵀ times errors of decided rows */
    /* Of a window, rows in the order of decision. */
    double *number;
    double *own;
    int8_t *row_width;
    int32_t *window_codes;
    /* Of all windows. */
    float *gain;
    float *weight;
    unsigned char *workspace;

    size_t column; /* at work */
    double step;   /* that the quantizer sees */
    double level;  /* γ_j α_j L_jj */
    int width;
} recursion;

/* Rows of a window end below place `end`. */
static size_t kept_rows(size_t end)
{
    return wsic_min_size(KEPT_ROWS, end);
}

static size_t ahead_rows(const recursion *r, size_t end)
{
    return r->problem->quantizer->quantize_window ? wsic_min_size(AHEAD_ROWS, end - kept_rows(end))
                                                  : 0;
}

/* --- memory --------------------------------------------------------------------------- */

static void release(recursion *r)
{
    wsic_free(r->env, r->target);
    wsic_free(r->env, r->window_codes);
    wsic_free(r->env, r->gain);
    wsic_free(r->env, r->workspace);
}

static wsic_status create(recursion *r)
{
    const wsic_coupled *const p = r->problem;
    const size_t windows = wsic_div_up(p->rows, KEPT_ROWS);
    const size_t numbers = 3 * p->rows + 2 * WSIC_WINDOW_ROWS;
    wsic_status status = WSIC_OK;

    r->target = wsic_alloc(r->env, numbers, sizeof *r->target, &status);
    if (status == WSIC_OK)
        r->window_codes = wsic_alloc(r->env, WSIC_WINDOW_ROWS, sizeof(int32_t) + 1, &status);
    if (status == WSIC_OK)
        r->gain =
            wsic_alloc_zero(r->env, windows * (GAINS + WSIC_WINDOW_ROWS), sizeof *r->gain, &status);
    if (status == WSIC_OK)
        r->workspace = wsic_alloc(
            r->env, wsic_max_size(p->quantizer->workspace, p->quantizer->window_workspace), 1,
            &status);
    if (status != WSIC_OK) {
        release(r);
        return status;
    }
    r->errors = r->target + p->rows;
    r->fed = r->errors + p->rows;
    r->number = r->fed + p->rows;
    r->own = r->number + WSIC_WINDOW_ROWS;
    r->row_width = (int8_t *)(r->window_codes + WSIC_WINDOW_ROWS);
    r->weight = r->gain + windows * GAINS;
    return WSIC_OK;
}

double wsic_coupled_memory(size_t rows, size_t window_workspace)
{
    const double windows = (double)wsic_div_up(rows, KEPT_ROWS);

    return 24.0 * (double)rows + 32.0 * WSIC_WINDOW_ROWS +
           4.0 * windows * (GAINS + WSIC_WINDOW_ROWS) + (double)window_workspace;
}

/* --- windows -------------------------------------------------------------------------- */

/* F of rows of a window on those behind them, and A_kk². */
static void fill_window(const recursion *r, size_t end, float *gain, float *weight)
{
    const wsic_coupled *const p = r->problem;
    const size_t rows = kept_rows(end) + ahead_rows(r, end);

    for (size_t i = 0; i < rows; i++) {
        const double *const column = p->A + (end - 1 - i) * p->lda;
        const double diagonal = column[end - 1 - i];
        weight[i] = (float)(diagonal * diagonal);
        for (size_t k = 0; k < i; k++)
            gain[k * WSIC_WINDOW_ROWS + i] = (float)(column[end - 1 - k] / diagonal);
    }
}

static void fill_windows(const recursion *r)
{
    float *gain = r->gain, *weight = r->weight;

    for (size_t end = r->problem->rows; end > 0; end -= kept_rows(end)) {
        fill_window(r, end, gain, weight);
        gain += GAINS;
        weight += WSIC_WINDOW_ROWS;
    }
}

/* Numbers of the rows below `end`, moved by what all rows of earlier windows have fed back. */
static wsic_window open_window(const recursion *r, size_t end, size_t number)
{
    const wsic_coupled *const p = r->problem;
    const double *const y = r->y + r->column * p->rows;
    const double *const bias = p->bias ? p->bias + r->column * p->rows : NULL;
    const double passed_on = p->passed_on[r->column];
    const wsic_window window = {
        .number = r->number,
        .own = r->own,
        .back = passed_on * r->level / r->step,
        .count = kept_rows(end),
        .ahead = ahead_rows(r, end),
        .gain = r->gain + number * GAINS,
        .weight = r->weight + number * WSIC_WINDOW_ROWS,
        .row_width = r->row_width,
        .column_width = r->width,
        .trellis_state = p->states ? p->states + r->column : NULL,
    };

    for (size_t k = 0; k < window.count + window.ahead; k++) {
        const size_t place = end - 1 - k;
        r->number[k] = (y[place] + r->fed[place] / p->A[place * p->lda + place]) / r->step;
        r->own[k] = passed_on * (y[place] + (bias ? bias[place] : 0.0)) / r->step;
        r->row_width[k] = p->row_width[place];
    }
    return window;
}

/* In steps. */
static double error_of(const recursion *r, const wsic_window *w, size_t k)
{
    return w->own[k] - w->back * r->window_codes[k];
}

/* The error of row k moves the rows of the window that are decided after it. */
static void move_rows_behind(const recursion *r, const wsic_window *w, size_t k)
{
    const double error = error_of(r, w, k);

    for (size_t i = k + 1; i < w->count; i++)
        r->number[i] += (double)w->gain[k * WSIC_WINDOW_ROWS + i] * error;
}

/* Row by row, for a quantizer without memory; leaves in number what it saw. */
static bool quantize_rows(const recursion *r, const wsic_window *w)
{
    const wsic_quantizer *const q = r->problem->quantizer;

    for (size_t k = 0; k < w->count; k++) {
        const wsic_stretch stretch = {.y = r->number + k,
                                      .count = 1,
                                      .step = 1.0,
                                      .column_width = &w->column_width,
                                      .row_width = w->row_width + k};
        if (!q->quantize(q->state, &stretch, r->workspace, r->window_codes + k))
            return false;
        move_rows_behind(r, w, k);
    }
    return true;
}

/* Leaves in number what the path that was chosen saw. */
static bool quantize_window(const recursion *r, const wsic_window *w)
{
    const wsic_quantizer *const q = r->problem->quantizer;

    if (!q->quantize_window)
        return quantize_rows(r, w);
    if (!q->quantize_window(q->state, w, r->workspace, r->window_codes))
        return false;
    for (size_t k = 0; k < w->count; k++)
        move_rows_behind(r, w, k);
    return true;
}

/* Codes and errors to their places; errors on to all rows that are left. */
static void close_window(const recursion *r, const wsic_window *w, size_t end)
{
    const wsic_coupled *const p = r->problem;
    const size_t left = end - w->count;

    for (size_t k = 0; k < w->count; k++) {
        const size_t place = end - 1 - k;
        r->codes[r->column * p->rows + place] = r->window_codes[k];
        r->target[place] = r->step * r->number[k];
        r->errors[place] = r->step * error_of(r, w, k);
    }
    if (left > 0)
        wsic_gemm_add_transposed(left, 1, w->count, p->A + left, p->lda, r->errors + left, w->count,
                                 r->fed, left);
}

/* --- columns -------------------------------------------------------------------------- */

static void begin_column(recursion *r, size_t column)
{
    const wsic_coupled *const p = r->problem;
    const double step = p->alpha[column] * p->L[column * p->columns + column];
    const wsic_stretch all = {.y = r->y + column * p->rows,
                              .count = p->rows,
                              .step = step * p->error_share[column],
                              .row_width = p->row_width};

    r->column = column;
    r->step = all.step;
    r->level = p->gamma[column] * step;
    r->width = wsic_stretch_width(&all);
    memset(r->fed, 0, p->rows * sizeof *r->fed);
}

static wsic_status decide_column(recursion *r)
{
    size_t number = 0;

    for (size_t end = r->problem->rows; end > 0; end -= kept_rows(end)) {
        const wsic_window window = open_window(r, end, number++);
        if (!quantize_window(r, &window))
            return wsic_fail(r->env, WSIC_ERROR_RANGE,
                             "a code of live column %zu leaves 32 bits: the step is too small",
                             r->column);
        close_window(r, &window, end);
    }
    return WSIC_OK;
}

static void add_sums(const recursion *r)
{
    const int32_t *const z = r->codes + r->column * r->problem->rows;
    double zy = 0.0, zz = 0.0;

    for (size_t i = 0; i < r->problem->rows; i++) {
        const double target = r->target[i], left = target - r->level * z[i];
        zy += z[i] * target;
        zz += (double)z[i] * z[i];
        r->sums->residual += left * left;
        r->sums->target_energy += target * target;
    }
    r->sums->zy[r->column] += zy / r->step;
    r->sums->zz[r->column] += zz;
}

/* The column becomes its reconstruction, whose interference goes out of the columns of the base
 * block that are still to come. */
static void cancel_column(const recursion *r, size_t first)
{
    const wsic_coupled *const p = r->problem;
    const size_t column = r->column, rows = p->rows;
    const int32_t *const z = r->codes + column * rows;
    double *const reconstruction = r->y + column * rows;
    const double weight = p->gamma[column] * p->alpha[column];

    for (size_t i = 0; i < rows; i++)
        reconstruction[i] = weight * z[i];
    wsic_gemm_subtract(rows, column - first, 1, reconstruction, rows,
                       p->L + first * p->columns + column, p->columns, r->y + first * rows, rows);
}

static wsic_status decide_base(recursion *r, size_t first, size_t end)
{
    const double done = 1.0 - (double)end / (double)r->problem->columns;
    wsic_status status = wsic_progress_report(r->env, r->progress, done);

    for (size_t column = end; status == WSIC_OK && column-- > first;) {
        begin_column(r, column);
        status = decide_column(r);
        if (status == WSIC_OK) {
            add_sums(r);
            cancel_column(r, first);
        }
    }
    return status;
}

/* As in zsic.c: the right half first, which is then cancelled from the left half at once. */
static wsic_status decide_range(recursion *r, size_t first, size_t end)
{
    const size_t rows = r->problem->rows, n = r->problem->columns;
    const size_t middle = wsic_zsic_middle(first, end, BASE_COLUMNS);

    if (end - first <= BASE_COLUMNS)
        return decide_base(r, first, end);
    const wsic_status status = decide_range(r, middle, end);
    if (status != WSIC_OK)
        return status;
    wsic_gemm_subtract(rows, middle - first, end - middle, r->y + middle * rows, rows,
                       r->problem->L + first * n + middle, n, r->y + first * rows, rows);
    return decide_range(r, first, middle);
}

wsic_status wsic_coupled_run(const wsic_env *env, const wsic_progress *progress,
                             const wsic_coupled *problem, double *y, int32_t *codes,
                             wsic_coupled_sums *sums)
{
    recursion r = {
        .env = env, .progress = progress, .problem = problem, .y = y, .codes = codes, .sums = sums};
    wsic_status status = create(&r);

    if (status != WSIC_OK)
        return status;
    fill_windows(&r);
    status = decide_range(&r, 0, problem->columns);
    release(&r);
    return status;
}
