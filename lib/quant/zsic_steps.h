/* SPDX-License-Identifier: MIT */
/* The steps of the recursion. Included by zsic.c for double and for single precision, with REAL,
 * STEPS(name), Y(reals), FACTOR(problem) and GEMM_SUBTRACT. */

/* y -= what the columns behind it, up to `end`, contribute; four at a time, so that y is read and
 * written less often. */
static void STEPS(look_left)(const wsic_zsic_state *r, wsic_zsic_stripe s, size_t column,
                             size_t end)
{
    const wsic_zsic *const p = r->problem;
    const REAL *const coupling = FACTOR(p) + column * p->columns;
    const REAL *const panel = Y(r->panel) + s.begin;
    REAL *restrict const y = Y(r->y) + column * p->rows + s.begin;
    size_t k = column + 1;

    for (; k + 4 <= end; k += 4) {
        const REAL *const w = panel + (k - r->panel_first) * p->rows;
        const REAL *const w1 = w + p->rows, *const w2 = w1 + p->rows, *const w3 = w2 + p->rows;
        const REAL c0 = coupling[k], c1 = coupling[k + 1], c2 = coupling[k + 2],
                   c3 = coupling[k + 3];
        for (size_t i = 0; i < s.count; i++)
            y[i] -= (c0 * w[i] + c1 * w1[i]) + (c2 * w2[i] + c3 * w3[i]);
    }
    for (; k < end; k++) {
        const REAL *const w = panel + (k - r->panel_first) * p->rows;
        for (size_t i = 0; i < s.count; i++)
            y[i] -= coupling[k] * w[i];
    }
}

static void STEPS(decide)(const wsic_zsic_state *r, size_t tile, size_t column)
{
    const wsic_zsic *const p = r->problem;
    const wsic_zsic_stripe s = wsic_zsic_tile(r, tile);
    int32_t *const z = r->codes + column * p->rows + s.begin;
    const double *const seen = STEPS(show)(r, s, column);
    const wsic_stretch stretch = {
        .y = seen,
        .count = s.count,
        .step = wsic_zsic_step_seen(p, column),
        .row_width = p->row_width ? p->row_width + s.begin : NULL,
    };
    wsic_zsic_sums sums = {.in_range = true};

    sums.in_range = p->quantizer->quantize(p->quantizer->state, &stretch,
                                           r->workspace + tile * r->workspace_size, z);
    if (sums.in_range)
        add_products(z, seen, s.count, &sums);
    *wsic_zsic_sums_of(r, tile, column) = sums;
}

/* Y becomes its error, which is summed up as such: at high rates nothing would be left of it in
 * the rounding of <y, y> - 2 <..> + <..>. */
static void STEPS(finish)(const wsic_zsic_state *r, size_t tile, size_t column, double gamma)
{
    const wsic_zsic *const p = r->problem;
    const wsic_zsic_stripe s = wsic_zsic_tile(r, tile);
    const int32_t *const z = r->codes + column * p->rows + s.begin;
    REAL *restrict const y = Y(r->y) + column * p->rows + s.begin;
    REAL *restrict const w = Y(r->panel) + (column - r->panel_first) * p->rows + s.begin;
    const double weight = gamma * p->alpha[column];
    const double level = weight * p->L[column * p->columns + column];

    for (size_t i = 0; i < s.count; i++) {
        const double error = (double)y[i] - level * z[i];
        w[i] = (REAL)(weight * z[i]);
        y[i] = (REAL)error;
    }
    r->error[tile] +=
        wsic_reals_square_sum(p->L_single != NULL, s.count,
                              wsic_reals_at(r->y, p->L_single != NULL, column * p->rows + s.begin));
}

static void STEPS(work_column)(void *state, size_t tile)
{
    const wsic_zsic_state *const r = state;

    if (r->pending)
        STEPS(finish)(r, tile, r->column + 1, r->gamma[r->column + 1]);
    STEPS(look_left)(r, wsic_zsic_tile(r, tile), r->column, r->end);
    STEPS(decide)(r, tile, r->column);
}

