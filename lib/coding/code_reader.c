/* SPDX-License-Identifier: MIT */
#include "coding/code_reader.h"

#include <string.h>

#include "base/checked.h"
#include "coding/code_order.h"
#include "coding/codes.h"
#include "coding/int_array.h"

void wsic_code_reader_close(const wsic_env *env, wsic_code_reader *reader)
{
    if (!reader)
        return;
    wsic_free(env, reader->row);
    wsic_free(env, reader->row_kind);
    wsic_free(env, reader->first_row);
    wsic_free(env, reader->live_block);
    wsic_free(env, reader->kind_class);
    wsic_free(env, reader->column);
    wsic_free(env, reader->form);
    wsic_free(env, reader->octet_class);
    wsic_free(env, reader->bounds_at);
    wsic_free(env, reader->bounds);
    wsic_free(env, reader->offset);
    wsic_free(env, reader);
}

/* --- head ----------------------------------------------------------------------------- */

static unsigned head_order(const wsic_code_head *head)
{
    return head->flags1 >> WSIC_CODES_ORDER_SHIFT;
}

static wsic_status check_empty(const wsic_env *env, const wsic_code_head *head)
{
    if (head->kind != 0 || head->flags1 != 0 || head->flags2 != 0 || head->stride != 1)
        return wsic_fail(env, WSIC_ERROR_FORMAT, "a matrix of zeros has flags");
    return WSIC_OK;
}

static wsic_status check_classes(const wsic_env *env, const wsic_code_head *head)
{
    const unsigned step = head->flags1 >> WSIC_CODES_STEP_SHIFT & WSIC_CODES_STEP;
    const int32_t bottom = -(-WSIC_CLASS_LOWEST >> step);
    const int32_t top = WSIC_CLASS_HIGHEST >> step;

    if (head->classes > WSIC_CLASS_HIGHEST - WSIC_CLASS_LOWEST + 1 || head->base < bottom ||
        head->base > top || head->base + (int64_t)head->classes - 1 > top)
        return wsic_fail(env, WSIC_ERROR_FORMAT, "%llu classes of codes, from %lld on",
                         (unsigned long long)head->classes, (long long)head->base);
    if (head->form_class < -WSIC_CLASS_LIMIT || head->form_class > WSIC_CLASS_LIMIT)
        return wsic_fail(env, WSIC_ERROR_FORMAT, "the class that forms follow from is %lld",
                         (long long)head->form_class);
    return WSIC_OK;
}

static wsic_status check_head(const wsic_env *env, const wsic_code_head *head, size_t rows,
                              size_t columns, const int32_t *row_hint, const int32_t *column_hint)
{
    const uint64_t most =
        wsic_min_size(WSIC_STEPS_MAX, wsic_max_size(WSIC_BLOCK_CODES_MAX / columns, 1));
    const unsigned order = head_order(head);
    const bool by_hint = (order & WSIC_ORDER_HINT) != 0;

    if (head->block_rows < 1 || head->block_rows > rows || head->block_rows > most)
        return wsic_fail(env, WSIC_ERROR_FORMAT, "blocks of %llu rows where there are %zu x %zu",
                         (unsigned long long)head->block_rows, rows, columns);
    if (head->stride < 1 || head->stride > rows)
        return wsic_fail(env, WSIC_ERROR_FORMAT, "a row stride of %llu where there are %zu rows",
                         (unsigned long long)head->stride, rows);
    if (head->classes == 0)
        return check_empty(env, head);
    if ((head->flags1 & WSIC_CODES_LANES) == WSIC_CODES_LANES ||
        (head->flags2 & ~(unsigned)WSIC_CODES_KNOWN) != 0)
        return wsic_fail(env, WSIC_ERROR_FORMAT, "the flags of the codes are %u and %u",
                         head->flags1, head->flags2);
    if (((head->flags1 & WSIC_CODES_ROW_HINT) != 0 && !row_hint) || (by_hint && !column_hint))
        return wsic_fail(env, WSIC_ERROR_FORMAT, "the codes need hints that are not there");
    return check_classes(env, head);
}

