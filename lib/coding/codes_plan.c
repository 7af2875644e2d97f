/* SPDX-License-Identifier: MIT */
#include "coding/codes_plan.h"

#include <string.h>

#include "base/checked.h"
#include "coding/classes.h"
#include "coding/codes_format.h"
#include "coding/row_order.h"

enum {
    SMALL = 1 << 14,       /* codes up to which several ways are tried */
    MEDIUM = 1 << 17,      /* and up to which the finest classes do not pay */
    CODES_TO_STATE = 65536 /* codes in a block for each lane: 24 bits are 0.0004 each */
};

void wsic_code_plan_release(const wsic_env *env, wsic_code_plan *plan)
{
    wsic_free(env, plan->rows.index);
    wsic_free(env, plan->rows.classes);
    wsic_free(env, plan->columns.index);
    wsic_free(env, plan->columns.classes);
    wsic_free(env, plan->tokens);
    wsic_free(env, plan->kinds);
    wsic_free(env, plan->models);
    wsic_bytes_release(&plan->head);
    *plan = (wsic_code_plan){.classes = 0};
    wsic_bytes_init(&plan->head, env);
}

/* --- dead rows and columns ----------------------------------------------------- */

static wsic_status make_axis(const wsic_env *env, size_t total, const int32_t *hint,
                             wsic_live_axis *axis)
{
    wsic_status status;

    *axis = (wsic_live_axis){.total = total, .hint = hint};
    axis->index = wsic_alloc(env, total, sizeof *axis->index, &status);
    if (!axis->index)
        return status;
    axis->classes = wsic_alloc(env, total, sizeof *axis->classes, &status);
    return axis->classes ? WSIC_OK : status;
}

static void list_live(wsic_live_axis *axis, const uint8_t *live)
{
    axis->count = 0;
    for (size_t i = 0; i < axis->total; i++) {
        if (live[i] != 0)
            axis->index[axis->count++] = (uint32_t)i;
    }
}

static void list_all(wsic_code_plan *plan)
{
    plan->rows.count = plan->rows.total;
    wsic_row_order_of_blocks(plan->rows.total, plan->block_rows, plan->row_stride,
                             plan->rows.index);
}

static void mark_live(const wsic_code_matrix *matrix, uint8_t *row_live, uint8_t *column_live)
{
    for (size_t j = 0; j < matrix->columns; j++) {
        const int32_t *const column = matrix->codes + j * matrix->rows;
        uint8_t some = 0;
        for (size_t i = 0; i < matrix->rows; i++) {
            const uint8_t nonzero = column[i] != 0;
            row_live[i] |= nonzero;
            some |= nonzero;
        }
        column_live[j] = some;
    }
}

static wsic_status find_live(const wsic_env *env, const wsic_code_matrix *matrix,
                             wsic_code_plan *plan)
{
    wsic_status status = make_axis(env, matrix->rows, matrix->row_hint, &plan->rows);
    if (status == WSIC_OK)
        status = make_axis(env, matrix->columns, matrix->column_hint, &plan->columns);
    if (status != WSIC_OK)
        return status;
    uint8_t *const live = wsic_alloc_zero(env, matrix->rows + matrix->columns, 1, &status);
    if (!live)
        return status;
    mark_live(matrix, live, live + matrix->rows);
    /* Zeros move the state of a trellis as others do: none of its rows is left out. */
    if (plan->kind != 0)
        list_all(plan);
    else
        list_live(&plan->rows, live);
    list_live(&plan->columns, live + matrix->rows);
    wsic_free(env, live);
    return WSIC_OK;
}

/* --- levels of a trellis --------------------------------------------------------- */

static bool is_zero(const wsic_code_matrix *matrix)
{
    for (size_t k = 0; k < matrix->rows * matrix->columns; k++) {
        if (matrix->codes[k] != 0)
            return false;
    }
    return true;
}

