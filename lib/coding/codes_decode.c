/* SPDX-License-Identifier: MIT */
#include "coding/codes.h"

#include <string.h>

#include "base/checked.h"
#include "coding/block.h"
#include "coding/codes_format.h"
#include "coding/corrections.h"
#include "coding/int_array.h"
#include "coding/row_order.h"

enum {
    CLASSES_MAX = WSIC_CLASS_HIGHEST - WSIC_CLASS_LOWEST + 1,
    MODELS_MAX = WSIC_TRELLIS_CONTEXTS * CLASSES_MAX
};

/* Rows or columns of which not all codes are zero. */
typedef struct live_axis {
    size_t total;
    size_t count;
    uint32_t *index;
    int16_t *classes;
} live_axis;

struct wsic_code_reader {
    live_axis rows;
    live_axis columns;
    size_t block_rows;
    size_t blocks;
    size_t lanes;
    unsigned step;
    int32_t base;
    int32_t classes;                       /* 0: all codes are zero */
    size_t contexts;                       /* models to a class: with a trellis more than 1 */
    wsic_trellis trellis;                  /* where contexts is not 1 */
    wsic_decode_table *tables[MODELS_MAX]; /* NULL for one that does not occur */
    size_t *first_row;                     /* of each block: position in rows.index */
    size_t *offset;                        /* of each block, and the end */
    const uint8_t *bytes;
};

/* What the first bytes say. */
typedef struct head {
    uint8_t kind;
    uint8_t second;
    uint8_t third;
    uint64_t block_rows;
    uint64_t row_stride;
    uint64_t classes;
    int64_t base;
} head;

void wsic_code_reader_close(const wsic_env *env, wsic_code_reader *reader)
{
    if (!reader)
        return;
    wsic_free(env, reader->rows.index);
    wsic_free(env, reader->rows.classes);
    wsic_free(env, reader->columns.index);
    wsic_free(env, reader->columns.classes);
    for (size_t i = 0; i < MODELS_MAX; i++)
        wsic_free(env, reader->tables[i]);
    wsic_free(env, reader->first_row);
    wsic_free(env, reader->offset);
    wsic_free(env, reader);
}

/* --- the head --------------------------------------------------------------------- */

static unsigned head_step(const head *given)
{
    return given->second >> WSIC_CODES_STEP_SHIFT & WSIC_CODES_STEP;
}

static int32_t head_class(const head *given, size_t index)
{
    return (int32_t)(given->base + (int64_t)index) * (1 << head_step(given));
}

static wsic_status check_head(const wsic_env *env, const head *given, size_t rows, size_t columns,
                              const int32_t *row_hint, const int32_t *column_hint)
{
    const unsigned step = head_step(given);

    if ((given->second & WSIC_CODES_LANES) > WSIC_CODES_LANES_LOG_MAX ||
        step > WSIC_CODES_STEP_MAX || (given->third & ~WSIC_CODES_KNOWN) != 0)
        return wsic_fail(env, WSIC_ERROR_FORMAT, "the codes begin with flags %u and %u",
                         (unsigned)given->second, (unsigned)given->third);
    if (given->block_rows == 0 || given->block_rows > rows)
        return wsic_fail(env, WSIC_ERROR_FORMAT, "%llu rows to a block of codes, of %zu",
                         (unsigned long long)given->block_rows, rows);
    if (given->block_rows > wsic_codes_block_rows_most(columns))
        return wsic_fail(env, WSIC_ERROR_FORMAT, "blocks of %llu x %zu codes are too large",
                         (unsigned long long)given->block_rows, columns);
    if (((given->second & WSIC_CODES_ROW_HINT) != 0 && !row_hint) ||
        ((given->second & WSIC_CODES_COLUMN_HINT) != 0 && !column_hint))
        return wsic_fail(env, WSIC_ERROR_FORMAT, "the codes want hints that are not there");
    if (given->classes == 0 && (given->kind != 0 || given->second != 0 || given->third != 0))
        return wsic_fail(env, WSIC_ERROR_FORMAT, "codes without classes have flags");
    if (given->kind != WSIC_QUANTIZER_SCALAR && (given->third & WSIC_CODES_DEAD_ROWS) != 0)
        return wsic_fail(env, WSIC_ERROR_FORMAT, "codes of a trellis have dead rows");
    if ((given->third & WSIC_CODES_STRIDED) != 0 &&
        (given->kind == WSIC_QUANTIZER_SCALAR || given->row_stride < 2 ||
         given->row_stride > WSIC_ROW_STRIDE_MAX))
        return wsic_fail(env, WSIC_ERROR_FORMAT, "codes of kind %u in strides of %llu rows",
                         (unsigned)given->kind, (unsigned long long)given->row_stride);
    const int32_t bottom = -(-WSIC_CLASS_LOWEST >> step);
    const int32_t top = WSIC_CLASS_HIGHEST >> step;
    if (given->classes > CLASSES_MAX || given->base < bottom || given->base > top ||
        given->base + (int64_t)given->classes - 1 > top)
        return wsic_fail(env, WSIC_ERROR_FORMAT, "%llu classes of codes, from %lld on",
                         (unsigned long long)given->classes, (long long)given->base);
    return WSIC_OK;
}