static wsic_status read_head(const wsic_env *env, wsic_cursor *cursor, wsic_code_head *head)
{
    *head = (wsic_code_head){.kind = wsic_get_u8(cursor)};
    if (!cursor->failed && head->kind != WSIC_QUANTIZER_SCALAR &&
        !wsic_trellis_kind_exists(head->kind))
        return wsic_fail(env, WSIC_ERROR_VERSION,
                         "codes of quantizer kind %u, which this version does not know",
                         head->kind);
    head->flags1 = wsic_get_u8(cursor);
    head->flags2 = wsic_get_u8(cursor);
    head->block_rows = wsic_get_varint(cursor);
    head->stride = wsic_get_varint(cursor);
    head->classes = wsic_get_varint(cursor);
    if (head->classes != 0) {
        head->base = wsic_get_signed(cursor);
        head->form_class = wsic_get_signed(cursor);
        head->streams = wsic_get_varint(cursor);
    }
    if (cursor->failed)
        return wsic_fail(env, WSIC_ERROR_TRUNCATED, "the bytes end within the head of the codes");
    return WSIC_OK;
}

/* --- rows and columns --------------------------------------------------------------- */

/* What is being read with: room for one number for each row or column. */
typedef struct axis_scratch {
    int32_t *numbers;
    wsic_keyed_line *lines;
} axis_scratch;

/* List the rows or columns that are not marked as dead. */
static wsic_status read_live(const wsic_env *env, wsic_cursor *cursor, const char *name,
                             bool marked, size_t total, int32_t *scratch, uint32_t *live,
                             size_t *count)
{
    memset(scratch, 0, total * sizeof *scratch);
    if (marked) {
        const wsic_status status = wsic_int_array_read(env, cursor, name, total, scratch);
        if (status != WSIC_OK)
            return status;
    }
    *count = 0;
    for (size_t i = 0; i < total; i++) {
        if (scratch[i] < 0 || scratch[i] > 1)
            return wsic_fail(env, WSIC_ERROR_FORMAT, "one of the %s is %d, not 0 or 1", name,
                             (int)scratch[i]);
        if (scratch[i] == 0)
            live[(*count)++] = (uint32_t)i;
    }
    if (*count == 0)
        return wsic_fail(env, WSIC_ERROR_FORMAT, "the %s leave nothing", name);
    return WSIC_OK;
}

/* Add the hints of lines and hold the sum to a limit. */
static wsic_status add_hints(const wsic_env *env, const char *name, const int32_t *hint,
                             unsigned step, int32_t limit, const uint32_t *lines, size_t every,
                             size_t count, int32_t *values)
{
    for (size_t i = 0; i < count; i++) {
        const int64_t value =
            values[i] + (int64_t)(hint ? wsic_hint_units(hint[lines[i * every]], step) : 0);
        if (value < -limit || value > limit)
            return wsic_fail(env, WSIC_ERROR_FORMAT, "one of the %s is %lld", name,
                             (long long)value);
        values[i] = (int32_t)value;
    }
    return WSIC_OK;
}

/* Which values row classes have; each row gets its number among them. */
static wsic_status count_kinds(const wsic_env *env, const int32_t *classes,
                               wsic_code_reader *reader)
{
    enum { VALUES = 2 * WSIC_CLASS_LIMIT + 1 };
    uint16_t kind_of[VALUES] = {0};
    wsic_status status;

    for (size_t i = 0; i < reader->live_rows; i++)
        kind_of[classes[i] + WSIC_CLASS_LIMIT] = 1;
    for (size_t value = 0; value < VALUES; value++) {
        if (kind_of[value] != 0)
            kind_of[value] = (uint16_t)++reader->kinds;
    }
    reader->kind_class =
        wsic_code_reader_alloc(env, reader, reader->kinds, sizeof *reader->kind_class, &status);
    if (!reader->kind_class)
        return status;
    for (int32_t value = 0; value < VALUES; value++) {
        if (kind_of[value] != 0)
            reader->kind_class[kind_of[value] - 1] = (int16_t)(value - WSIC_CLASS_LIMIT);
    }
    for (size_t i = 0; i < reader->live_rows; i++)
        reader->row_kind[i] = (uint16_t)(kind_of[classes[i] + WSIC_CLASS_LIMIT] - 1);
    return WSIC_OK;
}

