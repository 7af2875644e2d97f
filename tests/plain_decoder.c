/* SPDX-License-Identifier: MIT */
#include "plain_decoder.h"

#include <stdlib.h>
#include <string.h>

/* --- what stands before the streams ------------------------------------------------- */

static void read_fields(stream *s, plain_head *h)
{
    const unsigned kind = u8(s), flags1 = u8(s), flags2 = u8(s);
    const uint64_t block_rows = varint(s), stride = varint(s), classes = varint(s);

    refuse_if(s, kind == 1 || kind > 8 || flags1 % 4 == 3 || flags2 > 63);
    refuse_if(s, block_rows < 1 || block_rows > h->rows || block_rows > 1024);
    refuse_if(s, block_rows > 1 && block_rows * h->columns > 67108864);
    refuse_if(s, stride < 1 || stride > h->rows || classes > PLAIN_CLASSES);
    refuse_if(s, classes == 0 && (kind != 0 || flags1 != 0 || flags2 != 0 || stride != 1));
    h->kind = kind;
    h->lanes = 8U << flags1 % 4;
    h->step = flags1 / 4 % 4;
    h->row_hints = (flags1 & 16) != 0;
    h->octet_columns = (flags1 & 32) != 0 ? 1 : 8;
    h->order = flags1 / 64;
    h->shape = flags2 % 4;
    h->dead_rows = (flags2 & 4) != 0;
    h->dead_columns = (flags2 & 8) != 0;
    h->corrected = (flags2 & 16) != 0;
    h->own = (flags2 & 32) != 0;
    h->block_rows = (size_t)block_rows;
    h->stride = (size_t)stride;
    h->classes = s->bad ? 0 : (int)classes;
    if (h->classes == 0)
        return;
    const int64_t base = unfold(varint(s)), form_class = unfold(varint(s));
    const uint64_t streams = varint(s);
    refuse_if(s, base < -(64 >> h->step) || base > 496 || base + h->classes - 1 > 496 >> h->step ||
                     llabs(form_class) > 1023 || streams < 1 || streams > 256);
    h->base = (int)base;
    h->form_class = (int)form_class;
    h->streams = (size_t)streams;
}

/* Hints are 64 to the octave, four to a sixteenth of it. */
static int64_t in_units(const plain_head *h, int64_t hint)
{
    return floor_div(hint + (2 << h->step), h->step + 2);
}

/* Which are dead; how many are live. */
static size_t read_dead(stream *s, size_t count, bool given, bool *dead)
{
    int64_t *const value = calloc(count, sizeof *value);
    size_t live = 0;

    if (given)
        plain_array(s, count, value);
    for (size_t i = 0; i < count; i++) {
        refuse_if(s, value[i] != 0 && value[i] != 1);
        dead[i] = value[i] != 0;
        live += !dead[i];
    }
    refuse_if(s, live == 0);
    free(value);
    return live;
}

static int class_of(stream *s, int64_t value)
{
    refuse_if(s, value < -1023 || value > 1023);
    return s->bad ? 0 : (int)value;
}

static void read_rows(stream *s, const int32_t *hint, plain_head *h)
{
    int64_t *const value = calloc(h->rows, sizeof *value);

    h->live_rows = read_dead(s, h->rows, h->dead_rows, h->row_dead);
    plain_array(s, h->live_rows, value);
    for (size_t i = 0, next = 0; i < h->rows && !s->bad; i++) {
        if (!h->row_dead[i])
            h->row_class[i] =
                class_of(s, value[next++] + (h->row_hints ? in_units(h, hint[i]) : 0));
    }
    free(value);
}

static void read_columns(stream *s, const int32_t *hint, plain_head *h)
{
    bool *const dead = calloc(h->columns, sizeof *dead);
    int64_t *const key = calloc(h->columns, sizeof *key);
    int64_t *const value = calloc(h->columns, sizeof *value);

    h->live_columns = read_dead(s, h->columns, h->dead_columns, dead);
    if (h->order >= 2)
        plain_array(s, h->live_columns, value);
    for (size_t j = 0, next = 0; j < h->columns; j++) {
        if (dead[j])
            continue;
        const int64_t k = (h->order % 2 == 1 ? hint[j] : 0) + value[next] * (4 << h->step);
        refuse_if(s, llabs(k) > 1048576 << (h->step + 2));
        size_t at = next++;
        for (; at > 0 && key[at - 1] > k; at--) { /* insertion, so that equal keys stay in order */
            key[at] = key[at - 1];
            h->column[at] = h->column[at - 1];
        }
        key[at] = k;
        h->column[at] = j;
    }
    h->octets = (h->live_columns + h->octet_columns - 1) / h->octet_columns;
    plain_array(s, h->octets, value);
    for (size_t k = 0; k < h->octets; k++)
        h->octet_class[k] = class_of(s, value[k] + in_units(h, key[h->octet_columns * k]));
    free(value);
    free(key);
    free(dead);
}

