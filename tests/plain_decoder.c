/* SPDX-License-Identifier: MIT */
#include "plain_decoder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plain_arrays.h"
#include "plain_header.h"
#include "plain_trellis.h"

/* --- a stream ---------------------------------------------------------------------- */

typedef struct lanes {
    uint64_t x[32];
    stream words;
    bool may_end; /* words may: then none is taken */
} lanes;

static void take_words(lanes *l, const bool *takes_part)
{
    for (unsigned half = 0; half < 2; half++) {
        for (unsigned k = half; k < 32; k += 2) {
            if (!takes_part[k] || l->x[k] >= 65536 || (l->may_end && l->words.at == l->words.size))
                continue;
            l->x[k] = 65536 * l->x[k] + u16(&l->words);
        }
    }
}

static uint64_t take_bits(uint64_t *x, unsigned count)
{
    const uint64_t slot = *x % 4096, size = UINT64_C(1) << (12 - count);

    *x = size * (*x / 4096) + slot % size;
    return slot / size;
}

static void escape_frequencies(unsigned *f)
{
    static const unsigned first[] = {1024, 512, 256, 128, 64, 12};

    for (unsigned e = 0; e < 64; e++)
        f[e] = e / 2 < 6 ? first[e / 2] : 2;
}

/* High parts of the lanes that escaped. */
static void escapes(lanes *l, const bool *escaped, const model *const *m, int64_t *high)
{
    unsigned f[64], e[32] = {0}, done[32] = {0};
    uint64_t z[32] = {0};
    bool more = true;

    escape_frequencies(f);
    for (unsigned k = 0; k < 32; k++) {
        if (escaped[k])
            e[k] = plain_pull(&l->x[k], f);
    }
    take_words(l, escaped);
    while (more) {
        bool takes_part[32] = {false};
        more = false;
        for (unsigned k = 0; k < 32; k++) {
            const unsigned left = e[k] / 2 - done[k], count = left < 8 ? left : 8;
            if (count == 0)
                continue;
            z[k] += take_bits(&l->x[k], count) << done[k];
            done[k] += count;
            takes_part[k] = more = true;
        }
        take_words(l, takes_part);
    }
    for (unsigned k = 0; k < 32; k++) {
        const int64_t d = (INT64_C(1) << e[k] / 2) - 1 + (int64_t)z[k];
        if (escaped[k])
            high[k] = e[k] % 2 == 0 ? plain_last(m[k]) + 1 + d : plain_first(m[k]) - 1 - d;
    }
}

/* High parts of the lanes that take part. */
static void take_highs(lanes *l, const bool *takes_part, const model *const *m, int64_t *high)
{
    bool escaped[32] = {false};

    for (unsigned k = 0; k < 32; k++) {
        if (!takes_part[k])
            continue;
        const unsigned symbol = plain_pull(&l->x[k], m[k]->f);
        escaped[k] = symbol == 0;
        high[k] = (int64_t)symbol - m[k]->symbols / 2;
    }
    take_words(l, takes_part);
    escapes(l, escaped, m, high);
}

/* The low bits of all lanes. */
static void take_planes(stream *planes, unsigned width, unsigned shift, int64_t *low)
{
    for (unsigned p = 0; p < shift; p++) {
        for (unsigned k = 0; k < width; k++)
            low[k] += (int64_t)bits(planes, 1) << p;
    }
}

/* --- the tail ---------------------------------------------------------------------- */

typedef struct coder {
    const plain_header *h;
    lanes lanes, tail; /* the tail's state is its first one */
    stream planes;
    unsigned width;  /* lanes that have a column */
    uint64_t before; /* integers before the tail, still to be decoded */
    bool in_tail;
    uint8_t left[2 * 32]; /* what the lanes leave: words of the tail */
} coder;

/* The place of a lane in the order of lanes. */
static unsigned place_of(unsigned lane, unsigned width)
{
    return lane / 2 + (lane % 2 == 0 ? 0 : (width + 1) / 2);
}

/* False if the states of the lanes are no words, or too few. */
static bool begin_tail(coder *c)
{
    for (unsigned k = 0; k < c->width; k++) {
        const unsigned place = place_of(k, c->width);
        if (c->lanes.x[k] < 65536 || c->lanes.x[k] > 131071)
            return false;
        c->left[2 * place] = (uint8_t)(c->lanes.x[k] % 256);
        c->left[2 * place + 1] = (uint8_t)(c->lanes.x[k] / 256 % 256);
    }
    if (c->width < 2)
        return false;
    c->tail.words = (stream){.bytes = c->left, .size = 2 * (size_t)c->width};
    c->tail.x[0] = 65536 * (uint64_t)u16(&c->tail.words);
    c->tail.x[0] += u16(&c->tail.words);
    c->in_tail = true;
    return true;
}