/* Where each block's rows begin, and the order within it; from here on a row's number counts from
 * its block's first row. Kinds follow: their order is found by the rows' numbers in the matrix. */
static void order_rows(wsic_code_reader *reader, axis_scratch scratch)
{
    size_t first = 0;

    for (size_t block = 0; block < reader->blocks; block++) {
        const size_t begin = block * reader->block_rows;
        size_t end = first;
        reader->first_row[block] = first;
        while (end < reader->live_rows && reader->row[end] - begin < reader->block_rows)
            end++;
        for (size_t i = first; i < end; i++)
            scratch.numbers[reader->row[i] - begin] = reader->row_kind[i];
        wsic_order_rows(reader->stride, first, reader->row + first, end - first, scratch.lines);
        for (size_t i = first; i < end; i++) {
            reader->row[i] -= (uint32_t)begin;
            reader->row_kind[i] = (uint16_t)scratch.numbers[reader->row[i]];
        }
        first = end;
    }
    reader->first_row[reader->blocks] = first;
}

static wsic_status read_rows(const wsic_env *env, wsic_cursor *cursor, const wsic_code_head *head,
                             const int32_t *hint, axis_scratch scratch, wsic_code_reader *reader)
{
    wsic_status status;

    reader->row =
        wsic_code_reader_alloc(env, reader, reader->total_rows, sizeof *reader->row, &status);
    if (!reader->row)
        return status;
    reader->row_kind =
        wsic_code_reader_alloc(env, reader, reader->total_rows, sizeof *reader->row_kind, &status);
    if (!reader->row_kind)
        return status;
    reader->first_row =
        wsic_code_reader_alloc(env, reader, reader->blocks + 1, sizeof *reader->first_row, &status);
    if (!reader->first_row)
        return status;
    status =
        read_live(env, cursor, "marks of dead rows", (head->flags2 & WSIC_CODES_DEAD_ROWS) != 0,
                  reader->total_rows, scratch.numbers, reader->row, &reader->live_rows);
    if (status == WSIC_OK)
        status =
            wsic_int_array_read(env, cursor, "row classes", reader->live_rows, scratch.numbers);
    if (status == WSIC_OK)
        status = add_hints(env, "row classes",
                           (head->flags1 & WSIC_CODES_ROW_HINT) != 0 ? hint : NULL, reader->step,
                           WSIC_CLASS_LIMIT, reader->row, 1, reader->live_rows, scratch.numbers);
    if (status == WSIC_OK)
        status = count_kinds(env, scratch.numbers, reader);
    if (status == WSIC_OK)
        order_rows(reader, scratch);
    return status;
}

/* The keys, which count as hints do. */
static wsic_status read_order(const wsic_env *env, wsic_cursor *cursor, unsigned order,
                              const int32_t *hint, axis_scratch scratch, wsic_code_reader *reader)
{
    const size_t count = reader->live_columns;
    const int64_t most = wsic_key_in_hints(WSIC_KEY_LIMIT, reader->step);
    wsic_status status = WSIC_OK;

    memset(scratch.numbers, 0, count * sizeof *scratch.numbers);
    if ((order & WSIC_ORDER_KEYS) != 0)
        status = wsic_int_array_read(env, cursor, "keys of the columns", count, scratch.numbers);
    for (size_t j = 0; j < count && status == WSIC_OK; j++) {
        int64_t key = wsic_key_in_hints(scratch.numbers[j], reader->step);
        key += (order & WSIC_ORDER_HINT) != 0 ? hint[reader->column[j]] : 0;
        if (key < -most || key > most)
            return wsic_fail(env, WSIC_ERROR_FORMAT, "the key of column %zu is %lld",
                             (size_t)reader->column[j], (long long)key);
        scratch.numbers[j] = (int32_t)key;
    }
    if (status == WSIC_OK)
        wsic_order_columns(scratch.numbers, reader->column, count, scratch.lines);
    return status;
}

