/* SPDX-License-Identifier: MIT */
#include "plain_header.h"

#include <stdlib.h>

#include "plain_arrays.h"

static void read_fields(stream *s, plain_header *h)
{
    const unsigned kind = u8(s), flags1 = u8(s), flags2 = u8(s);
    const uint64_t block_rows = varint(s), stride = varint(s), classes = varint(s);

    if (kind == 1 || kind > 8 || flags1 % 4 == 3 || flags2 > 63 || block_rows < 1 ||
        block_rows > h->rows || block_rows > 1024 ||
        (block_rows > 1 && block_rows * h->columns > 67108864) || stride < 1 || stride > h->rows ||
        classes > PLAIN_CLASSES)
        s->bad = true;
    if (classes == 0 && (kind != 0 || flags1 != 0 || flags2 != 0 || stride != 1))
        s->bad = true;
    if (s->bad)
        return;
    h->lanes = 8U << flags1 % 4;
    h->octet_columns = flags1 / 32 % 2 == 1 ? 1 : 8;
    h->order = flags1 / 64;
    h->row_hints = (flags1 & 16) != 0;
    h->dead_rows = (flags2 & 4) != 0;
    h->dead_columns = (flags2 & 8) != 0;
    h->block_rows = (size_t)block_rows;
    h->stride = (size_t)stride;
    h->frame = (model_frame){.kind = kind,
                             .step = flags1 / 4 % 4,
                             .shape = flags2 % 4,
                             .classes = (int)classes,
                             .corrections = (flags2 & 16) != 0,
                             .own_models = (flags2 & 32) != 0};
}

static void read_base(stream *s, plain_header *h)
{
    const unsigned step = h->frame.step;
    const int64_t base = unfold(varint(s)), form_class = unfold(varint(s));
    const uint64_t streams = varint(s);

    if (base < -(64 >> step) || base > 496 || base + h->frame.classes - 1 > 496 >> step ||
        llabs(form_class) > 1023 || streams < 1 || streams > 256)
        s->bad = true;
    h->streams = (size_t)streams;
    h->form_class = s->bad ? 0 : (int)form_class;
    h->frame.base = s->bad ? 0 : (int)base;
}

/* Hints are 64 to the octave, four to a sixteenth of it. */
static int64_t in_units(const plain_header *h, int32_t hint)
{
    return floor_div((int64_t)hint + (2 << h->frame.step), h->frame.step + 2);
}

/* Which are dead; how many are live. */
static size_t read_dead(stream *s, size_t count, bool given, bool *dead)
{
    int64_t *const value = calloc(count, sizeof *value);
    size_t live = 0;

    if (given && !s->bad)
        plain_array(s, count, value);
    for (size_t i = 0; i < count; i++) {
        if (value[i] != 0 && value[i] != 1)
            s->bad = true;
        dead[i] = value[i] != 0;
        live += !dead[i];
    }
    if (live == 0)
        s->bad = true;
    free(value);
    return live;
}

/* The next array, without hints. */
static int64_t *read_array(stream *s, size_t count)
{
    int64_t *const value = calloc(count, sizeof *value);

    if (!s->bad)
        plain_array(s, count, value);
    return value;
}

static int class_of(stream *s, int64_t value)
{
    if (value < -1023 || value > 1023)
        s->bad = true;
    return s->bad ? 0 : (int)value;
}

static void read_row_classes(stream *s, const int32_t *hint, plain_header *h)
{
    int64_t *const value = read_array(s, h->live_rows);
    size_t next = 0;

    for (size_t i = 0; i < h->rows && !s->bad; i++) {
        if (h->row_dead[i])
            continue;
        const int64_t unit = h->row_hints ? in_units(h, hint[i]) : 0;
        h->row_class[i] = class_of(s, value[next++] + unit);
    }
    free(value);
}

/* Insertion, so that equal keys stay in their order. */
static void sort(const int64_t *key, size_t count, size_t *column)
{
    for (size_t i = 1; i < count; i++) {
        const size_t moved = column[i];
        size_t k = i;
        for (; k > 0 && key[column[k - 1]] > key[moved]; k--)
            column[k] = column[k - 1];
        column[k] = moved;
    }
}