static wsic_status make_tokens(const wsic_env *env, const wsic_code_matrix *matrix,
                               wsic_code_plan *plan)
{
    wsic_status status;

    wsic_trellis_make(&plan->trellis, plan->kind);
    plan->tokens = wsic_alloc(env, matrix->rows * matrix->columns, sizeof *plan->tokens, &status);
    if (!plan->tokens)
        return status;
    plan->data = plan->tokens;
    for (size_t j = 0; j < matrix->columns; j++) {
        const int32_t *const levels = matrix->codes + j * matrix->rows;
        const size_t done =
            wsic_trellis_tokens(&plan->trellis, levels, matrix->rows, plan->block_rows,
                                plan->rows.index, plan->tokens + j * matrix->rows);
        if (done == matrix->rows)
            continue;
        const uint32_t row = plan->rows.index[done];
        return wsic_fail(env, WSIC_ERROR_ARGUMENT,
                         "code %d of row %u, column %zu is no level of the trellis",
                         (int)levels[row], (unsigned)row, j);
    }
    return WSIC_OK;
}

/* --- classes -------------------------------------------------------------------- */

static int32_t *hints_of_live(const wsic_env *env, const wsic_live_axis *axis, unsigned step,
                              wsic_status *status)
{
    int32_t *const hints = wsic_alloc(env, axis->count, sizeof *hints, status);

    for (size_t i = 0; hints && i < axis->count; i++)
        hints[i] = wsic_hint_units(axis->hint[axis->index[i]], step);
    return hints;
}

static wsic_status fit(const wsic_env *env, const wsic_magnitudes *magnitudes, bool fit_rows,
                       wsic_code_plan *plan)
{
    wsic_class_axis rows = {.count = plan->rows.count, .classes = plan->rows.classes};
    wsic_class_axis columns = {.count = plan->columns.count, .classes = plan->columns.classes};
    int32_t *row_hints = NULL;
    int32_t *column_hints = NULL;
    wsic_status status = WSIC_OK;

    if (plan->rows.hint)
        row_hints = hints_of_live(env, &plan->rows, plan->step, &status);
    if (plan->columns.hint && status == WSIC_OK)
        column_hints = hints_of_live(env, &plan->columns, plan->step, &status);
    rows.hint = row_hints;
    columns.hint = column_hints;
    if (status == WSIC_OK)
        status =
            wsic_fit_classes(env, magnitudes, plan->step, fit_rows, &rows, &columns, &plan->shape);
    wsic_free(env, row_hints);
    wsic_free(env, column_hints);
    return status;
}

typedef struct range {
    int32_t lowest;
    int32_t highest;
} range;

static range class_range(const wsic_live_axis *axis)
{
    range found = {INT32_MAX, INT32_MIN};

    for (size_t i = 0; i < axis->count; i++) {
        found.lowest = axis->classes[i] < found.lowest ? axis->classes[i] : found.lowest;
        found.highest = axis->classes[i] > found.highest ? axis->classes[i] : found.highest;
    }
    return found;
}

/* Count classes from the lowest one that has a model of its own. */
static void rebase(wsic_code_plan *plan)
{
    const range rows = class_range(&plan->rows);
    const range columns = class_range(&plan->columns);
    const int32_t bottom = -(-WSIC_CLASS_LOWEST >> plan->step);
    const int32_t top = WSIC_CLASS_HIGHEST >> plan->step;
    const int32_t lowest = rows.lowest + columns.lowest;
    const int32_t highest = rows.highest + columns.highest;

    plan->base = lowest < bottom ? bottom : lowest > top ? top : lowest;
    plan->classes = (highest < bottom ? bottom : highest > top ? top : highest) - plan->base + 1;
    for (size_t j = 0; j < plan->columns.count; j++)
        plan->columns.classes[j] = (int16_t)(plan->columns.classes[j] - plan->base);
}

/* --- ways to go -------------------------------------------------------------------- */

static void forget(const wsic_env *env, wsic_code_plan *plan)
{
    wsic_free(env, plan->kinds);
    wsic_free(env, plan->models);
    plan->kinds = NULL;
    plan->models = NULL;
    wsic_bytes_release(&plan->head);
}

typedef struct way {
    unsigned step;
    bool fit_rows;
} way;

