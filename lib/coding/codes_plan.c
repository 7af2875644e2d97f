/* SPDX-License-Identifier: MIT */
#include "coding/codes_plan.h"

#include <string.h>

#include "base/checked.h"
#include "coding/classes.h"
#include "coding/code_symbols.h"
#include "coding/codes_format.h"

enum {
    SMALL = 1 << 16,        /* codes up to which several ways are tried */
    MEDIUM = 1 << 17,       /* up to which classes of a quarter of an octave do, */
    FINE = 1 << 20,         /* and up to which those of an eighth do, */
    FINE_TRELLIS = 1 << 23, /* or do as there are models for contexts too */
    LARGE = 1 << 24,        /* from which there are streams for many threads, or for a GPU */
    STREAMS_OF_LARGE = 256,
    CODES_OF_STREAM = 9 << 14 /* 32 states of 4 bits to spare are 0.001 bit a code */
};

static void forget(const wsic_env *env, wsic_code_plan *plan)
{
    wsic_free(env, plan->model_at);
    wsic_free(env, plan->symbol_at);
    wsic_free(env, plan->symbol);
    wsic_free(env, plan->beyond);
    wsic_free(env, plan->what);
    wsic_free(env, plan->model);
    plan->model_at = NULL;
    plan->symbol_at = NULL;
    plan->symbol = NULL;
    plan->beyond = NULL;
    plan->what = NULL;
    plan->model = NULL;
    wsic_bytes_release(&plan->head);
    wsic_bytes_init(&plan->head, env);
}

void wsic_code_plan_release(const wsic_env *env, wsic_code_plan *plan)
{
    forget(env, plan);
    wsic_codes_data_release(env, &plan->data);
    wsic_free(env, plan->row);
    wsic_free(env, plan->row_class);
    wsic_free(env, plan->first_row);
    wsic_free(env, plan->live_column);
    wsic_free(env, plan->place);
    wsic_free(env, plan->keys);
    wsic_free(env, plan->form);
    wsic_free(env, plan->octet_class);
    *plan = (wsic_code_plan){.classes = 0};
    wsic_bytes_init(&plan->head, env);
}

/* --- classes -------------------------------------------------------------------- */

static int32_t *row_hints(const wsic_env *env, const wsic_code_plan *plan, wsic_status *status)
{
    const int32_t *const hint = plan->matrix->row_hint;
    int32_t *const hints = hint ? wsic_alloc(env, plan->live_rows, sizeof *hints, status) : NULL;

    for (size_t i = 0; hints && i < plan->live_rows; i++)
        hints[i] = wsic_hint_units(hint[plan->row[i]], plan->step);
    return hints;
}

static int32_t *octet_keys(const wsic_env *env, const wsic_code_plan *plan, wsic_status *status)
{
    int32_t *const keys = wsic_alloc(env, plan->octets, sizeof *keys, status);

    for (size_t k = 0; keys && k < plan->octets; k++)
        keys[k] = wsic_code_plan_octet_key(plan, k);
    return keys;
}

static wsic_status fit(const wsic_env *env, const wsic_magnitudes *magnitudes, bool fit_rows,
                       wsic_code_plan *plan)
{
    wsic_status status = WSIC_OK;
    int32_t *const hints = row_hints(env, plan, &status);
    int32_t *const keys = status == WSIC_OK ? octet_keys(env, plan, &status) : NULL;
    wsic_class_axis rows = {.count = plan->live_rows, .hint = hints, .classes = plan->row_class};
    wsic_class_axis octets = {
        .count = plan->octets, .hint = keys, .hint_stays = true, .classes = plan->octet_class};

    if (status == WSIC_OK)
        status = wsic_fit_classes(env, magnitudes, plan->place, plan->octet_log, plan->step,
                                  fit_rows, &rows, &octets, &plan->shape);
    wsic_free(env, hints);
    wsic_free(env, keys);
    return status;
}

typedef struct range {
    int32_t lowest;
    int32_t highest;
} range;

static range class_range(const int16_t *classes, size_t count)
{
    range found = {INT32_MAX, INT32_MIN};

    for (size_t i = 0; i < count; i++) {
        found.lowest = classes[i] < found.lowest ? classes[i] : found.lowest;
        found.highest = classes[i] > found.highest ? classes[i] : found.highest;
    }
    return found;
}

/* Count classes from the lowest one that has a model of its own. */
static void rebase(wsic_code_plan *plan)
{
    const range rows = class_range(plan->row_class, plan->live_rows);
    const range octets = class_range(plan->octet_class, plan->octets);
    const int32_t bottom = -(-WSIC_CLASS_LOWEST >> plan->step);
    const int32_t top = WSIC_CLASS_HIGHEST >> plan->step;
    const int32_t lowest = rows.lowest + octets.lowest;
    const int32_t highest = rows.highest + octets.highest;

    plan->base = lowest < bottom ? bottom : lowest > top ? top : lowest;
    plan->classes = (highest < bottom ? bottom : highest > top ? top : highest) - plan->base + 1;
    for (size_t k = 0; k < plan->octets; k++)
        plan->octet_class[k] = (int16_t)(plan->octet_class[k] - plan->base);
}