static wsic_status read_head(const wsic_env *env, wsic_cursor *cursor, size_t rows, size_t columns,
                             const int32_t *row_hint, const int32_t *column_hint, head *out)
{
    out->kind = wsic_get_u8(cursor);
    if (!cursor->failed && out->kind != WSIC_QUANTIZER_SCALAR &&
        !wsic_trellis_kind_exists(out->kind))
        return wsic_fail(env, WSIC_ERROR_VERSION,
                         "codes of quantizer kind %u, which this version does not know",
                         (unsigned)out->kind);
    out->second = wsic_get_u8(cursor);
    out->third = wsic_get_u8(cursor);
    out->block_rows = wsic_get_varint(cursor);
    out->row_stride = (out->third & WSIC_CODES_STRIDED) != 0 ? wsic_get_varint(cursor) : 1;
    out->classes = wsic_get_varint(cursor);
    out->base = out->classes == 0 ? 0 : wsic_get_signed(cursor);
    if (cursor->failed)
        return wsic_fail(env, WSIC_ERROR_TRUNCATED, "the bytes end within the head of the codes");
    return check_head(env, out, rows, columns, row_hint, column_hint);
}

/* --- rows and columns --------------------------------------------------------------- */

/* List the rows or columns that are not marked as dead. */
static wsic_status read_live(const wsic_env *env, wsic_cursor *cursor, const char *name,
                             bool marked, int32_t *scratch, live_axis *axis)
{
    memset(scratch, 0, axis->total * sizeof *scratch);
    if (marked) {
        const wsic_status status = wsic_int_array_read(env, cursor, name, axis->total, scratch);
        if (status != WSIC_OK)
            return status;
    }
    for (size_t i = 0; i < axis->total; i++) {
        if (scratch[i] < 0 || scratch[i] > 1)
            return wsic_fail(env, WSIC_ERROR_FORMAT, "one of the %s is %d, not 0 or 1", name,
                             (int)scratch[i]);
        if (scratch[i] == 0)
            axis->index[axis->count++] = (uint32_t)i;
    }
    if (axis->count == 0)
        return wsic_fail(env, WSIC_ERROR_FORMAT, "the %s leave nothing", name);
    return WSIC_OK;
}

static wsic_status read_classes(const wsic_env *env, wsic_cursor *cursor, const char *name,
                                const int32_t *hint, unsigned step, int32_t *scratch,
                                live_axis *axis)
{
    const wsic_status status = wsic_int_array_read(env, cursor, name, axis->count, scratch);

    if (status != WSIC_OK)
        return status;
    for (size_t i = 0; i < axis->count; i++) {
        const int64_t value =
            scratch[i] + (int64_t)(hint ? wsic_hint_units(hint[axis->index[i]], step) : 0);
        if (value < -WSIC_CLASS_LIMIT || value > WSIC_CLASS_LIMIT)
            return wsic_fail(env, WSIC_ERROR_FORMAT, "one of the %s is %lld", name,
                             (long long)value);
        axis->classes[i] = (int16_t)value;
    }
    return WSIC_OK;
}