static int index_of(const plain_head *h, int sum)
{
    return sum < 0 ? 0 : sum >= h->classes ? h->classes - 1 : sum;
}

int plain_index(const plain_head *h, size_t row, size_t octet)
{
    return index_of(h, h->row_class[row] + h->octet_class[octet]);
}

void plain_open_head(stream *s, size_t rows, size_t columns, const int32_t *row_hint,
                     const int32_t *column_hint, plain_head *h)
{
    *h = (plain_head){.rows = rows, .columns = columns};
    h->row_dead = calloc(rows, sizeof *h->row_dead);
    h->row_class = calloc(rows, sizeof *h->row_class);
    h->column = calloc(columns, sizeof *h->column);
    h->octet_class = calloc(columns, sizeof *h->octet_class);
    h->form = calloc(columns, sizeof *h->form);
    read_fields(s, h);
    refuse_if(s, (h->row_hints && !row_hint) || (h->order % 2 == 1 && !column_hint));
    if (s->bad || h->classes == 0)
        return;
    read_rows(s, row_hint, h);
    read_columns(s, column_hint, h);
    h->groups = (h->live_columns + h->lanes - 1) / h->lanes;
    refuse_if(s, h->streams > h->groups);
    for (size_t k = 0; k < h->live_columns; k++) {
        const int index = index_of(h, h->octet_class[k / h->octet_columns] + h->form_class);
        const unsigned form = plain_form_of_width((h->base + index) * (1 << h->step));
        unsigned *const of_group = &h->form[k / h->lanes];
        *of_group = form > *of_group ? form : *of_group;
        h->forms = form >= h->forms ? form + 1 : h->forms;
    }
    if (!s->bad)
        plain_list_models(h);
}

void plain_close_head(plain_head *h)
{
    free(h->models);
    free(h->form);
    free(h->octet_class);
    free(h->column);
    free(h->row_class);
    free(h->row_dead);
}

size_t plain_block(const plain_head *h, size_t block, size_t *row)
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

/* --- streams ----------------------------------------------------------------------- */

typedef struct decoder {
    const plain_head *h;
    plain_coder lanes, tail; /* the tail has one */
    stream planes;
    unsigned width;       /* lanes that have a column in the stream */
    uint64_t before;      /* integers before the tail, still to be decoded */
    uint8_t left[2 * 32]; /* what the lanes leave: words of the tail */
    bool bad;
} decoder;

static void begin_tail(decoder *d)
{
    for (unsigned place = 0; place < d->width; place++) {
        const uint64_t x = d->lanes.x[plain_lane_at(place, d->width)];
        d->bad = d->bad || x < 65536 || x > 131071 || d->width < 2;
        d->left[2 * place] = (uint8_t)(x % 256);
        d->left[2 * place + 1] = (uint8_t)(x / 256 % 256);
    }
    d->tail.words = (stream){.bytes = d->left, .size = 2 * (size_t)d->width};
    d->tail.x[0] = 65536 * (uint64_t)u16(&d->tail.words);
    d->tail.x[0] += u16(&d->tail.words);
}

static void step(decoder *d, unsigned width, const model *const *m, int64_t *high)
{
    const model *of_lanes[32] = {NULL};
    unsigned place = 0;

    for (; place < width && d->before > 0; place++, d->before--)
        of_lanes[plain_lane_at(place, width)] = m[plain_lane_at(place, width)];
    if (place > 0) {
        plain_take_highs(&d->lanes, width, of_lanes, high);
        if (d->before == 0)
            begin_tail(d);
    }
    for (; place < width; place++)
        plain_take_highs(&d->tail, 1, &m[plain_lane_at(place, width)],
                         &high[plain_lane_at(place, width)]);
    d->bad = d->bad || d->lanes.words.bad;
}

/* An index becomes a level, and moves the state. */
static int64_t level(decoder *d, unsigned kind, unsigned *state, int64_t index)
{
    const int64_t sign = (index > 0) - (index < 0);
    const unsigned codebook = plain_codebook(kind, *state);

    d->bad = d->bad || llabs(index) >= 536870912;
    *state = plain_next_state(kind, *state, index);
    return 2 * index - (codebook == 1 ? sign : 0);
}