/* Those of the lanes whose place is from `place` on, one after the other. */
static bool take_tail(coder *c, unsigned width, unsigned place, const model *const *m,
                      int64_t *high)
{
    static const bool first[32] = {true};

    if (place < width && !c->in_tail && !begin_tail(c))
        return false;
    for (; place < width; place++) {
        for (unsigned k = 0; k < width; k++) {
            if (place_of(k, width) == place)
                take_highs(&c->tail, first, &m[k], &high[k]);
        }
    }
    return true;
}

/* One integer of each of the lanes that have a model. */
static bool step(coder *c, unsigned form, unsigned width, const model *const *m, int64_t *v)
{
    const unsigned shift = plain_form_shift(form);
    const int64_t half = (INT64_C(1) << shift) / 2;
    const unsigned before = c->before < width ? (unsigned)c->before : width;
    bool takes_part[32] = {false};
    int64_t high[32] = {0}, low[32] = {0};

    for (unsigned k = 0; k < width; k++)
        takes_part[k] = place_of(k, width) < before;
    take_highs(&c->lanes, takes_part, m, high);
    c->before -= before;
    if (c->lanes.words.bad || !take_tail(c, width, before, m, high))
        return false;
    take_planes(&c->planes, width, shift, low);
    for (unsigned k = 0; k < width; k++)
        v[k] = high[k] * (INT64_C(1) << shift) - half + low[k];
    return !c->planes.bad;
}

static bool ends_well(coder *c, bool all_is_tail)
{
    if (!c->in_tail && !begin_tail(c))
        return false;
    stream *const words = &c->tail.words;
    const uint64_t x = c->tail.x[0];
    if (words->at == words->size && x == 4096)
        return all_is_tail || c->lanes.words.at == c->lanes.words.size;
    while (words->at < words->size) {
        if (u8(words) != 0)
            return false;
    }
    return x == 65536 && !all_is_tail && c->lanes.words.at == c->lanes.words.size;
}

/* --- groups ------------------------------------------------------------------------ */

static unsigned width_of(const plain_header *h, size_t group)
{
    const size_t left = h->live_columns - group * h->lanes;

    return left < h->lanes ? (unsigned)left : h->lanes;
}

/* False if v is no index of the kind; else moves the state, and v becomes the level. */
static bool level(unsigned kind, unsigned *state, int64_t *v)
{
    const int64_t index = *v, sign = (index > 0) - (index < 0);

    if (index <= -536870912 || index >= 536870912)
        return false;
    *v = 2 * index - (plain_codebook(kind, *state) == 1 ? sign : 0);
    *state = plain_next_state(kind, *state, index);
    return true;
}

static bool group(coder *c, size_t number, const size_t *row, size_t rows, int32_t *out)
{
    const plain_header *const h = c->h;
    const unsigned kind = h->frame.kind, form = h->form[number], width = width_of(h, number);
    unsigned state[32] = {0};

    for (size_t i = 0; i < rows; i++) {
        const model *m[32] = {NULL};
        int64_t v[32] = {0};
        for (unsigned k = 0; k < width; k++) {
            const int index = plain_index(h, row[i], (number * h->lanes + k) / h->octet_columns);
            const unsigned context = kind == 0 ? 0 : plain_context(kind, form, state[k]);
            m[k] = &h->models[plain_model_number(&h->frame, form, index, context)];
        }
        if (!step(c, form, width, m, v))
            return false;
        for (unsigned k = 0; k < width; k++) {
            if (v[k] < INT32_MIN || v[k] > INT32_MAX)
                return false;
            if (kind != 0 && !level(kind, &state[k], &v[k]))
                return false;
            out[row[i] * h->columns + h->column[number * h->lanes + k]] = (int32_t)v[k];
        }
    }
    return true;
}

static uint64_t read_state(stream *s, unsigned exponent_bits, unsigned least)
{
    const unsigned e = least + (unsigned)bits(s, exponent_bits);

    return (UINT64_C(1) << e) + bits(s, e);
}