/* --- ways to go -------------------------------------------------------------------- */

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
    wsic_status status = wsic_code_plan_order(env, plan, magnitudes->deviation);
    if (status == WSIC_OK)
        status = fit(env, magnitudes, chosen.fit_rows, plan);
    if (status != WSIC_OK)
        return status;
    rebase(plan);
    status = wsic_code_plan_choose_forms(env, plan);
    if (status == WSIC_OK)
        status = wsic_code_plan_find_symbols(env, plan);
    if (status == WSIC_OK)
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
    const size_t fine = plan->is_trellis ? FINE_TRELLIS : FINE;
    way best = {.step = codes > fine ? 0 : codes > MEDIUM ? 1 : 2, .fit_rows = true};
    double least;
    double cost;

    wsic_status status = go(env, magnitudes, best, plan, &least);
    for (unsigned i = 1; small && status == WSIC_OK && i < 2 * (WSIC_CODES_STEP_MAX - 1); i++) {
        const way tried = {.step = 2 + i / 2, .fit_rows = i % 2 == 0};
        status = go(env, magnitudes, tried, plan, &cost);
        if (status == WSIC_OK && cost < least) {
            least = cost;
            best = tried;
        }
    }
    return small && status == WSIC_OK ? go(env, magnitudes, best, plan, &cost) : status;
}

/* Few lanes where their states would weigh: each costs about five bits. Vectors take 32. */
static unsigned choose_lanes(const wsic_code_plan *plan)
{
    if (plan->live_rows * plan->live_columns < SMALL || plan->live_columns <= 8)
        return 3;
    return plan->live_columns <= 16 ? 4 : 5;
}

/* Streams to a block. */
static size_t choose_streams(const wsic_code_plan *plan)
{
    const size_t rows = wsic_min_size(plan->block_rows, plan->live_rows);
    size_t wanted = (rows * plan->live_columns + CODES_OF_STREAM / 4) / CODES_OF_STREAM;

    if (plan->matrix->rows * plan->matrix->columns >= LARGE)
        wanted = wsic_max_size(wanted, wsic_div_up(STREAMS_OF_LARGE, plan->blocks));
    return wsic_min_size(wsic_max_size(wanted, 1), wsic_min_size(plan->groups, WSIC_STREAMS_MOST));
}

static wsic_status lay_out_groups(const wsic_env *env, wsic_code_plan *plan)
{
    wsic_status status;

    plan->lanes_log = choose_lanes(plan);
    plan->groups = wsic_div_up(plan->live_columns, wsic_code_plan_lanes(plan));
    plan->streams = choose_streams(plan);
    plan->form = wsic_alloc(env, plan->groups, sizeof *plan->form, &status);
    if (!plan->form)
        return status;
    plan->octet_class = wsic_alloc(env, plan->live_columns, sizeof *plan->octet_class, &status);
    return plan->octet_class ? WSIC_OK : status;
}

static wsic_status make(const wsic_env *env, wsic_code_plan *plan)
{
    wsic_magnitudes magnitudes;

    if (plan->live_columns == 0)
        return wsic_code_plan_put_head(env, plan);
    wsic_status status = lay_out_groups(env, plan);
    if (status == WSIC_OK)
        status = wsic_code_plan_take(env, plan, &magnitudes);
    if (status != WSIC_OK)
        return status;
    status = choose_way(env, &magnitudes, plan);
    wsic_magnitudes_release(env, &magnitudes);
    return status;
}

static bool is_zero(const wsic_code_matrix *matrix)
{
    for (size_t k = 0; k < matrix->rows * matrix->columns; k++) {
        if (matrix->codes[k] != 0)
            return false;
    }
    return true;
}

wsic_status wsic_code_plan_make(const wsic_env *env, const wsic_code_matrix *matrix,
                                size_t block_rows, wsic_code_plan *plan)
{
    if (matrix->rows > INT32_MAX || matrix->columns > INT32_MAX)
        return wsic_fail(env, WSIC_ERROR_TOO_LARGE, "%zu x %zu codes: neither may pass 2^31 - 1",
                         matrix->rows, matrix->columns);
    const size_t rows = wsic_code_row_at(matrix, matrix->rows - 1) + 1;
    *plan = (wsic_code_plan){.matrix = matrix,
                             .kind = is_zero(matrix) ? 0 : matrix->kind,
                             .block_rows = wsic_min_size(block_rows, rows),
                             .stride = 1};
    plan->block_rows = wsic_min_size(plan->block_rows, wsic_codes_block_rows_most(matrix->columns));
    plan->blocks = wsic_div_up(rows, plan->block_rows);
    plan->is_trellis = plan->kind != 0;
    if (plan->is_trellis) {
        wsic_trellis_make(&plan->trellis, plan->kind);
        plan->stride = wsic_min_size(wsic_max_size(matrix->row_stride, 1), matrix->rows);
    }
    wsic_bytes_init(&plan->head, env);
    wsic_status status = wsic_code_plan_lines(env, plan);
    if (status == WSIC_OK)
        status = make(env, plan);
    if (status != WSIC_OK)
        wsic_code_plan_release(env, plan);
    return status;
}