static void decode_group(decoder *d, size_t group, unsigned width, const size_t *row, size_t rows,
                         int32_t *out)
{
    const plain_head *const h = d->h;
    const unsigned form = h->form[group], shift = plain_form_shift(form);
    unsigned state[32] = {0};

    for (size_t i = 0; i < rows && !d->bad; i++) {
        const model *m[32] = {NULL};
        int64_t high[32] = {0}, low[32] = {0};
        for (unsigned k = 0; k < width; k++) {
            const int index = plain_index(h, row[i], (group * h->lanes + k) / h->octet_columns);
            m[k] = plain_model(h, form, index, plain_context(h->kind, form, state[k]));
        }
        step(d, width, m, high);
        for (unsigned bit = 0; bit < shift * width; bit++)
            low[bit % width] += (int64_t)bits(&d->planes, 1) << bit / width;
        for (unsigned k = 0; k < width; k++) {
            int64_t v = plain_whole(&d->planes, high[k], shift, low[k]);
            if (h->kind != 0)
                v = level(d, h->kind, &state[k], v);
            out[row[i] * h->columns + h->column[group * h->lanes + k]] = (int32_t)v;
        }
        d->bad = d->bad || d->planes.bad;
    }
}

static bool ends_well(const decoder *d, bool all_is_tail)
{
    stream words = d->tail.words;

    if (d->bad || d->planes.bad || d->lanes.words.at != d->lanes.words.size)
        return false;
    if (words.at == words.size && d->tail.x[0] == 4096)
        return true;
    while (words.at < words.size) {
        if (u8(&words) != 0)
            return false;
    }
    return d->tail.x[0] == 65536 && !all_is_tail;
}

static unsigned width_of(const plain_head *h, size_t group)
{
    const size_t left = h->live_columns - group * h->lanes;

    return left < h->lanes ? (unsigned)left : h->lanes;
}

/* The stream is all of s, and holds the groups from the first one on. */
static bool decode_stream(stream s, const plain_head *h, size_t first, const size_t *row,
                          size_t rows, int32_t *out)
{
    decoder d = {.h = h, .width = width_of(h, first), .tail = {.may_end = true}};
    uint64_t plane_bits = 0, tail = bits(&s, 8);

    tail += 256 * golomb(&s);
    for (size_t g = first; g < h->groups; g += h->streams) {
        plane_bits += rows * plain_form_shift(h->form[g]) * width_of(h, g);
        d.before += rows * width_of(h, g);
    }
    refuse_if(&s, tail >= d.before);
    d.before = tail == 0 ? 0 : d.before - tail;
    if (tail == 0)
        d.tail.x[0] = plain_read_state(&s, 5, 0);
    for (unsigned k = 0; k < d.width && tail != 0; k++)
        d.lanes.x[k] = plain_read_state(&s, 4, 16);
    plain_split(&s, plane_bits, &d.lanes.words, &d.planes);
    if (s.bad)
        return false;
    if (tail == 0) {
        d.tail.words = d.lanes.words;
        d.lanes.words.at = d.lanes.words.size;
    }
    for (size_t g = first; g < h->groups; g += h->streams)
        decode_group(&d, g, width_of(h, g), row, rows, out);
    end_of_bits(&d.planes);
    return ends_well(&d, tail == 0);
}

static void read_streams(stream *s, const plain_head *h, int32_t *out)
{
    const size_t blocks = (h->rows + h->block_rows - 1) / h->block_rows;
    int64_t *const size = calloc(blocks * h->streams, sizeof *size);
    size_t *const row = calloc(h->block_rows, sizeof *row);
    size_t count = 0, next = 0;

    for (size_t block = 0; block < blocks; block++)
        count += plain_block(h, block, row) != 0 ? h->streams : 0;
    size[count - 1] = (int64_t)varint(s);
    plain_array(s, count - 1, size);
    for (size_t k = 0; k < blocks * h->streams && !s->bad; k++) {
        const size_t rows = plain_block(h, k / h->streams, row);
        if (rows == 0)
            continue;
        const stream part = take_part(s, (uint64_t)size[next++]);
        refuse_if(s, !s->bad && !decode_stream(part, h, k % h->streams, row, rows, out));
    }
    free(row);
    free(size);
}

bool plain_decode_codes(const uint8_t *bytes, size_t size, size_t rows, size_t columns,
                        const int32_t *row_hint, const int32_t *column_hint, int32_t *out,
                        size_t *used)
{
    stream s = {.bytes = bytes, .size = size};
    plain_head h;

    memset(out, 0, rows * columns * sizeof *out);
    plain_open_head(&s, rows, columns, row_hint, column_hint, &h);
    if (!s.bad && h.classes != 0)
        plain_read_models(&s, &h);
    if (!s.bad && h.classes != 0)
        read_streams(&s, &h, out);
    plain_close_head(&h);
    *used = s.at;
    return !s.bad;
}
