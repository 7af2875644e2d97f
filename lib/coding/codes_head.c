/* SPDX-License-Identifier: MIT */
#include "coding/codes_plan.h"

#include "base/checked.h"
#include "coding/codes_format.h"
#include "coding/corrections_fit.h"
#include "coding/int_array.h"
#include "coding/model_fit.h"

/* --- arrays --------------------------------------------------------------------------- */

/* Marks of those that are not listed; lines are in any order. */
static wsic_status put_dead(const wsic_env *env, const uint32_t *live, size_t count, size_t total,
                            int32_t *scratch, wsic_bytes *out)
{
    if (count == total)
        return WSIC_OK;
    for (size_t i = 0; i < total; i++)
        scratch[i] = 1;
    for (size_t i = 0; i < count; i++)
        scratch[live[i]] = 0;
    return wsic_int_array_write(env, scratch, total, out);
}

/* Classes as numbers and what is known about them beforehand, in units; hint may be NULL. */
typedef struct hinted_array {
    int32_t *values;
    const int64_t *hint;
    size_t count;
} hinted_array;

/* With the hint and without: what is shorter stays. */
static wsic_status put_classes(const wsic_env *env, const hinted_array *array, bool *hinted,
                               wsic_bytes *out)
{
    const size_t before = out->size;
    wsic_bytes with_hint;

    *hinted = false;
    wsic_status status = wsic_int_array_write(env, array->values, array->count, out);
    if (status != WSIC_OK || !array->hint)
        return status;
    for (size_t i = 0; i < array->count; i++) {
        const int64_t difference = array->values[i] - array->hint[i];
        if (difference < -WSIC_INT_ARRAY_LIMIT || difference > WSIC_INT_ARRAY_LIMIT)
            return WSIC_OK;
        array->values[i] = (int32_t)difference;
    }
    wsic_bytes_init(&with_hint, env);
    status = wsic_int_array_write(env, array->values, array->count, &with_hint);
    if (status == WSIC_OK && with_hint.size < out->size - before) {
        *hinted = true;
        out->size = before;
        wsic_bytes_append(out, with_hint.data, with_hint.size);
    }
    wsic_bytes_release(&with_hint);
    return status == WSIC_OK ? out->status : status;
}

/* Room for an array of either axis. */
typedef struct array_room {
    int32_t *values;
    int64_t *hints;
} array_room;

/* The classes of the rows, which are known as they are coded, in the order of the matrix. */
static wsic_status put_row_classes(const wsic_env *env, const wsic_code_plan *plan,
                                   const array_room *room, bool *hinted, wsic_bytes *out)
{
    const int32_t *const hint = plan->matrix->row_hint;
    hinted_array array = {.values = room->values, .hint = hint ? room->hints : NULL, .count = 0};

    for (size_t i = 0; i < plan->matrix->rows; i++)
        room->hints[i] = INT64_MAX;
    for (size_t i = 0; i < plan->live_rows; i++)
        room->hints[plan->row[i]] = plan->row_class[i];
    for (size_t i = 0; i < plan->matrix->rows; i++) {
        if (room->hints[i] == INT64_MAX)
            continue;
        array.values[array.count] = (int32_t)room->hints[i];
        room->hints[array.count++] = hint ? wsic_hint_units(hint[i], plan->step) : 0;
    }
    return put_classes(env, &array, hinted, out);
}

/* What an octet's class is less its first column's key. */
static wsic_status put_octet_classes(const wsic_env *env, const wsic_code_plan *plan,
                                     int32_t *scratch, wsic_bytes *out)
{
    for (size_t k = 0; k < plan->octets; k++)
        scratch[k] = plan->octet_class[k] - wsic_code_plan_octet_key(plan, k);
    return wsic_int_array_write(env, scratch, plan->octets, out);
}

/* --- models ---------------------------------------------------------------------------- */

static void put_models(const wsic_code_plan *plan, wsic_bytes *out)
{
    wsic_bit_writer writer = {.bytes = out};

    if (plan->corrected)
        wsic_corrections_write(&writer, &plan->corrections);
    for (size_t index = 0; plan->own_models && index < plan->models; index++) {
        const bool has_table = plan->what[index].has_table;
        wsic_put_bits(&writer, !has_table, 1);
        if (has_table)
            wsic_model_write(&writer, &plan->model[index]);
    }
    wsic_finish_bits(&writer);
}

/* --- all ------------------------------------------------------------------------------- */

/* The parts of the head that have to be made before its flags are known. */
typedef struct parts {
    wsic_bytes rows;
    wsic_bytes columns;
    bool row_hint;
} parts;