static wsic_status make_axis(const wsic_env *env, size_t total, live_axis *axis)
{
    wsic_status status;

    axis->total = total;
    axis->index = wsic_alloc(env, total, sizeof *axis->index, &status);
    if (!axis->index)
        return status;
    axis->classes = wsic_alloc(env, total, sizeof *axis->classes, &status);
    return axis->classes ? WSIC_OK : status;
}

static wsic_status read_axes(const wsic_env *env, wsic_cursor *cursor, const head *given,
                             const int32_t *row_hint, const int32_t *column_hint,
                             wsic_code_reader *reader)
{
    wsic_status status;
    int32_t *const scratch = wsic_alloc(
        env, wsic_max_size(reader->rows.total, reader->columns.total), sizeof *scratch, &status);

    if (!scratch)
        return status;
    if ((given->second & WSIC_CODES_ROW_HINT) == 0)
        row_hint = NULL;
    if ((given->second & WSIC_CODES_COLUMN_HINT) == 0)
        column_hint = NULL;
    status = read_live(env, cursor, "marks of dead rows",
                       (given->third & WSIC_CODES_DEAD_ROWS) != 0, scratch, &reader->rows);
    if (status == WSIC_OK && given->row_stride > 1)
        wsic_row_order_of_blocks(reader->rows.total, reader->block_rows, (size_t)given->row_stride,
                                 reader->rows.index);
    if (status == WSIC_OK)
        status = read_classes(env, cursor, "row classes", row_hint, reader->step, scratch,
                              &reader->rows);
    if (status == WSIC_OK)
        status =
            read_live(env, cursor, "marks of dead columns",
                      (given->third & WSIC_CODES_DEAD_COLUMNS) != 0, scratch, &reader->columns);
    if (status == WSIC_OK)
        status = read_classes(env, cursor, "column classes", column_hint, reader->step, scratch,
                              &reader->columns);
    wsic_free(env, scratch);
    return status;
}

/* --- models -------------------------------------------------------------------------- */

/* Which classes occur. All pairs are tried, but of the values, not of the elements. */
static void mark_used(const wsic_code_reader *reader, bool *used)
{
    enum { VALUES = 2 * WSIC_CLASS_LIMIT + 1 };
    const wsic_block_shape shape = {.classes = reader->classes};
    bool columns[VALUES] = {false};
    bool rows[VALUES] = {false};

    for (size_t j = 0; j < reader->columns.count; j++)
        columns[reader->columns.classes[j] + WSIC_CLASS_LIMIT] = true;
    for (size_t i = 0; i < reader->rows.count; i++)
        rows[reader->rows.classes[i] + WSIC_CLASS_LIMIT] = true;
    for (int32_t i = 0; i < VALUES; i++) {
        for (int32_t j = 0; rows[i] && j < VALUES; j++) {
            if (columns[j])
                used[wsic_block_class(&shape, i + j - 2 * WSIC_CLASS_LIMIT)] = true;
        }
    }
}

/* The model of a class and context. */
static bool read_model(wsic_bit_reader *bits, const head *given,
                       const wsic_corrections *corrections, size_t index, wsic_model *model)
{
    const size_t class_index = index / corrections->contexts;
    const size_t context = index % corrections->contexts;
    const unsigned codebook = wsic_context_codebook((unsigned)context);
    const int32_t class_number = head_class(given, class_index);
    wsic_correction correction;

    if ((given->second & WSIC_CODES_OWN_MODELS) != 0 && wsic_get_bits(bits, 1) == 0) {
        const uint32_t kind = wsic_get_bits(bits, WSIC_CODES_KIND_BITS);
        if (kind == WSIC_CODES_KIND_TABLE)
            return wsic_model_read(bits, class_number, model);
        if (bits->failed || kind > WSIC_CODES_KIND_TABLE)
            return false;
        wsic_model_builtin(model, kind, class_number, codebook, NULL);
        return true;
    }
    wsic_corrections_get(corrections, context, class_index, &correction);
    wsic_model_builtin(model, given->third & WSIC_CODES_SHAPE, class_number, codebook, &correction);
    return true;
}

