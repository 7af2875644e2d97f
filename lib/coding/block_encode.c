/* SPDX-License-Identifier: MIT */
#include "coding/block.h"

#include "base/checked.h"

/* Elements are gathered in tiles, so that reading down the columns and coding along
 * the rows meet in the cache. */
enum { TILE_ROWS = 64 };

typedef struct encoder {
    const wsic_block_shape *shape;
    const wsic_model *models;
    const wsic_block_layout *layout;
    const int32_t *data;
    uint32_t states[WSIC_LANES_MAX];
    uint16_t *words; /* the first one written: they grow downwards */
    bool bypass;     /* something needs it */
} encoder;

typedef struct tile {
    size_t row;
    size_t rows;
    size_t column;
    size_t columns;
} tile;

/* An element as the words see it. */
typedef struct element {
    const wsic_model *model;
    int32_t value;
} element;

static inline element find_element(const encoder *coder, int32_t class_sum, int32_t datum)
{
    const size_t class_index = wsic_block_class(coder->shape, class_sum);

    if (!coder->shape->trellis)
        return (element){&coder->models[class_index], datum};
    return (element){
        &coder->models[WSIC_TRELLIS_CONTEXTS * class_index + wsic_token_context(datum)],
        wsic_token_index(datum)};
}

static tile make_tile(const encoder *coder, size_t column, size_t row)
{
    const wsic_block_shape *const shape = coder->shape;
    return (tile){.row = row,
                  .rows = wsic_min_size(shape->rows - row, TILE_ROWS),
                  .column = column,
                  .columns = wsic_min_size(shape->columns - column, shape->lanes)};
}

/* --- the words -------------------------------------------------------------- */

/* start | frequency << 16 of every element. */
static void gather(encoder *coder, const tile *part, uint32_t entries[][WSIC_LANES_MAX])
{
    const wsic_block_shape *const shape = coder->shape;
    uint32_t detours = 0;

    for (size_t lane = 0; lane < part->columns; lane++) {
        const size_t j = part->column + lane;
        const int32_t *const column = coder->data + wsic_layout_column(coder->layout, j);
        for (size_t i = 0; i < part->rows; i++) {
            const int32_t sum = wsic_block_row_class(shape, part->row + i) + shape->column_class[j];
            const int32_t datum = column[wsic_layout_row(coder->layout, part->row + i)];
            const element here = find_element(coder, sum, datum);
            const wsic_model *const model = here.model;
            const int32_t high =
                model->shift == 0 ? here.value : wsic_high_part(here.value, model->shift);
            const uint32_t symbol = wsic_model_symbol(model, high);
            entries[i][lane] = model->start[symbol] | wsic_model_frequency(model, symbol) << 16;
            detours |= (symbol == 0) | model->shift;
        }
    }
    coder->bypass |= detours != 0;
}

static uint32_t push(encoder *coder, uint32_t state, uint32_t entry)
{
    const uint32_t frequency = entry >> 16;

    if (state >= (uint64_t)frequency << (32 - WSIC_MODEL_BITS)) {
        *--coder->words = (uint16_t)state;
        state >>= 16;
    }
    return (state / frequency << WSIC_MODEL_BITS) + state % frequency + (entry & 0xFFFF);
}

static void push_tile(encoder *coder, const tile *part)
{
    uint32_t entries[TILE_ROWS][WSIC_LANES_MAX];

    gather(coder, part, entries);
    for (size_t i = part->rows; i-- > 0;) {
        for (size_t lane = part->columns; lane-- > 0;)
            coder->states[lane] = push(coder, coder->states[lane], entries[i][lane]);
    }
}

/* Backwards: a decoder pops what was pushed last. */
static void push_all(encoder *coder)
{
    const wsic_block_shape *const shape = coder->shape;

    for (size_t lane = 0; lane < shape->lanes; lane++)
        coder->states[lane] = WSIC_STATE_LOW;
    for (size_t group = wsic_div_up(shape->columns, shape->lanes); group-- > 0;) {
        for (size_t step = wsic_div_up(shape->rows, TILE_ROWS); step-- > 0;) {
            const tile part = make_tile(coder, group * shape->lanes, step * TILE_ROWS);
            push_tile(coder, &part);
        }
    }
}

/* --- the bypass -------------------------------------------------------------- */

static void put_detour(wsic_bit_writer *writer, const wsic_model *model, int32_t value)
{
    const int32_t high = wsic_high_part(value, model->shift);

    if (wsic_model_symbol(model, high) == 0) {
        wsic_put_golomb(writer, wsic_escape_distance(model, high));
        wsic_put_bits(writer, high < model->first, 1);
    }
    const uint64_t raised = (uint64_t)(int64_t)value + (uint64_t)wsic_shift_half(model->shift);
    wsic_put_bits(writer, raised & ((UINT64_C(1) << model->shift) - 1), model->shift);
}

static void put_tile(const encoder *coder, const tile *part, wsic_bit_writer *writer)
{
    const wsic_block_shape *const shape = coder->shape;

    for (size_t i = part->row; i < part->row + part->rows; i++) {
        const int32_t *const row = coder->data + wsic_layout_row(coder->layout, i);
        for (size_t j = part->column; j < part->column + part->columns; j++) {
            const int32_t sum = wsic_block_row_class(shape, i) + shape->column_class[j];
            const element here =
                find_element(coder, sum, row[wsic_layout_column(coder->layout, j)]);
            if (here.model->shift != 0 || wsic_model_symbol(here.model, here.value) == 0)
                put_detour(writer, here.model, here.value);
        }
    }
}

static void put_bypass(const encoder *coder, wsic_bytes *out)
{
    const wsic_block_shape *const shape = coder->shape;
    wsic_bit_writer writer = {.bytes = out};

    for (size_t column = 0; column < shape->columns; column += shape->lanes) {
        for (size_t row = 0; row < shape->rows; row += TILE_ROWS) {
            const tile part = make_tile(coder, column, row);
            put_tile(coder, &part, &writer);
        }
    }
    wsic_finish_bits(&writer);
}

/* --- putting it together ------------------------------------------------------ */

static void append_words(wsic_bytes *out, const uint16_t *words, size_t count)
{
    uint8_t *const start = wsic_bytes_extend(out, 2 * count);

    if (!start)
        return;
    for (size_t i = 0; i < count; i++) {
        start[2 * i] = (uint8_t)words[i];
        start[2 * i + 1] = (uint8_t)(words[i] >> 8);
    }
}

wsic_status wsic_block_encode(const wsic_env *env, const wsic_block_shape *shape,
                              const wsic_model *models, const wsic_block_layout *layout,
                              const int32_t *data, wsic_bytes *out)
{
    const size_t room = shape->rows * shape->columns; /* a word an element at the most */
    encoder coder = {.shape = shape, .models = models, .layout = layout, .data = data};
    wsic_status status;
    wsic_bytes bypass;

    uint16_t *const words = wsic_alloc(env, room, sizeof *words, &status);
    if (!words)
        return status;
    coder.words = words + room;
    push_all(&coder);
    wsic_bytes_init(&bypass, env);
    if (coder.bypass)
        put_bypass(&coder, &bypass);

    wsic_put_varint(out, bypass.size);
    for (size_t lane = 0; lane < shape->lanes; lane++)
        wsic_put_varint(out, coder.states[lane] - WSIC_STATE_LOW);
    append_words(out, coder.words, (size_t)(words + room - coder.words));
    wsic_bytes_append(out, bypass.data, bypass.size);
    status = bypass.status != WSIC_OK ? bypass.status : out->status;
    wsic_bytes_release(&bypass);
    wsic_free(env, words);
    return status;
}