static wsic_status put_rows(const wsic_env *env, const wsic_code_plan *plan, const array_room *room,
                            parts *made)
{
    const wsic_status status =
        put_dead(env, plan->row, plan->live_rows, plan->matrix->rows, room->values, &made->rows);
    return status == WSIC_OK ? put_row_classes(env, plan, room, &made->row_hint, &made->rows)
                             : status;
}

static wsic_status put_columns(const wsic_env *env, const wsic_code_plan *plan,
                               const array_room *room, parts *made)
{
    wsic_status status = put_dead(env, plan->live_column, plan->live_columns, plan->matrix->columns,
                                  room->values, &made->columns);

    if (status == WSIC_OK && (plan->order & WSIC_ORDER_KEYS) != 0)
        status = wsic_int_array_write(env, plan->keys, plan->live_columns, &made->columns);
    return status == WSIC_OK ? put_octet_classes(env, plan, room->values, &made->columns) : status;
}

static uint8_t second_byte(const wsic_code_plan *plan, const parts *made)
{
    return (uint8_t)((plan->lanes_log - WSIC_CODES_LANES_LOG_LEAST) |
                     plan->step << WSIC_CODES_STEP_SHIFT |
                     (made->row_hint ? WSIC_CODES_ROW_HINT : 0) |
                     (plan->octet_log == 0 ? WSIC_CODES_COLUMN_CLASSES : 0) |
                     plan->order << WSIC_CODES_ORDER_SHIFT);
}

static uint8_t third_byte(const wsic_code_plan *plan)
{
    return (uint8_t)(plan->shape | (plan->corrected ? WSIC_CODES_CORRECTED : 0) |
                     (plan->own_models ? WSIC_CODES_OWN_MODELS : 0) |
                     (plan->live_rows < plan->matrix->rows ? WSIC_CODES_DEAD_ROWS : 0) |
                     (plan->live_columns < plan->matrix->columns ? WSIC_CODES_DEAD_COLUMNS : 0));
}

static void assemble(wsic_code_plan *plan, const parts *made)
{
    wsic_bytes *const out = &plan->head;

    wsic_put_u8(out, (uint8_t)plan->kind);
    wsic_put_u8(out, second_byte(plan, made));
    wsic_put_u8(out, third_byte(plan));
    wsic_put_varint(out, plan->block_rows);
    wsic_put_varint(out, plan->stride);
    wsic_put_varint(out, (uint64_t)plan->classes);
    wsic_put_signed(out, plan->base);
    wsic_put_signed(out, plan->form_class);
    wsic_put_varint(out, plan->streams);
    wsic_bytes_append(out, made->rows.data, made->rows.size);
    wsic_bytes_append(out, made->columns.data, made->columns.size);
    put_models(plan, out);
    plan->head_rows = made->rows.size;
}

/* Of a matrix of zeros: no flag is set, and nothing follows the number of classes. */
static wsic_status put_empty_head(wsic_code_plan *plan)
{
    for (int i = 0; i < 3; i++)
        wsic_put_u8(&plan->head, 0);
    wsic_put_varint(&plan->head, plan->block_rows);
    wsic_put_varint(&plan->head, 1);
    wsic_put_varint(&plan->head, 0);
    return plan->head.status;
}

static wsic_status put_head(const wsic_env *env, wsic_code_plan *plan, const array_room *room)
{
    parts made = {.row_hint = false};

    wsic_bytes_init(&made.rows, env);
    wsic_bytes_init(&made.columns, env);
    wsic_status status = put_rows(env, plan, room, &made);
    if (status == WSIC_OK)
        status = put_columns(env, plan, room, &made);
    if (status == WSIC_OK) {
        assemble(plan, &made);
        status = plan->head.status;
    }
    wsic_bytes_release(&made.rows);
    wsic_bytes_release(&made.columns);
    return status;
}

wsic_status wsic_code_plan_put_head(const wsic_env *env, wsic_code_plan *plan)
{
    const size_t longest = wsic_max_size(plan->matrix->rows, plan->matrix->columns);
    array_room room;
    wsic_status status;

    if (plan->classes == 0)
        return put_empty_head(plan);
    room.values = wsic_alloc(env, longest, sizeof *room.values, &status);
    if (!room.values)
        return status;
    room.hints = wsic_alloc(env, longest, sizeof *room.hints, &status);
    if (room.hints)
        status = put_head(env, plan, &room);
    wsic_free(env, room.hints);
    wsic_free(env, room.values);
    return status;
}