static wsic_status read_models(const wsic_env *env, wsic_cursor *cursor, const head *given,
                               wsic_code_reader *reader)
{
    wsic_bit_reader bits = {.data = cursor->data + cursor->position,
                            .size = wsic_cursor_left(cursor)};
    bool used[CLASSES_MAX] = {false};
    wsic_corrections corrections;
    wsic_model model;
    wsic_status status;

    mark_used(reader, used);
    wsic_corrections_make(&corrections, reader->contexts, reader->base, reader->classes,
                          reader->step);
    if ((given->third & WSIC_CODES_CORRECTED) != 0 && !wsic_corrections_read(&bits, &corrections))
        return wsic_fail(env, WSIC_ERROR_FORMAT, "the corrections of the models are impossible");
    for (size_t index = 0; index < (size_t)reader->classes * reader->contexts; index++) {
        const size_t of_class = index / reader->contexts;
        if (!read_model(&bits, given, &corrections, index, &model))
            return wsic_fail(env, WSIC_ERROR_FORMAT, "the model of class %zu is impossible",
                             of_class);
        if (!used[of_class])
            continue;
        reader->tables[index] = wsic_alloc(env, 1, sizeof *reader->tables[index], &status);
        if (!reader->tables[index])
            return status;
        wsic_decode_table_fill(reader->tables[index], &model);
    }
    if (!wsic_bits_end(&bits))
        return wsic_fail(env, WSIC_ERROR_FORMAT, "the models of the codes are damaged");
    wsic_take(cursor, wsic_bits_used(&bits));
    return WSIC_OK;
}

/* --- blocks --------------------------------------------------------------------------- */

/* Where each block's rows begin; from here on a row's index counts from its block's
 * first row. */
static void assign_rows(wsic_code_reader *reader)
{
    size_t block = 0;

    for (size_t i = 0; i < reader->rows.count; i++) {
        const size_t of_row = reader->rows.index[i] / reader->block_rows;
        reader->rows.index[i] %= (uint32_t)reader->block_rows;
        while (block <= of_row)
            reader->first_row[block++] = i;
    }
    while (block <= reader->blocks)
        reader->first_row[block++] = reader->rows.count;
}

static wsic_status read_blocks(const wsic_env *env, wsic_cursor *cursor, wsic_code_reader *reader)
{
    wsic_status status;

    reader->blocks = wsic_div_up(reader->rows.total, reader->block_rows);
    /* Each block has a byte in the table at least. */
    if (reader->blocks > wsic_cursor_left(cursor))
        return wsic_fail(env, WSIC_ERROR_TRUNCATED, "the bytes end within the table of blocks");
    reader->first_row = wsic_alloc(env, reader->blocks + 1, sizeof *reader->first_row, &status);
    if (!reader->first_row)
        return status;
    reader->offset = wsic_alloc(env, reader->blocks + 1, sizeof *reader->offset, &status);
    if (!reader->offset)
        return status;
    assign_rows(reader);
    reader->offset[0] = 0;
    for (size_t block = 0; block < reader->blocks; block++) {
        const uint64_t size = wsic_get_varint(cursor);
        if (size > cursor->size || cursor->failed)
            return wsic_fail(env, WSIC_ERROR_TRUNCATED,
                             "block %zu of the codes is %llu bytes "
                             "long: more than there are",
                             block, (unsigned long long)size);
        reader->offset[block + 1] = reader->offset[block] + (size_t)size;
        if (reader->offset[block + 1] > cursor->size)
            return wsic_fail(env, WSIC_ERROR_TRUNCATED,
                             "block %zu of the codes ends behind the last byte", block);
    }
    reader->bytes = wsic_take(cursor, reader->offset[reader->blocks]);
    if (!reader->bytes)
        return wsic_fail(env, WSIC_ERROR_TRUNCATED, "the bytes end within the blocks of codes");
    return WSIC_OK;
}