/* Columns have just been sorted: the lines are what they were sorted by. */
static wsic_status read_octets(const wsic_env *env, wsic_cursor *cursor, axis_scratch scratch,
                               wsic_code_reader *reader)
{
    const size_t octets = wsic_div_up(reader->live_columns, (size_t)1 << reader->octet_log);
    wsic_status status;

    reader->octet_class =
        wsic_code_reader_alloc(env, reader, octets, sizeof *reader->octet_class, &status);
    if (!reader->octet_class)
        return status;
    status = wsic_int_array_read(env, cursor, "octet classes", octets, scratch.numbers);
    for (size_t k = 0; status == WSIC_OK && k < octets; k++) {
        const int32_t key = scratch.lines[k << reader->octet_log].key;
        const int64_t value = scratch.numbers[k] + wsic_hint_units(key, reader->step);
        if (value < -WSIC_CLASS_LIMIT || value > WSIC_CLASS_LIMIT)
            return wsic_fail(env, WSIC_ERROR_FORMAT, "one of the octet classes is %lld",
                             (long long)value);
        reader->octet_class[k] = (int16_t)value;
    }
    return status;
}

static wsic_status make_forms(const wsic_env *env, int32_t form_class, wsic_code_reader *reader)
{
    const wsic_class_range range = {
        .base = reader->base, .classes = reader->classes, .step = reader->step};
    const size_t in_group = reader->lanes >> reader->octet_log;
    const size_t octets = wsic_div_up(reader->live_columns, (size_t)1 << reader->octet_log);
    wsic_status status;

    reader->groups = wsic_div_up(reader->live_columns, reader->lanes);
    reader->form =
        wsic_code_reader_alloc(env, reader, reader->groups, sizeof *reader->form, &status);
    if (!reader->form)
        return status;
    for (size_t g = 0; g < reader->groups; g++) {
        const size_t first = g * in_group;
        reader->form[g] =
            (uint8_t)wsic_group_form(&range, reader->octet_class + first,
                                     wsic_min_size(in_group, octets - first), form_class);
    }
    return WSIC_OK;
}

static wsic_status read_columns(const wsic_env *env, wsic_cursor *cursor,
                                const wsic_code_head *head, const int32_t *hint,
                                axis_scratch scratch, wsic_code_reader *reader)
{
    wsic_status status;

    reader->column =
        wsic_code_reader_alloc(env, reader, reader->total_columns, sizeof *reader->column, &status);
    if (!reader->column)
        return status;
    status = read_live(env, cursor, "marks of dead columns",
                       (head->flags2 & WSIC_CODES_DEAD_COLUMNS) != 0, reader->total_columns,
                       scratch.numbers, reader->column, &reader->live_columns);
    if (status == WSIC_OK)
        status = read_order(env, cursor, head_order(head), hint, scratch, reader);
    if (status == WSIC_OK)
        status = read_octets(env, cursor, scratch, reader);
    return status == WSIC_OK ? make_forms(env, (int32_t)head->form_class, reader) : status;
}

static wsic_status read_axes(const wsic_env *env, wsic_cursor *cursor, const wsic_code_head *head,
                             const int32_t *row_hint, const int32_t *column_hint,
                             wsic_code_reader *reader)
{
    const size_t longest = wsic_max_size(reader->total_rows, reader->total_columns);
    axis_scratch scratch = {.numbers = NULL};
    wsic_status status;

    scratch.numbers = wsic_alloc(env, longest, sizeof *scratch.numbers, &status);
    if (!scratch.numbers)
        return status;
    scratch.lines = wsic_alloc(env, longest, sizeof *scratch.lines, &status);
    if (scratch.lines) {
        status = read_rows(env, cursor, head, row_hint, scratch, reader);
        if (status == WSIC_OK)
            status = read_columns(env, cursor, head, column_hint, scratch, reader);
    }
    wsic_free(env, scratch.lines);
    wsic_free(env, scratch.numbers);
    return status;
}

