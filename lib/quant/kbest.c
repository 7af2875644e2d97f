/* SPDX-License-Identifier: MIT */
#include "quant/kbest.h"

#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "linalg/linalg.h"

enum {
    BLOCK_COLUMNS = 32, /* coupled to what is left of them by one GEMM */
    TILE_LANES = 1024,  /* rows times survivors that are worked on together */
    BATCH_TILES = 16    /* between two looks at progress and cancellation */
};

/* A lane is one survivor of one row: lane r * survivors + m, m counting from the best. */
typedef struct tile {
    const wsic_zsic *problem;
    size_t survivors;
    size_t rows, lanes;
    size_t active;  /* survivors that exist so far, the same for all rows */
    double *y;      /* lanes x n */
    double *hand;   /* lanes: a column while it is gathered */
    double *metric; /* lanes: squared error so far */
    double *metric_next;
    int32_t *z;           /* lanes x n: in each block, in the order at the end of that block */
    int32_t *z_next;      /* lanes */
    uint8_t *parent;      /* lanes: the survivor that this one continues */
    uint8_t *origin;      /* lanes x blocks: which one it was when the block began */
    uint8_t *origin_next; /* lanes */
} tile;

/* --- memory ---------------------------------------------------------------------- */

static size_t tile_rows(size_t rows, size_t survivors)
{
    return wsic_min_size(rows, wsic_max_size(1, TILE_LANES / survivors));
}

static size_t block_count(size_t columns)
{
    return wsic_div_up(columns, BLOCK_COLUMNS);
}

double wsic_kbest_memory(size_t rows, size_t columns, size_t survivors)
{
    const double lanes = (double)(tile_rows(rows, survivors) * survivors);
    return lanes * (12.0 * (double)columns + (double)block_count(columns) + 64.0) + 1024.0;
}

static void tile_release(const wsic_env *env, tile *t)
{
    wsic_free(env, t->y);
    wsic_free(env, t->z);
    wsic_free(env, t->parent);
}

static wsic_status tile_create(const wsic_env *env, const wsic_zsic *problem, size_t survivors,
                               size_t rows, tile *t)
{
    const size_t lanes = rows * survivors, n = problem->columns;
    wsic_status status = WSIC_OK;

    *t = (tile){.problem = problem, .survivors = survivors, .rows = rows, .lanes = lanes};
    t->active = 1;
    t->y = wsic_alloc(env, lanes * (n + 3), sizeof *t->y, &status);
    if (status == WSIC_OK)
        t->z = wsic_alloc_zero(env, lanes * (n + 1), sizeof *t->z, &status);
    if (status == WSIC_OK)
        t->parent = wsic_alloc_zero(env, lanes * (block_count(n) + 2), 1, &status);
    if (status != WSIC_OK) {
        tile_release(env, t);
        return status;
    }
    t->hand = t->y + lanes * n;
    t->metric = t->hand + lanes;
    t->metric_next = t->metric + lanes;
    t->z_next = t->z + lanes * n;
    t->origin_next = t->parent + lanes;
    t->origin = t->origin_next + lanes;
    return WSIC_OK;
}

/* --- one column -------------------------------------------------------------------- */

/* Survivors of one row after a column, best first. */
typedef struct contest {
    size_t count, most;
    double *metric;
    int32_t *code;
    uint8_t *parent;
} contest;

static void enter(contest *c, double metric, int32_t code, size_t parent)
{
    if (c->count == c->most && !(metric < c->metric[c->count - 1]))
        return;
    size_t place = c->count < c->most ? c->count++ : c->count - 1;
    for (; place > 0 && metric < c->metric[place - 1]; place--) {
        c->metric[place] = c->metric[place - 1];
        c->code[place] = c->code[place - 1];
        c->parent[place] = c->parent[place - 1];
    }
    c->metric[place] = metric;
    c->code[place] = code;
    c->parent[place] = (uint8_t)parent;
}

/* Every survivor goes on with the nearest integer and with the second nearest. False
 * if one leaves 32 bits. */
static bool decide_row(const tile *t, size_t column, double step, size_t row)
{
    const size_t first = row * t->survivors;
    const double *const y = t->y + column * t->lanes + first;
    contest c = {0, t->survivors, t->metric_next + first, t->z_next + first, t->parent + first};

    for (size_t m = 0; m < t->active; m++) {
        const double scaled = y[m] / step;
        if (!(fabs(scaled) < 0x1p31 - 2.0))
            return false;
        const double nearest = nearbyint(scaled);
        const double second = scaled < nearest ? nearest - 1.0 : nearest + 1.0;
        const double error = y[m] - step * nearest, worse = y[m] - step * second;
        enter(&c, t->metric[first + m] + error * error, (int32_t)nearest, m);
        enter(&c, t->metric[first + m] + worse * worse, (int32_t)second, m);
    }
    for (size_t m = c.count; m < t->survivors; m++) {
        c.metric[m] = HUGE_VAL;
        c.code[m] = 0;
        c.parent[m] = 0;
    }
    return true;
}