static wsic_status read_all(const wsic_env *env, wsic_cursor *cursor, const head *given,
                            const int32_t *row_hint, const int32_t *column_hint,
                            wsic_code_reader *reader)
{
    reader->block_rows = (size_t)given->block_rows;
    reader->lanes = (size_t)1 << (given->second & WSIC_CODES_LANES);
    reader->step = head_step(given);
    reader->base = (int32_t)given->base;
    reader->classes = (int32_t)given->classes;
    reader->contexts = given->kind == WSIC_QUANTIZER_SCALAR ? 1 : WSIC_TRELLIS_CONTEXTS;
    if (given->kind != WSIC_QUANTIZER_SCALAR)
        wsic_trellis_make(&reader->trellis, given->kind);
    if (reader->classes == 0)
        return WSIC_OK;
    wsic_status status = read_axes(env, cursor, given, row_hint, column_hint, reader);
    if (status == WSIC_OK)
        status = read_models(env, cursor, given, reader);
    return status == WSIC_OK ? read_blocks(env, cursor, reader) : status;
}

wsic_status wsic_code_reader_open(const wsic_env *env, wsic_cursor *cursor, size_t rows,
                                  size_t columns, const int32_t *row_hint,
                                  const int32_t *column_hint, wsic_code_reader **out)
{
    wsic_cursor moved = *cursor;
    wsic_status status;
    head given;

    *out = NULL;
    if (rows > UINT32_MAX || columns > UINT32_MAX)
        return wsic_fail(env, WSIC_ERROR_FORMAT, "%zu x %zu codes: neither may pass 2^32 - 1", rows,
                         columns);
    status = read_head(env, &moved, rows, columns, row_hint, column_hint, &given);
    if (status != WSIC_OK)
        return status;
    wsic_code_reader *const reader = wsic_alloc_zero(env, 1, sizeof *reader, &status);
    if (!reader)
        return status;
    status = make_axis(env, rows, &reader->rows);
    if (status == WSIC_OK)
        status = make_axis(env, columns, &reader->columns);
    if (status == WSIC_OK)
        status = read_all(env, &moved, &given, row_hint, column_hint, reader);
    if (status != WSIC_OK) {
        wsic_code_reader_close(env, reader);
        return status;
    }
    *cursor = moved;
    *out = reader;
    return WSIC_OK;
}

size_t wsic_codes_block_rows_most(size_t columns)
{
    return wsic_max_size(WSIC_BLOCK_CODES_MAX / columns, 1);
}

size_t wsic_code_reader_block_rows(const wsic_code_reader *reader)
{
    return reader->block_rows;
}

wsic_status wsic_code_reader_block(const wsic_env *env, const wsic_code_reader *reader,
                                   size_t block, int32_t *out)
{
    const size_t left = reader->rows.total - block * reader->block_rows;
    const size_t rows = wsic_min_size(reader->block_rows, left);
    const size_t columns = reader->columns.total;

    if (reader->rows.count < reader->rows.total || reader->columns.count < columns)
        memset(out, 0, rows * columns * sizeof *out);
    if (reader->classes == 0)
        return WSIC_OK;
    const size_t first = reader->first_row[block];
    const wsic_block_shape shape = {.rows = reader->first_row[block + 1] - first,
                                    .columns = reader->columns.count,
                                    .lanes = reader->lanes,
                                    .classes = reader->classes,
                                    .row_class = reader->rows.classes + first,
                                    .column_class = reader->columns.classes,
                                    .trellis = reader->contexts == 1 ? NULL : &reader->trellis};
    const wsic_block_layout layout = {.row_index = reader->rows.index + first,
                                      .column_index = reader->columns.index,
                                      .row_stride = columns,
                                      .column_stride = 1};
    if (!wsic_block_decode(&shape, reader->tables, &layout, reader->bytes + reader->offset[block],
                           reader->offset[block + 1] - reader->offset[block], out))
        return wsic_fail(env, WSIC_ERROR_FORMAT, "block %zu of the codes is damaged", block);
    return WSIC_OK;
}