/* Decide everything else, given the way; *cost in bits. */
static wsic_status go(const wsic_env *env, const wsic_magnitudes *magnitudes, way chosen,
                      wsic_code_plan *plan, double *cost)
{
    forget(env, plan);
    plan->step = chosen.step;
    wsic_status status = fit(env, magnitudes, chosen.fit_rows, plan);
    if (status != WSIC_OK)
        return status;
    rebase(plan);
    status = wsic_code_plan_choose_models(env, plan);
    if (status == WSIC_OK)
        status = wsic_code_plan_put_head(env, plan);
    *cost = plan->bits + 8.0 * (double)plan->head.size;
    return status;
}

/* Coarse classes and equal rows can only pay where the classes weigh as much as the
 * codes: on small matrices, where trying costs nothing. */
static wsic_status choose_way(const wsic_env *env, const wsic_magnitudes *magnitudes,
                              wsic_code_plan *plan)
{
    const size_t codes = magnitudes->rows * magnitudes->columns;
    const bool small = codes <= SMALL;
    way best = {.step = codes > MEDIUM ? 0 : 1, .fit_rows = true};
    double least;
    double cost;

    wsic_status status = go(env, magnitudes, best, plan, &least);
    for (unsigned i = 1; small && status == WSIC_OK && i < 2 * WSIC_CODES_STEP_MAX; i++) {
        const way tried = {.step = 1 + i / 2, .fit_rows = i % 2 == 0};
        status = go(env, magnitudes, tried, plan, &cost);
        if (status == WSIC_OK && cost < least) {
            least = cost;
            best = tried;
        }
    }
    return small && status == WSIC_OK ? go(env, magnitudes, best, plan, &cost) : status;
}

/* Few enough lanes that their states do not matter. */
static unsigned choose_lanes(const wsic_code_plan *plan)
{
    const size_t blocks = wsic_div_up(plan->rows.total, plan->block_rows);
    const size_t codes = plan->rows.count * plan->columns.count / blocks;
    unsigned lanes_log = 0;

    while (lanes_log < WSIC_CODES_LANES_LOG_MAX && (size_t)2 << lanes_log <= plan->columns.count &&
           ((size_t)CODES_TO_STATE * 2) << lanes_log <= codes)
        lanes_log++;
    return lanes_log;
}

static wsic_status make(const wsic_env *env, wsic_code_plan *plan)
{
    const wsic_block_layout layout = {.row_index = plan->rows.index,
                                      .column_index = plan->columns.index,
                                      .row_stride = 1,
                                      .column_stride = plan->rows.total};
    wsic_magnitudes magnitudes;

    if (plan->rows.count == 0)
        return wsic_code_plan_put_head(env, plan);
    plan->lanes_log = choose_lanes(plan);
    wsic_status status = wsic_magnitudes_create(env, plan->data, plan->kind != 0, plan->rows.count,
                                                plan->columns.count, &layout, &magnitudes);
    if (status != WSIC_OK)
        return status;
    status = choose_way(env, &magnitudes, plan);
    wsic_magnitudes_release(env, &magnitudes);
    return status;
}

wsic_status wsic_code_plan_make(const wsic_env *env, const wsic_code_matrix *matrix,
                                size_t block_rows, wsic_code_plan *plan)
{
    if (matrix->rows > UINT32_MAX || matrix->columns > UINT32_MAX)
        return wsic_fail(env, WSIC_ERROR_TOO_LARGE, "%zu x %zu codes: neither may pass 2^32 - 1",
                         matrix->rows, matrix->columns);
    *plan = (wsic_code_plan){.kind = is_zero(matrix) ? 0 : matrix->kind,
                             .data = matrix->codes,
                             .block_rows = wsic_min_size(block_rows, matrix->rows),
                             .row_stride = wsic_max_size(matrix->row_stride, 1)};
    plan->contexts = plan->kind == 0 ? 1 : WSIC_TRELLIS_CONTEXTS;
    wsic_bytes_init(&plan->head, env);
    wsic_status status = find_live(env, matrix, plan);
    if (status == WSIC_OK && plan->kind != 0)
        status = make_tokens(env, matrix, plan);
    if (status == WSIC_OK)
        status = make(env, plan);
    if (status != WSIC_OK)
        wsic_code_plan_release(env, plan);
    return status;
}
