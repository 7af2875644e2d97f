/* SPDX-License-Identifier: MIT */
#include "coding/block.h"

#include <string.h>

#include "base/checked.h"

void wsic_decode_table_fill(wsic_decode_table *table, const wsic_model *model)
{
    for (uint32_t symbol = 0; symbol < model->symbols; symbol++) {
        const uint32_t frequency = wsic_model_frequency(model, symbol);
        table->ranges[symbol] = model->start[symbol] | frequency << 16;
        memset(table->symbols + model->start[symbol], (int)symbol, frequency);
    }
    table->value = model->first - 1;
    table->detour = model->shift == 0 ? 0 : WSIC_MODEL_SYMBOLS;
    table->model = *model;
}

typedef struct decoder {
    const wsic_block_shape *shape;
    wsic_decode_table *const *tables;
    uint32_t states[WSIC_LANES_MAX];
    uint16_t trellis_states[WSIC_LANES_MAX]; /* 4 * state + context */
    const uint8_t *words;                    /* next one */
    const uint8_t *words_end;
    wsic_bit_reader bypass;
    bool failed;
} decoder;

/* The columns that the lanes stand on. */
typedef struct lane_group {
    size_t width;
    const int16_t *column_class;
    size_t offset[WSIC_LANES_MAX];
} lane_group;

/* A value that the words alone do not give: an escape, or one with low bits. */
static int32_t take_detour(decoder *coder, const wsic_model *model, uint32_t symbol)
{
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
    if (value < INT32_MIN || value > INT32_MAX) {
        coder->failed = true;
        return 0;
    }
    return (int32_t)value;
}

/* An index becomes a level and moves the lane's state. */
static inline int32_t follow_trellis(decoder *coder, size_t lane, int32_t index)
{
    const uint32_t state = coder->trellis_states[lane];

    coder->trellis_states[lane] = (uint16_t)wsic_trellis_move(coder->shape->trellis, state, index);
    if (index > WSIC_TRELLIS_INDEX_MOST || index < -WSIC_TRELLIS_INDEX_MOST) {
        coder->failed = true;
        return 0;
    }
    return wsic_trellis_level(wsic_context_codebook(state % WSIC_TRELLIS_CONTEXTS), index);
}

static inline const wsic_decode_table *find_table(const decoder *coder, size_t lane, int32_t sum,
                                                  bool trellis)
{
    const size_t class_index = wsic_block_class(coder->shape, sum);

    if (!trellis)
        return coder->tables[class_index];
    return coder->tables[WSIC_TRELLIS_CONTEXTS * class_index +
                         coder->trellis_states[lane] % WSIC_TRELLIS_CONTEXTS];
}

/* One row of a group. As long as there is a word for every lane no look at the end is
 * needed; careful is for the rest. Both flags are constants wherever this is inlined. */
static inline void decode_row(decoder *coder, const lane_group *group, int32_t row_class,
                              int32_t *out, bool careful, bool trellis)
{
    const uint8_t *words = coder->words;

    for (size_t lane = 0; lane < group->width; lane++) {
        const int32_t sum = row_class + group->column_class[lane];
        const wsic_decode_table *const table = find_table(coder, lane, sum, trellis);
        const uint32_t state = coder->states[lane];
        const uint32_t slot = state & (WSIC_MODEL_TOTAL - 1);
        const uint32_t symbol = table->symbols[slot];
        const uint32_t range = table->ranges[symbol];
        uint32_t next = (range >> 16) * (state >> WSIC_MODEL_BITS) + slot - (range & 0xFFFF);

        if (careful && words == coder->words_end) {
            if (next < WSIC_STATE_LOW) {
                coder->failed = true;
                return;
            }
        } else {
            /* Without a branch: whether a word is due cannot be predicted. */
            const uint32_t word = words[0] | (uint32_t)words[1] << 8;
            const uint32_t due = next < WSIC_STATE_LOW;
            next = next << 16 * due | (word & (0 - due));
            words += 2 * due;
        }
        coder->states[lane] = next;
        const int32_t value = symbol <= table->detour ? take_detour(coder, &table->model, symbol)
                                                      : table->value + (int32_t)symbol;
        out[group->offset[lane]] = trellis ? follow_trellis(coder, lane, value) : value;
    }
    coder->words = words;
}

static inline void decode_rows(decoder *coder, const lane_group *group,
                               const wsic_block_layout *layout, int32_t *data, bool trellis)
{
    const wsic_block_shape *const shape = coder->shape;

    for (size_t i = 0; i < shape->rows && !coder->failed; i++) {
        int32_t *const row = data + wsic_layout_row(layout, i);
        const size_t left = (size_t)(coder->words_end - coder->words);
        if (left >= 2 * group->width)
            decode_row(coder, group, wsic_block_row_class(shape, i), row, false, trellis);
        else
            decode_row(coder, group, wsic_block_row_class(shape, i), row, true, trellis);
    }
}

static void decode_group(decoder *coder, const lane_group *group, const wsic_block_layout *layout,
                         int32_t *data)
{
    if (!coder->shape->trellis) {
        decode_rows(coder, group, layout, data, false);
        return;
    }
    for (size_t lane = 0; lane < group->width; lane++)
        coder->trellis_states[lane] = coder->shape->trellis->context[0];
    decode_rows(coder, group, layout, data, true);
}

/* Split the bytes into states, words and bypass. */
static bool start(decoder *coder, const uint8_t *bytes, size_t size)
{
    wsic_cursor cursor = wsic_cursor_make(bytes, size);
    const uint64_t bypass = wsic_get_varint(&cursor);

    for (size_t lane = 0; lane < coder->shape->lanes; lane++) {
        const uint64_t state = wsic_get_varint(&cursor) + WSIC_STATE_LOW;
        if (state < WSIC_STATE_LOW || state > UINT32_MAX)
            return false;
        coder->states[lane] = (uint32_t)state;
    }
    const size_t left = wsic_cursor_left(&cursor);
    if (cursor.failed || bypass > left || (left - bypass) % 2 != 0)
        return false;
    coder->words = bytes + cursor.position;
    coder->words_end = coder->words + (left - bypass);
    coder->bypass = (wsic_bit_reader){.data = coder->words_end, .size = (size_t)bypass};
    return true;
}

/* An encoder starts from the lowest state and leaves nothing over. */
static bool ended_well(const decoder *coder)
{
    for (size_t lane = 0; lane < coder->shape->lanes; lane++) {
        if (coder->states[lane] != WSIC_STATE_LOW)
            return false;
    }
    return coder->words == coder->words_end && wsic_bits_end(&coder->bypass) &&
           wsic_bits_used(&coder->bypass) == coder->bypass.size;
}

bool wsic_block_decode(const wsic_block_shape *shape, wsic_decode_table *const *tables,
                       const wsic_block_layout *layout, const uint8_t *bytes, size_t size,
                       int32_t *data)
{
    decoder coder = {.shape = shape, .tables = tables};
    lane_group group;

    if (!start(&coder, bytes, size))
        return false;
    for (size_t column = 0; column < shape->columns && !coder.failed; column += shape->lanes) {
        group.width = wsic_min_size(shape->columns - column, shape->lanes);
        group.column_class = shape->column_class + column;
        for (size_t lane = 0; lane < group.width; lane++)
            group.offset[lane] = wsic_layout_column(layout, column + lane);
        decode_group(&coder, &group, layout, data);
        coder.failed |= coder.bypass.failed;
    }
    return !coder.failed && ended_well(&coder);
}