static void STEPS(finish_base)(void *state, size_t tile)
{
    const wsic_zsic_state *const r = state;

    STEPS(finish)(r, tile, r->column, r->gamma[r->column]);
}

/* Columns middle ... end - 1 of the panel out of first ... middle - 1. */
static void STEPS(couple_rows)(const wsic_zsic_state *r, wsic_zsic_stripe s, size_t first,
                               size_t middle, size_t end)
{
    const wsic_zsic *const p = r->problem;

    for (size_t i = s.begin; i < s.begin + s.count && middle > first; i += WSIC_ZSIC_ROWS) {
        const size_t rows = wsic_min_size(WSIC_ZSIC_ROWS, s.begin + s.count - i);
        GEMM_SUBTRACT(rows, middle - first, end - middle,
                      Y(r->panel) + (middle - r->panel_first) * p->rows + i, p->rows,
                      FACTOR(p) + first * p->columns + middle, p->columns,
                      Y(r->y) + first * p->rows + i, p->rows);
    }
}

static void STEPS(couple)(void *state, size_t part)
{
    const wsic_zsic_state *const r = state;
    const size_t begin = part * WSIC_ZSIC_ROWS;
    const wsic_zsic_stripe s = {begin, wsic_min_size(WSIC_ZSIC_ROWS, r->problem->rows - begin)};

    STEPS(couple_rows)(r, s, r->first, r->middle, r->end);
}

static void STEPS(couple_far)(void *state, size_t part)
{
    const wsic_zsic_state *const r = state;
    const wsic_zsic *const p = r->problem;
    const size_t parts = wsic_zsic_far_rows(r);
    const size_t row = part % parts * WSIC_ZSIC_FAR_ROWS;
    const size_t column = part / parts * WSIC_ZSIC_FAR_COLUMNS;

    GEMM_SUBTRACT(wsic_min_size(WSIC_ZSIC_FAR_ROWS, p->rows - row),
                  wsic_min_size(WSIC_ZSIC_FAR_COLUMNS, r->panel_first - column),
                  r->panel_end - r->panel_first, Y(r->panel) + row, p->rows,
                  FACTOR(p) + column * p->columns + r->panel_first, p->columns,
                  Y(r->y) + column * p->rows + row, p->rows);
}

/* False if a code leaves its range. */
static bool STEPS(work_range)(const wsic_zsic_state *r, size_t tile, size_t first, size_t end)
{
    if (end - first > WSIC_ZSIC_BASE) {
        const size_t middle = wsic_zsic_middle(first, end, WSIC_ZSIC_BASE);
        if (!STEPS(work_range)(r, tile, middle, end))
            return false;
        STEPS(couple_rows)(r, wsic_zsic_tile(r, tile), first, middle, end);
        return STEPS(work_range)(r, tile, first, middle);
    }
    for (size_t column = end; column-- > first;) {
        STEPS(look_left)(r, wsic_zsic_tile(r, tile), column, end);
        STEPS(decide)(r, tile, column);
        if (!wsic_zsic_sums_of(r, tile, column)->in_range)
            return false;
        STEPS(finish)(r, tile, column, 1.0);
    }
    return true;
}

static void STEPS(work_panel)(void *state, size_t tile)
{
    const wsic_zsic_state *const r = state;

    for (size_t column = r->panel_first; column < r->panel_end; column++)
        *wsic_zsic_sums_of(r, tile, column) = (wsic_zsic_sums){.in_range = true};
    STEPS(work_range)(r, tile, r->panel_first, r->panel_end);
}

static const wsic_zsic_steps STEPS(steps) = {
    .work_column = STEPS(work_column),
    .finish_base = STEPS(finish_base),
    .couple = STEPS(couple),
    .couple_far = STEPS(couple_far),
    .work_panel = STEPS(work_panel),
};