/* --- all ------------------------------------------------------------------------------ */

static wsic_status read_all(const wsic_env *env, wsic_cursor *cursor, const wsic_code_head *head,
                            const int32_t *row_hint, const int32_t *column_hint,
                            wsic_code_reader *reader)
{
    reader->block_rows = (size_t)head->block_rows;
    reader->blocks = wsic_div_up(reader->total_rows, reader->block_rows);
    reader->stride = (size_t)head->stride;
    reader->lanes = (size_t)8 << (head->flags1 & WSIC_CODES_LANES);
    reader->octet_log = (head->flags1 & WSIC_CODES_COLUMN_CLASSES) != 0 ? 0 : WSIC_OCTET_LOG;
    reader->step = head->flags1 >> WSIC_CODES_STEP_SHIFT & WSIC_CODES_STEP;
    reader->base = (int32_t)head->base;
    reader->classes = (int32_t)head->classes;
    reader->is_trellis = head->kind != WSIC_QUANTIZER_SCALAR;
    if (reader->is_trellis)
        wsic_trellis_make(&reader->trellis, head->kind);
    if (reader->classes == 0)
        return WSIC_OK;
    wsic_status status = read_axes(env, cursor, head, row_hint, column_hint, reader);
    if (status == WSIC_OK)
        status = wsic_code_reader_models(env, cursor, head, reader);
    return status == WSIC_OK ? wsic_code_reader_streams(env, cursor, head, reader) : status;
}

wsic_status wsic_code_reader_open(const wsic_env *env, wsic_cursor *cursor, size_t rows,
                                  size_t columns, const int32_t *row_hint,
                                  const int32_t *column_hint, wsic_code_reader **out)
{
    wsic_cursor moved = *cursor;
    wsic_code_head head;
    wsic_status status;

    *out = NULL;
    if (rows > INT32_MAX || columns > INT32_MAX)
        return wsic_fail(env, WSIC_ERROR_FORMAT, "%zu x %zu codes: neither may pass 2^31 - 1", rows,
                         columns);
    status = read_head(env, &moved, &head);
    if (status == WSIC_OK)
        status = check_head(env, &head, rows, columns, row_hint, column_hint);
    if (status != WSIC_OK)
        return status;
    wsic_code_reader *const reader = wsic_alloc_zero(env, 1, sizeof *reader, &status);
    if (!reader)
        return status;
    reader->memory = sizeof *reader;
    reader->total_rows = rows;
    reader->total_columns = columns;
    status = read_all(env, &moved, &head, row_hint, column_hint, reader);
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
    return wsic_min_size(WSIC_STEPS_MAX, wsic_max_size(WSIC_BLOCK_CODES_MAX / columns, 1));
}

size_t wsic_code_reader_block_rows(const wsic_code_reader *reader)
{
    return reader->block_rows;
}

size_t wsic_code_reader_row_stride(const wsic_code_reader *reader)
{
    return reader->stride;
}

void wsic_code_reader_dead_rows(const wsic_code_reader *reader, bool *dead)
{
    memset(dead, true, reader->total_rows * sizeof *dead);
    for (size_t block = 0; reader->classes != 0 && block < reader->blocks; block++) {
        for (size_t k = reader->first_row[block]; k < reader->first_row[block + 1]; k++)
            dead[block * reader->block_rows + reader->row[k]] = false;
    }
}

void wsic_code_reader_set_narrow(wsic_code_reader *reader)
{
    reader->narrow = true;
}

bool wsic_code_reader_narrow(const wsic_code_reader *reader)
{
    return reader->narrow;
}

size_t wsic_code_reader_memory(const wsic_code_reader *reader)
{
    return reader->memory;
}

size_t wsic_code_reader_live_columns(const wsic_code_reader *reader)
{
    return reader->live_columns;
}

const uint32_t *wsic_code_reader_column_order(const wsic_code_reader *reader)
{
    return reader->column;
}