static void read_columns(stream *s, const int32_t *hint, plain_header *h)
{
    bool *const dead = calloc(h->columns, sizeof *dead);
    int64_t *const key = calloc(h->columns, sizeof *key);

    h->live_columns = read_dead(s, h->columns, h->dead_columns, dead);
    int64_t *const number = h->order >= 2 ? read_array(s, h->live_columns) : NULL;
    size_t next = 0;
    for (size_t j = 0; j < h->columns && !s->bad; j++) {
        if (dead[j])
            continue;
        if (h->order % 2 == 1)
            key[j] = h->order == 1 ? hint[j] : in_units(h, hint[j]);
        if (h->order >= 2) {
            key[j] += number[next];
            s->bad = llabs(key[j]) > 1048576;
        }
        h->column[next++] = j;
    }
    if (!s->bad)
        sort(key, h->live_columns, h->column);
    for (size_t k = 0; k < h->live_columns && !s->bad; k++)
        h->unit[k] = h->order == 1 ? in_units(h, (int32_t)key[h->column[k]]) : key[h->column[k]];
    free(number);
    free(key);
    free(dead);
}

static int index_of(const plain_header *h, int sum)
{
    return sum < 0 ? 0 : sum >= h->frame.classes ? h->frame.classes - 1 : sum;
}

static void read_groups(stream *s, plain_header *h)
{
    h->octets = (h->live_columns + h->octet_columns - 1) / h->octet_columns;
    h->groups = (h->live_columns + h->lanes - 1) / h->lanes;
    if (h->streams > h->groups)
        s->bad = true;
    int64_t *const octet = read_array(s, h->octets);

    for (size_t k = 0; k < h->octets && !s->bad; k++)
        h->octet_class[k] = class_of(s, octet[k] + h->unit[h->octet_columns * k]);
    for (size_t k = 0; k < h->live_columns && !s->bad; k++) {
        const int index = index_of(h, h->octet_class[k / h->octet_columns] + h->form_class);
        const unsigned form = plain_form_of_width((h->frame.base + index) * (1 << h->frame.step));
        unsigned *const of_group = &h->form[k / h->lanes];
        *of_group = form > *of_group ? form : *of_group;
    }
    free(octet);
}

int plain_index(const plain_header *h, size_t row, size_t octet)
{
    return index_of(h, h->row_class[row] + h->octet_class[octet]);
}

static void find_occurring(plain_header *h)
{
    for (size_t octet = 0; octet < h->octets; octet++) {
        for (size_t i = 0; i < h->rows; i++) {
            if (!h->row_dead[i])
                h->frame.occurs[h->form[h->octet_columns * octet / h->lanes]]
                               [plain_index(h, i, octet)] = true;
        }
    }
    for (unsigned form = 0; form < PLAIN_FORMS; form++) {
        for (int index = 0; index < h->frame.classes; index++) {
            h->frame.number[form][index] = h->frame.models;
            if (h->frame.occurs[form][index])
                h->frame.models += plain_form_contexts(form, h->frame.kind);
        }
    }
}

void plain_header_open(stream *s, size_t rows, size_t columns, const int32_t *row_hint,
                       const int32_t *column_hint, plain_header *h)
{
    *h = (plain_header){.rows = rows, .columns = columns};
    h->row_dead = calloc(rows, sizeof *h->row_dead);
    h->row_class = calloc(rows, sizeof *h->row_class);
    h->column = calloc(columns, sizeof *h->column);
    h->unit = calloc(columns, sizeof *h->unit);
    h->octet_class = calloc(columns, sizeof *h->octet_class);
    h->form = calloc(columns, sizeof *h->form);
    read_fields(s, h);
    if (s->bad || h->frame.classes == 0)
        return;
    if ((h->row_hints && !row_hint) || (h->order % 2 == 1 && !column_hint))
        s->bad = true;
    read_base(s, h);
    h->live_rows = read_dead(s, rows, h->dead_rows, h->row_dead);
    if (!s->bad)
        read_row_classes(s, row_hint, h);
    if (!s->bad)
        read_columns(s, column_hint, h);
    if (!s->bad)
        read_groups(s, h);
    if (!s->bad)
        find_occurring(h);
}

void plain_header_close(plain_header *h)
{
    free(h->models);
    free(h->form);
    free(h->octet_class);
    free(h->unit);
    free(h->column);
    free(h->row_class);
    free(h->row_dead);
}

void plain_header_models(stream *s, plain_header *h)
{
    h->models = calloc(h->frame.models, sizeof *h->models);
    plain_read_models(s, &h->frame, h->models);
}

size_t plain_block(const plain_header *h, size_t block, size_t *row)
{
    size_t count = 0;

    for (size_t remainder = h->stride; remainder-- > 0;) {
        for (size_t i = 0, rank = 0; i < (block + 1) * h->block_rows && i < h->rows; i++) {
            if (h->row_dead[i])
                continue;
            if (i >= block * h->block_rows && rank % h->stride == remainder)
                row[count++] = i;
            rank++;
        }
    }
    return count;
}
