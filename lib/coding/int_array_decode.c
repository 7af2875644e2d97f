/* SPDX-License-Identifier: MIT */
#include "coding/int_array.h"

#include "coding/model.h"

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
    const wsic_model_frame frame = wsic_array_frame(class_number);
    if (mode >= WSIC_ARRAY_BUILTIN) {
        wsic_model_builtin(model, mode - WSIC_ARRAY_BUILTIN, &frame, NULL);
        return true;
    }
    wsic_bit_reader reader = {.data = cursor->data + cursor->position,
                              .size = wsic_cursor_left(cursor)};
    if (!wsic_model_read(&reader, &frame, model) || !wsic_bits_end(&reader))
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

/* One lane of coded numbers. */
typedef struct lane {
    uint32_t state;
    const uint8_t *words; /* next one */
    const uint8_t *words_end;
    wsic_bit_reader bypass;
    bool failed;
} lane;

static bool start_lane(lane *coder, const uint8_t *bytes, size_t size)
{
    wsic_cursor cursor = wsic_cursor_make(bytes, size);
    const uint64_t bypass = wsic_get_varint(&cursor);
    const uint64_t state = wsic_get_varint(&cursor) + WSIC_STATE_LOW;
    const size_t left = wsic_cursor_left(&cursor);

    if (cursor.failed || state < WSIC_STATE_LOW || state > UINT32_MAX || bypass > left ||
        (left - bypass) % 2 != 0)
        return false;
    *coder = (lane){.state = (uint32_t)state, .words = bytes + cursor.position};
    coder->words_end = coder->words + (left - bypass);
    coder->bypass = (wsic_bit_reader){.data = coder->words_end, .size = (size_t)bypass};
    return true;
}

static uint32_t take_symbol(lane *coder, const wsic_model *model)
{
    const uint32_t slot = coder->state % WSIC_MODEL_TOTAL;
    uint32_t symbol = 0;
    uint32_t beyond = model->symbols;

    while (beyond - symbol > 1) {
        const uint32_t middle = (symbol + beyond) / 2;
        if (model->start[middle] <= slot)
            symbol = middle;
        else
            beyond = middle;
    }
    coder->state = wsic_model_frequency(model, symbol) * (coder->state >> WSIC_MODEL_BITS) + slot -
                   model->start[symbol];
    if (coder->state < WSIC_STATE_LOW) {
        if (coder->words == coder->words_end) {
            coder->failed = true;
            return 0;
        }
        const uint32_t word = coder->words[0] | (uint32_t)coder->words[1] << 8;
        coder->state = coder->state << 16 | word;
        coder->words += 2;
    }
    return symbol;
}

static int32_t take_value(lane *coder, const wsic_model *model)
{
    const uint32_t symbol = take_symbol(coder, model);
    int64_t high = (int64_t)model->first + symbol - 1;

    if (symbol == 0) {
        const int64_t distance = wsic_get_golomb(&coder->bypass);
        if (wsic_get_bits(&coder->bypass, 1) != 0)
            high = (int64_t)model->first - 1 - distance;
        else
            high = (int64_t)model->first + model->symbols - 1 + distance;
    }
    const int64_t low = wsic_get_bits(&coder->bypass, model->shift);
    /* |high| is below 2^33 and the shift at most 28: no overflow. */
    const int64_t value = high * (INT64_C(1) << model->shift) - wsic_shift_half(model->shift) + low;
    coder->failed |= value < INT32_MIN || value > INT32_MAX || coder->bypass.failed;
    return coder->failed ? 0 : (int32_t)value;
}

/* An encoder starts from the lowest state and leaves nothing over. */
static bool ended_well(const lane *coder)
{
    return !coder->failed && coder->state == WSIC_STATE_LOW && coder->words == coder->words_end &&
           wsic_bits_end(&coder->bypass) && wsic_bits_used(&coder->bypass) == coder->bypass.size;
}

/* The differences to the base. */
static wsic_status read_differences(const wsic_env *env, wsic_cursor *cursor, const char *name,
                                    const wsic_model *model, size_t count, int32_t *values)
{
    const uint64_t size = wsic_get_varint(cursor);
    const uint8_t *const bytes = size <= SIZE_MAX ? wsic_take(cursor, (size_t)size) : NULL;
    lane coder;

    if (!bytes)
        return wsic_fail(env, WSIC_ERROR_TRUNCATED, "the bytes end within the %s", name);
    bool good = start_lane(&coder, bytes, (size_t)size);
    for (size_t i = 0; i < count && good; i++) {
        values[i] = take_value(&coder, model);
        good = !coder.failed;
    }
    return good && ended_well(&coder)
               ? WSIC_OK
               : fail(env, cursor, name, "what is coded does not end where it should");
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
    const wsic_status status = read_differences(env, cursor, name, &model, count, values);
    if (status != WSIC_OK)
        return status;
    if (!add_base(values, count, base))
        return fail(env, cursor, name, "a value reaches 2^30");
    return WSIC_OK;
}