/* Bring the codes of a column that was decided earlier in this block into the new order. */
static void follow_codes(const tile *t, int32_t *column, int32_t *hand)
{
    for (size_t r = 0; r < t->rows; r++) {
        const size_t first = r * t->survivors;
        for (size_t m = 0; m < t->survivors; m++)
            hand[first + m] = column[first + t->parent[first + m]];
    }
    memcpy(column, hand, t->lanes * sizeof *column);
}

/* The same for a target that is still to come in this block, less the interference of
 * the column just decided. */
static void follow_target(const tile *t, double *column, double weight)
{
    for (size_t r = 0; r < t->rows; r++) {
        const size_t first = r * t->survivors;
        for (size_t m = 0; m < t->survivors; m++)
            t->hand[first + m] =
                column[first + t->parent[first + m]] - weight * t->z_next[first + m];
    }
    memcpy(column, t->hand, t->lanes * sizeof *column);
}

static void follow_origin(tile *t, uint8_t *origin)
{
    for (size_t r = 0; r < t->rows; r++) {
        const size_t first = r * t->survivors;
        for (size_t m = 0; m < t->survivors; m++)
            t->origin_next[first + m] = origin[first + t->parent[first + m]];
    }
    memcpy(origin, t->origin_next, t->lanes);
}

static bool decide_column(tile *t, size_t column, size_t first, size_t end, uint8_t *origin)
{
    const wsic_zsic *const p = t->problem;
    const double *const L = p->L;
    const size_t n = p->columns;
    const double alpha = p->alpha[column];

    for (size_t r = 0; r < t->rows; r++) {
        if (!decide_row(t, column, alpha * L[column * n + column], r))
            return false;
    }
    t->active = wsic_min_size(2 * t->active, t->survivors);
    memcpy(t->metric, t->metric_next, t->lanes * sizeof *t->metric);
    for (size_t k = first; k < column; k++)
        follow_target(t, t->y + k * t->lanes, alpha * L[k * n + column]);
    for (size_t k = column + 1; k < end; k++)
        follow_codes(t, t->z + k * t->lanes, (int32_t *)t->hand);
    follow_origin(t, origin);
    memcpy(t->z + column * t->lanes, t->z_next, t->lanes * sizeof *t->z);
    return true;
}

/* --- one block ---------------------------------------------------------------------- */

/* Targets left of the block: in the order of its survivors, less its interference. */
static void leave_block(const tile *t, size_t first, size_t end, const uint8_t *origin)
{
    const wsic_zsic *const p = t->problem;

    for (size_t k = 0; k < first; k++) {
        double *const column = t->y + k * t->lanes;
        for (size_t r = 0; r < t->rows; r++) {
            const size_t lane = r * t->survivors;
            for (size_t m = 0; m < t->survivors; m++)
                t->hand[lane + m] = column[lane + origin[lane + m]];
        }
        memcpy(column, t->hand, t->lanes * sizeof *column);
    }
    for (size_t k = first; k < end; k++) {
        for (size_t lane = 0; lane < t->lanes; lane++)
            t->y[k * t->lanes + lane] = p->alpha[k] * t->z[k * t->lanes + lane];
    }
    if (first > 0)
        wsic_gemm_subtract(t->lanes, first, end - first, t->y + first * t->lanes, t->lanes,
                           p->L + first, p->columns, t->y, t->lanes);
}

static bool decide_block(tile *t, size_t first, size_t end)
{
    uint8_t *const origin = t->origin + first / BLOCK_COLUMNS * t->lanes;

    for (size_t lane = 0; lane < t->lanes; lane++)
        origin[lane] = (uint8_t)(lane % t->survivors);
    for (size_t column = end; column-- > first;) {
        if (!decide_column(t, column, first, end, origin))
            return false;
    }
    leave_block(t, first, end, origin);
    return true;
}

/* --- one tile ------------------------------------------------------------------------ */