/* The stream is all of s, and holds the groups from the first one on. */
static bool groups(stream s, const plain_header *h, size_t first, const size_t *row, size_t rows,
                   int32_t *out)
{
    coder c = {.h = h, .width = width_of(h, first), .tail = {.may_end = true}};
    size_t plane_bits = 0;
    uint64_t tail = bits(&s, 8);

    tail += 256 * golomb(&s);
    for (size_t g = first; g < h->groups; g += h->streams) {
        plane_bits += rows * plain_form_shift(h->form[g]) * width_of(h, g);
        c.before += rows * width_of(h, g);
    }
    if (tail >= c.before)
        return false;
    c.before = tail == 0 ? 0 : c.before - tail; /* 0 stands for all */
    const bool all_is_tail = c.before == 0;
    if (all_is_tail)
        c.tail.x[0] = read_state(&s, 5, 0);
    for (unsigned k = 0; k < c.width && !all_is_tail; k++)
        c.lanes.x[k] = read_state(&s, 4, 16);
    end_of_bits(&s);
    const size_t plane_bytes = (plane_bits + 7) / 8;
    if (s.bad || plane_bytes > s.size - s.at || (s.size - s.at - plane_bytes) % 2 != 0)
        return false;
    c.planes = (stream){.bytes = s.bytes, .size = s.size, .at = s.size - plane_bytes};
    c.lanes.words = (stream){.bytes = s.bytes, .size = c.planes.at, .at = s.at};
    c.tail.words = c.lanes.words;
    c.in_tail = all_is_tail;
    for (size_t g = first; g < h->groups; g += h->streams) {
        if (!group(&c, g, row, rows, out))
            return false;
    }
    end_of_bits(&c.planes);
    return !c.planes.bad && ends_well(&c, all_is_tail);
}

/* --- coded integers ---------------------------------------------------------------- */

static void read_streams(stream *s, const plain_header *h, int32_t *out)
{
    const size_t blocks = (h->rows + h->block_rows - 1) / h->block_rows;
    int64_t *const size = calloc(blocks * h->streams, sizeof *size);
    size_t *const row = calloc(h->block_rows, sizeof *row);
    size_t live = 0, next = 0;

    for (size_t block = 0; block < blocks; block++)
        live += plain_block(h, block, row) != 0;
    const size_t count = live * h->streams;
    size[count - 1] = (int64_t)varint(s);
    plain_array(s, count - 1, size);
    for (size_t k = 0; k < blocks * h->streams && !s->bad; k++) {
        const size_t rows = plain_block(h, k / h->streams, row);
        if (rows == 0)
            continue;
        if (size[next] < 0 || (uint64_t)size[next] > s->size - s->at) {
            s->bad = true;
            break;
        }
        const stream part = {.bytes = s->bytes, .size = s->at + (size_t)size[next], .at = s->at};
        s->bad = !groups(part, h, k % h->streams, row, rows, out);
        s->at = part.size;
        next++;
    }
    free(row);
    free(size);
}

bool plain_decode_codes(const uint8_t *bytes, size_t size, size_t rows, size_t columns,
                        const int32_t *row_hint, const int32_t *column_hint, int32_t *out,
                        size_t *used)
{
    stream s = {.bytes = bytes, .size = size};
    plain_header h;

    memset(out, 0, rows * columns * sizeof *out);
    plain_header_open(&s, rows, columns, row_hint, column_hint, &h);
    if (!s.bad && h.frame.classes != 0)
        plain_header_models(&s, &h);
    if (!s.bad && h.frame.classes != 0)
        read_streams(&s, &h, out);
    plain_header_close(&h);
    *used = s.at;
    return !s.bad;
}

/* --- scales ------------------------------------------------------------------------ */

static float scale_value(unsigned grid, int64_t sign, int64_t exponent)
{
    const int64_t octave = floor_div(exponent, grid);
    const int64_t part = (exponent - octave * (INT64_C(1) << grid)) * (INT64_C(1) << (12 - grid));
    const double a = (double)exp2l((long double)(part / 64) / 64);
    const double b = (double)exp2l((long double)(part % 64) / 4096);
    const double mantissa = a * b;

    return sign == 0 ? 0.0F : (float)((double)sign * ldexp(mantissa, (int)octave));
}

bool plain_decode_scales(const uint8_t *bytes, size_t size, size_t count, float *out, size_t *used)
{
    stream s = {.bytes = bytes, .size = size};
    const unsigned head = u8(&s);
    const unsigned grid = head % 16;
    int64_t *const signs = calloc(count, sizeof *signs);
    int64_t *const exponents = calloc(count, sizeof *exponents);
    size_t nonzero = 0;

    if (grid > 12 || head > 31)
        s.bad = true;
    for (size_t i = 0; i < count; i++)
        signs[i] = 1;
    if (!s.bad && head >= 16)
        plain_array(&s, count, signs);
    for (size_t i = 0; i < count && !s.bad; i++) {
        s.bad = signs[i] < -1 || signs[i] > 1;
        nonzero += signs[i] != 0;
    }
    if (!s.bad)
        plain_array(&s, nonzero, exponents);
    size_t next = 0;
    for (size_t i = 0; i < count && !s.bad; i++) {
        const int64_t exponent = signs[i] == 0 ? 0 : exponents[next++];
        if (exponent < -126 * (INT64_C(1) << grid) || exponent > 127 * (INT64_C(1) << grid))
            s.bad = true;
        else
            out[i] = scale_value(grid, signs[i], exponent);
    }
    free(signs);
    free(exponents);
    *used = s.at;
    return !s.bad;
}
