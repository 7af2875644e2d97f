/* SPDX-License-Identifier: MIT */
#include "coding/codes_plan.h"

#include "coding/codes_format.h"
#include "coding/corrections_fit.h"
#include "coding/int_array.h"
#include "coding/model_fit.h"

static wsic_status put_dead(const wsic_env *env, const wsic_live_axis *axis, int32_t *scratch,
                            wsic_bytes *out)
{
    if (axis->count == axis->total)
        return WSIC_OK;
    for (size_t i = 0; i < axis->total; i++)
        scratch[i] = 1;
    for (size_t i = 0; i < axis->count; i++)
        scratch[axis->index[i]] = 0;
    return wsic_int_array_write(env, scratch, axis->total, out);
}

/* With the hint and without: what is shorter stays. */
static wsic_status put_classes(const wsic_env *env, const wsic_live_axis *axis, unsigned step,
                               int32_t *scratch, bool *hinted, wsic_bytes *out)
{
    wsic_bytes with_hint;

    *hinted = false;
    for (size_t i = 0; i < axis->count; i++)
        scratch[i] = axis->classes[i];
    const size_t before = out->size;
    wsic_status status = wsic_int_array_write(env, scratch, axis->count, out);
    if (status != WSIC_OK || !axis->hint)
        return status;
    for (size_t i = 0; i < axis->count; i++) {
        const int64_t difference =
            axis->classes[i] - (int64_t)wsic_hint_units(axis->hint[axis->index[i]], step);
        if (difference < -WSIC_INT_ARRAY_LIMIT || difference > WSIC_INT_ARRAY_LIMIT)
            return WSIC_OK;
        scratch[i] = (int32_t)difference;
    }
    wsic_bytes_init(&with_hint, env);
    status = wsic_int_array_write(env, scratch, axis->count, &with_hint);
    if (status == WSIC_OK && with_hint.size < out->size - before) {
        *hinted = true;
        out->size = before;
        wsic_bytes_append(out, with_hint.data, with_hint.size);
    }
    wsic_bytes_release(&with_hint);
    return status == WSIC_OK ? out->status : status;
}

static void put_models(const wsic_code_plan *plan, wsic_bytes *out)
{
    wsic_bit_writer writer = {.bytes = out};

    if (plan->corrected)
        wsic_corrections_write(&writer, &plan->corrections);
    for (size_t index = 0; plan->own_models && index < (size_t)plan->classes * plan->contexts;
         index++) {
        wsic_put_bits(&writer, plan->kinds[index] == WSIC_KIND_SHARED, 1);
        if (plan->kinds[index] == WSIC_KIND_SHARED)
            continue;
        wsic_put_bits(&writer, plan->kinds[index], WSIC_CODES_KIND_BITS);
        if (plan->kinds[index] == WSIC_KIND_TABLE)
            wsic_model_write(&writer, &plan->models[index]);
    }
    wsic_finish_bits(&writer);
}

/* The parts of the head that have to be made before its flags are known. */
typedef struct parts {
    wsic_bytes rows;
    wsic_bytes columns;
    bool row_hint;
    bool column_hint;
} parts;

static wsic_status put_axes(const wsic_env *env, const wsic_code_plan *plan, int32_t *scratch,
                            parts *made)
{
    wsic_status status = put_dead(env, &plan->rows, scratch, &made->rows);
    if (status == WSIC_OK)
        status = put_classes(env, &plan->rows, plan->step, scratch, &made->row_hint, &made->rows);
    if (status == WSIC_OK)
        status = put_dead(env, &plan->columns, scratch, &made->columns);
    if (status == WSIC_OK)
        status = put_classes(env, &plan->columns, plan->step, scratch, &made->column_hint,
                             &made->columns);
    return status;
}

static uint8_t second_byte(const wsic_code_plan *plan, const parts *made)
{
    return (uint8_t)(plan->lanes_log | plan->step << WSIC_CODES_STEP_SHIFT |
                     (made->row_hint ? WSIC_CODES_ROW_HINT : 0) |
                     (made->column_hint ? WSIC_CODES_COLUMN_HINT : 0) |
                     (plan->own_models ? WSIC_CODES_OWN_MODELS : 0));
}

static bool is_strided(const wsic_code_plan *plan)
{
    return plan->kind != 0 && plan->row_stride > 1;
}

static uint8_t third_byte(const wsic_code_plan *plan)
{
    return (uint8_t)(plan->shape | (plan->corrected ? WSIC_CODES_CORRECTED : 0) |
                     (is_strided(plan) ? WSIC_CODES_STRIDED : 0) |
                     (plan->rows.count < plan->rows.total ? WSIC_CODES_DEAD_ROWS : 0) |
                     (plan->columns.count < plan->columns.total ? WSIC_CODES_DEAD_COLUMNS : 0));
}

static void assemble(wsic_code_plan *plan, const parts *made)
{
    wsic_bytes *const out = &plan->head;

    wsic_put_u8(out, (uint8_t)plan->kind);
    wsic_put_u8(out, second_byte(plan, made));
    wsic_put_u8(out, third_byte(plan));
    wsic_put_varint(out, plan->block_rows);
    if (is_strided(plan))
        wsic_put_varint(out, plan->row_stride);
    wsic_put_varint(out, (uint64_t)plan->classes);
    wsic_put_signed(out, plan->base);
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
    wsic_put_varint(&plan->head, 0);
    return plan->head.status;
}

wsic_status wsic_code_plan_put_head(const wsic_env *env, wsic_code_plan *plan)
{
    const size_t room =
        plan->rows.total > plan->columns.total ? plan->rows.total : plan->columns.total;
    parts made = {.row_hint = false};
    wsic_status status;

    if (plan->classes == 0)
        return put_empty_head(plan);
    int32_t *const scratch = wsic_alloc(env, room, sizeof *scratch, &status);
    if (!scratch)
        return status;
    wsic_bytes_init(&made.rows, env);
    wsic_bytes_init(&made.columns, env);
    status = put_axes(env, plan, scratch, &made);
    if (status == WSIC_OK) {
        assemble(plan, &made);
        status = plan->head.status;
    }
    wsic_bytes_release(&made.rows);
    wsic_bytes_release(&made.columns);
    wsic_free(env, scratch);
    return status;
}