static void load(tile *t, const double *y, size_t ld)
{
    for (size_t k = 0; k < t->problem->columns; k++) {
        for (size_t lane = 0; lane < t->lanes; lane++)
            t->y[k * t->lanes + lane] = y[k * ld + lane / t->survivors];
    }
    for (size_t lane = 0; lane < t->lanes; lane++)
        t->metric[lane] = 0.0;
}

/* Follow the best survivor of a row back through the blocks, from the first columns, which
 * were decided last, to the last. */
static void trace_row(const tile *t, size_t row, double *y, int32_t *codes, size_t ld)
{
    const size_t n = t->problem->columns;
    size_t m = 0;

    for (size_t k = 0; k < n; k++) {
        const size_t lane = row * t->survivors + m;
        codes[k * ld + row] = t->z[k * t->lanes + lane];
        y[k * ld + row] = t->problem->alpha[k] * t->z[k * t->lanes + lane];
        if ((k + 1) % BLOCK_COLUMNS == 0)
            m = t->origin[k / BLOCK_COLUMNS * t->lanes + lane];
    }
}

typedef struct run {
    const wsic_env *env;
    const wsic_zsic *problem;
    size_t survivors;
    size_t rows;  /* to a tile */
    size_t batch; /* first tile of the batch */
    double *y;
    int32_t *codes;
    double *residual;    /* of each tile */
    wsic_status *status; /* of each tile */
} run;

static void run_tile(void *data, size_t index)
{
    const run *const r = data;
    const size_t number = r->batch + index, begin = number * r->rows;
    const size_t n = r->problem->columns, ld = r->problem->rows;
    const size_t rows = wsic_min_size(r->rows, ld - begin);
    tile t;

    r->status[number] = tile_create(r->env, r->problem, r->survivors, rows, &t);
    if (r->status[number] != WSIC_OK)
        return;
    load(&t, r->y + begin, ld);
    for (size_t block = block_count(n); block-- > 0;) {
        const size_t first = block * BLOCK_COLUMNS;
        if (!decide_block(&t, first, wsic_min_size(first + BLOCK_COLUMNS, n))) {
            r->status[number] =
                wsic_fail(r->env, WSIC_ERROR_RANGE, "a code leaves 32 bits: the step is too small");
            break;
        }
    }
    r->residual[number] = 0.0;
    for (size_t row = 0; row < rows && r->status[number] == WSIC_OK; row++) {
        r->residual[number] += t.metric[row * t.survivors];
        trace_row(&t, row, r->y + begin, r->codes + begin, ld);
    }
    tile_release(r->env, &t);
}

/* --- all ----------------------------------------------------------------------------- */

static wsic_status run_batches(run *r, const wsic_progress *progress, size_t tiles)
{
    for (r->batch = 0; r->batch < tiles; r->batch += BATCH_TILES) {
        const size_t count = wsic_min_size(BATCH_TILES, tiles - r->batch);
        const wsic_status status =
            wsic_progress_report(r->env, progress, (double)r->batch / (double)tiles);
        if (status != WSIC_OK)
            return status;
        wsic_parallel_for(r->env, count, run_tile, r);
        for (size_t k = r->batch; k < r->batch + count; k++) {
            if (r->status[k] != WSIC_OK)
                return r->status[k];
        }
    }
    return WSIC_OK;
}

static bool is_zero(const int32_t *codes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (codes[i] != 0)
            return false;
    }
    return true;
}

wsic_status wsic_kbest_run(const wsic_env *env, const wsic_progress *progress,
                           const wsic_zsic *problem, size_t survivors, double *y, int32_t *codes,
                           double *gamma, double *residual)
{
    const size_t rows = tile_rows(problem->rows, survivors);
    const size_t tiles = wsic_div_up(problem->rows, rows);
    wsic_status status = WSIC_OK;
    run r = {.env = env,
             .problem = problem,
             .survivors = survivors,
             .rows = rows,
             .y = y,
             .codes = codes};

    r.residual = wsic_alloc(env, tiles, sizeof *r.residual, &status);
    if (status == WSIC_OK)
        r.status = wsic_alloc(env, tiles, sizeof *r.status, &status);
    if (status == WSIC_OK)
        status = run_batches(&r, progress, tiles);
    *residual = 0.0;
    for (size_t k = 0; k < tiles && status == WSIC_OK; k++)
        *residual += r.residual[k];
    for (size_t j = 0; j < problem->columns && status == WSIC_OK; j++)
        gamma[j] = is_zero(codes + j * problem->rows, problem->rows) ? 0.0 : 1.0;
    wsic_free(env, r.status);
    wsic_free(env, r.residual);
    return status;
}
