/* SPDX-License-Identifier: MIT */
#include "coding/int_array.h"

#include "coding/stream_take.h"

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

/* The differences are the tail of a stream that has no other part. */
typedef struct lane {
    uint32_t state;
    wsic_word_source words;
    wsic_bit_reader planes;
    bool failed;
} lane;

static bool start_lane(lane *coder, uint64_t plane_bits, const uint8_t *bytes, size_t size)
{
    wsic_bit_reader head = {.data = bytes, .size = size};
    const uint32_t state = wsic_read_state(&head, WSIC_TAIL_EXPONENT_BITS, 0);
    const size_t used = wsic_bits_used(&head);
    const uint64_t planes = (plane_bits + 7) / 8;

    if (!wsic_bits_end(&head) || planes > size - used || (size - used - planes) % 2 != 0)
        return false;
    const uint8_t *const end = bytes + (size - (size_t)planes);
    *coder = (lane){.state = state,
                    .words = {.next = bytes + used, .end = end, .may_end = true},
                    .planes = {.data = end, .size = (size_t)planes}};
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
    wsic_leave_symbol(&coder->state, model->start[symbol], wsic_model_frequency(model, symbol));
    wsic_take_word(&coder->words, &coder->state);
    return symbol;
}

static int64_t take_escape(lane *coder, const wsic_model *model)
{
    wsic_taken_escape one = {.place = 0};

    wsic_take_escape(&coder->words, &coder->state, &one);
    const int64_t distance = (INT64_C(1) << one.length) - 1 + one.bits;
    return one.below ? (int64_t)model->first - 1 - distance
                     : (int64_t)model->first + model->symbols - 1 + distance;
}

static int32_t take_value(lane *coder, const wsic_model *model)
{
    const uint32_t symbol = take_symbol(coder, model);
    const int64_t high =
        symbol == 0 ? take_escape(coder, model) : (int64_t)model->first + symbol - 1;
    const int64_t low = wsic_get_bits(&coder->planes, model->shift);
    /* |high| is below 2^33 and the shift at most 28: no overflow. */
    const int64_t value = high * (INT64_C(1) << model->shift) - wsic_shift_half(model->shift) + low;

    coder->failed |= value < INT32_MIN || value > INT32_MAX;
    return coder->failed ? 0 : (int32_t)value;
}

/* An encoder starts from the lowest state and leaves nothing over. */
static bool ended_well(const lane *coder)
{
    return !coder->failed && coder->state == WSIC_TAIL_STATE &&
           coder->words.next == coder->words.end && wsic_bits_end(&coder->planes);
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
    bool good = start_lane(&coder, (uint64_t)count * model->shift, bytes, (size_t)size);
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
