/* SPDX-License-Identifier: MIT */
#include "coding/int_array.h"

#include "base/checked.h"
#include "coding/block.h"

static wsic_status fail(const wsic_env *env, const wsic_cursor *cursor, const char *name,
                        const char *what)
{
    if (cursor->failed)
        return wsic_fail(env, WSIC_ERROR_TRUNCATED, "the bytes end within the %s", name);
    return wsic_fail(env, WSIC_ERROR_FORMAT, "the %s are damaged: %s", name, what);
}

/* The model that the array names or brings along. */
static bool read_model(wsic_cursor *cursor, unsigned mode, wsic_model *model)
{
    const int32_t class_number = wsic_get_u8(cursor) * WSIC_ARRAY_CLASS_UNIT + WSIC_CLASS_LOWEST;

    if (cursor->failed || class_number > WSIC_CLASS_HIGHEST)
        return false;
    if (mode >= WSIC_ARRAY_BUILTIN) {
        wsic_model_builtin(model, mode - WSIC_ARRAY_BUILTIN, class_number, 0, NULL);
        return true;
    }
    wsic_bit_reader reader = {.data = cursor->data + cursor->position,
                              .size = wsic_cursor_left(cursor)};
    if (!wsic_model_read(&reader, class_number, model) || !wsic_bits_end(&reader))
        return false;
    wsic_take(cursor, wsic_bits_used(&reader));
    return true;
}

static bool add_base(int32_t *values, size_t count, int64_t base)
{
    for (size_t i = 0; i < count; i++) {
        const int64_t value = base + values[i];
        if (value < -WSIC_INT_ARRAY_LIMIT || value > WSIC_INT_ARRAY_LIMIT)
            return false;
        values[i] = (int32_t)value;
    }
    return true;
}

/* The differences to the base: a block of one column, one lane and one class. */
static wsic_status read_block(const wsic_env *env, wsic_cursor *cursor, const char *name,
                              const wsic_model *model, size_t count, int32_t *values)
{
    const int16_t column_class = 0;
    const wsic_block_shape shape = {
        .rows = count, .columns = 1, .lanes = 1, .classes = 1, .column_class = &column_class};
    const wsic_block_layout layout = {.row_stride = 1};
    const uint64_t size = wsic_get_varint(cursor);
    const uint8_t *const bytes = size <= SIZE_MAX ? wsic_take(cursor, (size_t)size) : NULL;
    wsic_status status;

    if (!bytes)
        return wsic_fail(env, WSIC_ERROR_TRUNCATED, "the bytes end within the %s", name);
    wsic_decode_table *const table = wsic_alloc(env, 1, sizeof *table, &status);
    if (!table)
        return status;
    wsic_decode_table_fill(table, model);
    const bool good = wsic_block_decode(&shape, &table, &layout, bytes, (size_t)size, values);
    wsic_free(env, table);
    return good ? WSIC_OK : fail(env, cursor, name, "what is coded does not end where it should");
}

wsic_status wsic_int_array_read(const wsic_env *env, wsic_cursor *cursor, const char *name,
                                size_t count, int32_t *values)
{
    if (count == 0)
        return WSIC_OK;
    const uint64_t head = wsic_get_varint(cursor);
    const unsigned mode = head & ((1U << WSIC_ARRAY_MODE_BITS) - 1);
    const uint64_t folded = head >> WSIC_ARRAY_MODE_BITS;
    const int64_t half = (int64_t)(folded >> 1);
    const int64_t base = folded & 1 ? ~half : half;
    wsic_model model;

    if (cursor->failed || mode >= WSIC_ARRAY_BUILTIN + WSIC_MODEL_SHAPES ||
        base < -WSIC_INT_ARRAY_LIMIT || base > WSIC_INT_ARRAY_LIMIT)
        return fail(env, cursor, name, "the head is impossible");
    if (mode == WSIC_ARRAY_CONSTANT) {
        for (size_t i = 0; i < count; i++)
            values[i] = (int32_t)base;
        return WSIC_OK;
    }
    if (!read_model(cursor, mode, &model))
        return fail(env, cursor, name, "the model is impossible");
    const wsic_status status = read_block(env, cursor, name, &model, count, values);
    if (status != WSIC_OK)
        return status;
    if (!add_base(values, count, base))
        return fail(env, cursor, name, "a value reaches 2^30");
    return WSIC_OK;
}
