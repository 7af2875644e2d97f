/* SPDX-License-Identifier: MIT */
#include "plain_encoder.h"

#include <math.h>
#include <string.h>

#include "plain_arrays.h"
#include "plain_header.h"
#include "plain_table.h"
#include "plain_trellis.h"

/* --- one state --------------------------------------------------------------------- */

/* What a lane does in a turn: it decodes a symbol that has these slots, if it takes part. */
typedef struct operation {
    unsigned start, f; /* f is 0 where it does not */
} operation;

static operation of_symbol(const unsigned *f, unsigned symbol)
{
    operation o = {0, f[symbol]};

    for (unsigned k = 0; k < symbol; k++)
        o.start += f[k];
    return o;
}

/* Undo the decoding of a symbol. */
static uint64_t push(uint64_t x, operation o)
{
    return x / o.f * 4096 + o.start + x % o.f;
}

/* Likewise, and the word that the decoder takes after it. Words are in the opposite of their order.
 */
static uint64_t push_with_word(uint64_t x, operation o, writer *words)
{
    if (x >= (uint64_t)o.f << 20) {
        put_u8(words, (unsigned)(x >> 8 & 255));
        put_u8(words, (unsigned)(x & 255));
        x >>= 16;
    }
    return push(x, o);
}

static void put_reversed(writer *w, const writer *part)
{
    for (size_t k = part->size; k-- > 0;)
        put_u8(w, part->data[k]);
}

static unsigned symbol_of(const model *m, int64_t high)
{
    return high < plain_first(m) || high > plain_last(m) ? 0 : (unsigned)(high + m->symbols / 2);
}

/* How far a high part that escapes is from those that do not, and on which side. */
static uint64_t distance_of(const model *m, int64_t high, unsigned *side)
{
    *side = high < plain_first(m);
    return (uint64_t)(*side == 1 ? plain_first(m) - 1 - high : high - plain_last(m) - 1);
}

static int64_t high_of(int64_t v, unsigned shift)
{
    return floor_div(v + (INT64_C(1) << shift) / 2, shift);
}

static uint64_t low_of(int64_t v, unsigned shift)
{
    const int64_t half = (INT64_C(1) << shift) / 2;
    return (uint64_t)(v + half - high_of(v, shift) * (INT64_C(1) << shift));
}

/* --- arrays ------------------------------------------------------------------------ */

/* Near to the standard deviation of the differences; a multiple of 4. */
static int width_for(const int64_t *values, size_t count)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += (double)(values[i] - values[0]) * (double)(values[i] - values[0]);
    const double w = 4 * floor(2 * log2(sum / (double)count + 1e-3));
    return w < -64 ? -64 : w > 496 ? 496 : (int)w;
}

static model array_model(const int64_t *values, size_t count, unsigned mode, int w)
{
    const unsigned shift = plain_array_shift(w);
    size_t counts[256] = {0};
    model m;

    if (mode > 1) {
        plain_builtin_model(&m, mode - 2, w, 256, shift, 0, 0, NULL);
        return m;
    }
    for (size_t i = 0; i < count; i++) {
        const int64_t high = high_of(values[i] - values[0], shift);
        counts[high < -127 || high > 127 ? 0 : high + 128]++;
    }
    return plain_count_model(256, counts);
}

static void put_differences(const int64_t *values, size_t count, const model *m, unsigned shift,
                            writer *out)
{
    writer words = {NULL, 0, 0}, bypass = {NULL, 0, 0}, part = {NULL, 0, 0};
    uint64_t x = 65536;

    for (size_t i = 0; i < count; i++) {
        const int64_t high = high_of(values[i] - values[0], shift);
        if (symbol_of(m, high) == 0) {
            unsigned side;
            put_golomb(&bypass, distance_of(m, high, &side));
            put_bits(&bypass, side, 1);
        }
        put_bits(&bypass, low_of(values[i] - values[0], shift), shift);
    }
    for (size_t i = count; i-- > 0;) {
        const unsigned symbol = symbol_of(m, high_of(values[i] - values[0], shift));
        x = push_with_word(x, of_symbol(m->f, symbol), &words);
    }
    put_varint(&part, bypass.size);
    put_varint(&part, x - 65536);
    put_reversed(&part, &words);
    put_writer(&part, &bypass);
    put_varint(out, part.size);
    put_writer(out, &part);
    free(words.data);
    free(bypass.data);
    free(part.data);
}

void plain_encode_array(const int64_t *values, size_t count, unsigned mode, writer *out)
{
    bool constant = true;

    for (size_t i = 0; i < count; i++)
        constant = constant && values[i] == values[0];
    if (count != 0)
        put_varint(out, 8 * fold(values[0]) + (constant ? 0 : mode));
    if (constant)
        return;
    const int w = width_for(values, count);
    const model m = array_model(values, count, mode, w);
    put_u8(out, (unsigned)(w / 4 + 16));
    if (mode == 1)
        plain_put_table(out, &m);
    end_bits(out);
    put_differences(values, count, &m, plain_array_shift(w), out);
}

/* --- what stands before the models ------------------------------------------------- */

static size_t live_of(const int64_t *dead, size_t count)
{
    size_t live = 0;

    for (size_t i = 0; i < count; i++)
        live += !dead || dead[i] == 0;
    return live;
}

static void put_fields(const plain_choices *c, writer *out)
{
    put_u8(out, c->kind);
    put_u8(out, (c->lanes / 16) | c->step << 2 | (unsigned)c->row_hints << 4 |
                    (unsigned)c->small_octets << 5 | c->order << 6);
    put_u8(out, c->shape | (c->dead_rows ? 4U : 0) | (c->dead_columns ? 8U : 0) |
                    (c->corrections ? 16U : 0) | (c->own ? 32U : 0));
    put_varint(out, c->block_rows);
    put_varint(out, c->stride);
    put_varint(out, (uint64_t)c->classes);
    put_varint(out, fold(c->base));
    put_varint(out, fold(c->form_class));
    put_varint(out, c->streams);
}

static void put_arrays(const plain_choices *c, size_t rows, size_t columns, writer *out)
{
    const size_t live_rows = live_of(c->dead_rows, rows);
    const size_t live_columns = live_of(c->dead_columns, columns);

    if (c->dead_rows)
        plain_encode_array(c->dead_rows, rows, c->array_mode, out);
    plain_encode_array(c->row_classes, live_rows, c->array_mode, out);
    if (c->dead_columns)
        plain_encode_array(c->dead_columns, columns, c->array_mode, out);
    if (c->order >= 2)
        plain_encode_array(c->keys, live_columns, c->array_mode, out);
    plain_encode_array(c->octet_classes, c->small_octets ? live_columns : (live_columns + 7) / 8,
                       c->array_mode, out);
}

/* --- what is coded ----------------------------------------------------------------- */

/* An integer, or the index that a level stands for, and the number of its model. */
typedef struct spot {
    int64_t v;
    size_t model;
} spot;

/* The spots of a matrix: rows as they are, live columns in coding order. */
typedef struct matrix {
    plain_header h;
    spot *spots;
    size_t *row; /* of the block at hand, in coding order */
} matrix;

static spot *spot_at(const matrix *x, size_t row, size_t column)
{
    return &x->spots[row * x->h.columns + column];
}

static unsigned form_at(const plain_header *h, size_t column)
{
    return h->form[column / h->lanes];
}

/* False for what is no level of the codebook. */
static bool index_of(int64_t level, unsigned codebook, int64_t *index)
{
    const int64_t sign = (level > 0) - (level < 0);
    const int64_t twice = level + (codebook == 1 ? sign : 0);

    *index = twice / 2;
    return twice % 2 == 0 && *index > -536870912 && *index < 536870912;
}

static bool find_spots_of_column(const matrix *x, size_t rows, size_t j, const int32_t *values)
{
    const unsigned kind = x->h.frame.kind, form = form_at(&x->h, j);
    unsigned state = 0;

    for (size_t i = 0; i < rows; i++) {
        spot *const here = spot_at(x, x->row[i], j);
        const unsigned context = kind == 0 ? 0 : plain_context(kind, form, state);
        here->v = values[x->row[i] * x->h.columns + x->h.column[j]];
        here->model = plain_model_number(
            &x->h.frame, form, plain_index(&x->h, x->row[i], j / x->h.octet_columns), context);
        if (kind == 0)
            continue;
        if (!index_of(here->v, plain_codebook(kind, state), &here->v))
            return false;
        state = plain_next_state(kind, state, here->v);
    }
    return true;
}

static size_t blocks_of(const plain_header *h)
{
    return (h->rows + h->block_rows - 1) / h->block_rows;
}

static bool find_spots(const matrix *x, const int32_t *values)
{
    for (size_t block = 0; block < blocks_of(&x->h); block++) {
        const size_t rows = plain_block(&x->h, block, x->row);
        for (size_t j = 0; j < x->h.live_columns; j++) {
            if (!find_spots_of_column(x, rows, j, values))
                return false;
        }
    }
    return true;
}

/* --- models ------------------------------------------------------------------------ */

static void put_corrections(const plain_choices *c, writer *out)
{
    const int knots = plain_knots(c->base, c->step, c->classes);

    for (unsigned context = 0; context < plain_form_contexts(0, c->kind); context++) {
        put_golomb(out, c->corrections->count[context]);
        for (unsigned k = 0; k < c->corrections->count[context]; k++) {
            const int *const power = c->corrections->power[context][k];
            for (int knot = 0; knot < knots; knot++)
                put_golomb(out, fold(power[knot] - (knot == 0 ? 0 : power[knot - 1])));
        }
    }
}

static void put_count_table(const matrix *x, unsigned form, size_t number, writer *out)
{
    const unsigned symbols = plain_form_symbols(form);
    const int64_t half = symbols / 2;
    size_t counts[64] = {0};

    for (size_t i = 0; i < x->h.rows; i++) {
        for (size_t j = 0; j < x->h.live_columns; j++) {
            const int64_t high = high_of(spot_at(x, i, j)->v, plain_form_shift(form));
            if (!x->h.row_dead[i] && form_at(&x->h, j) == form && spot_at(x, i, j)->model == number)
                counts[high < 1 - half || high > half - 1 ? 0 : high + half]++;
        }
    }
    const model m = plain_count_model(symbols, counts);
    plain_put_table(out, &m);
}

static void put_own_models(const matrix *x, unsigned own, writer *out)
{
    const model_frame *const frame = &x->h.frame;

    for (unsigned form = 0; form < PLAIN_FORMS; form++) {
        for (int index = 0; index < frame->classes; index++) {
            for (unsigned context = 0; context < plain_form_contexts(form, frame->kind);
                 context++) {
                if (!frame->occurs[form][index])
                    continue;
                const bool table = own++ % 2 == 0;
                put_bits(out, !table, 1);
                if (table)
                    put_count_table(x, form, plain_model_number(frame, form, index, context), out);
            }
        }
    }
}

/* --- streams ----------------------------------------------------------------------- */

/* Something that lanes do at once. */
typedef struct turn {
    operation lane[32];
    size_t from_end; /* of an integer of the tail: itself and those after it in the stream */
} turn;

typedef struct turns {
    turn *all;
    size_t count;
} turns;

static turn *add_turn(turns *r, size_t from_end)
{
    r->all = realloc(r->all, (r->count + 1) * sizeof *r->all);
    r->all[r->count] = (turn){.from_end = from_end};
    return &r->all[r->count++];
}

static operation of_bits(uint64_t value, unsigned count)
{
    return (operation){(unsigned)value << (12 - count), 1U << (12 - count)};
}

static operation of_escape(unsigned e)
{
    static const unsigned first[] = {1024, 512, 256, 128, 64, 12};
    unsigned f[64];

    for (unsigned k = 0; k < 64; k++)
        f[k] = k / 2 < 6 ? first[k / 2] : 2;
    return of_symbol(f, e);
}

/* The turns of the escapes of a step; m is NULL for lanes without one. */
static void add_escapes(turns *r, const model *const *m, const int64_t *high, size_t from_end)
{
    unsigned left[32] = {0};
    uint64_t z[32] = {0};

    turn *now = add_turn(r, from_end);
    for (unsigned k = 0; k < 32; k++) {
        unsigned side;
        if (!m[k])
            continue;
        const uint64_t d = distance_of(m[k], high[k], &side);
        while ((d + 1) >> (left[k] + 1) != 0)
            left[k]++;
        z[k] = d + 1 - (UINT64_C(1) << left[k]);
        now->lane[k] = of_escape(2 * left[k] + side);
    }
    for (unsigned done = 0; done < 32; done += 8) {
        now = add_turn(r, from_end);
        for (unsigned k = 0; k < 32; k++) {
            const unsigned count = left[k] < 8 ? left[k] : 8;
            if (count != 0)
                now->lane[k] = of_bits(z[k] % (1U << count), count);
            z[k] >>= count;
            left[k] -= count;
        }
    }
}

static unsigned width_of(const plain_header *h, size_t group)
{
    const size_t left = h->live_columns - group * h->lanes;

    return left < h->lanes ? (unsigned)left : h->lanes;
}

/* The lane at a place in the order of lanes. */
static unsigned lane_at(unsigned place, unsigned width)
{
    const unsigned even = (width + 1) / 2;

    return place < even ? 2 * place : 2 * (place - even) + 1;
}

/* A step of the lanes at these places. */
static bool add_lanes(const matrix *x, size_t row, size_t group, unsigned begin, unsigned end,
                      size_t from_end, turns *r)
{
    const unsigned shift = plain_form_shift(x->h.form[group]);
    const model *escaped[32] = {NULL};
    int64_t high[32] = {0};
    bool any = false;
    turn *const now = add_turn(r, from_end);

    for (unsigned place = begin; place < end; place++) {
        const unsigned k = lane_at(place, width_of(&x->h, group));
        const spot *const here = spot_at(x, row, group * x->h.lanes + k);
        const model *const m = &x->h.models[here->model];
        high[k] = high_of(here->v, shift);
        const unsigned symbol = symbol_of(m, high[k]);
        escaped[k] = symbol == 0 ? m : NULL;
        any = any || symbol == 0;
        now->lane[k] = of_symbol(m->f, symbol);
        if (now->lane[k].f == 0)
            return false;
    }
    if (any)
        add_escapes(r, escaped, high, from_end);
    return true;
}

static void put_planes(const matrix *x, size_t row, size_t group, writer *planes)
{
    const unsigned shift = plain_form_shift(x->h.form[group]);

    for (unsigned p = 0; p < shift; p++) {
        for (unsigned k = 0; k < width_of(&x->h, group); k++)
            put_bits(planes, low_of(spot_at(x, row, group * x->h.lanes + k)->v, shift) >> p, 1);
    }
}

/* Backwards, and the lanes too: words are taken in the order of lanes. */
static void push_turns(const turns *r, uint64_t *x, writer *words)
{
    for (size_t k = r->count; k-- > 0;) {
        for (unsigned place = 32; place-- > 0;) {
            const unsigned lane = lane_at(place, 32);
            if (r->all[k].lane[lane].f != 0)
                x[lane] = push_with_word(x[lane], r->all[k].lane[lane], words);
        }
    }
}

/* Likewise for the last integers, on one state, which is returned. */
static uint64_t push_tail(const turns *r, size_t count, uint64_t x, writer *words)
{
    words->size = 0;
    for (size_t k = r->count; k-- > 0;) {
        for (unsigned lane = 0; lane < 32 && r->all[k].from_end <= count; lane++) {
            if (r->all[k].lane[lane].f != 0)
                x = push_with_word(x, r->all[k].lane[lane], words);
        }
    }
    return x;
}

/* --- the stream's parts ------------------------------------------------------------ */

typedef struct coded {
    size_t first, rows, integers;
    unsigned width; /* lanes that have a column */
    turns tail;     /* of as many integers as are wanted */
    size_t count;   /* of those that are in it */
    uint64_t x;     /* the state at its beginning */
    writer words;   /* the tail's, the last one first */
    turns before;
    writer planes;
} coded;

/* For each step, in order, the integers of it that this call is for: those from `begin` on of the
 * stream, one by one, or those before it, together. */
static bool add_steps(const matrix *x, const plain_choices *c, size_t begin, bool behind, coded *d)
{
    size_t at = 0;
    bool good = true;

    for (size_t g = d->first; g < x->h.groups; g += c->streams) {
        const unsigned width = width_of(&x->h, g);
        for (size_t i = 0; i < d->rows && good; i++, at += width) {
            const size_t split = at >= begin ? 0 : begin - at < width ? begin - at : width;
            if (!behind && split != 0)
                good = add_lanes(x, x->row[i], g, 0, (unsigned)split, 0, &d->before);
            for (size_t k = split; k < width && behind && good; k++)
                good = add_lanes(x, x->row[i], g, (unsigned)k, (unsigned)k + 1,
                                 d->integers - at - k, &d->tail);
        }
    }
    return good;
}

/* The tail gets shorter until its words are those that the lanes can leave. */
static bool find_tail(coded *d)
{
    for (; d->count > 0; d->count--) {
        d->x = push_tail(&d->tail, d->count, 4096, &d->words);
        if (d->count == d->integers || d->words.size / 2 + 2 == d->width)
            return true;
        d->x = push_tail(&d->tail, d->count, 65536, &d->words);
        if (d->words.size / 2 + 2 < d->width)
            return true;
    }
    return false;
}

static void put_state(uint64_t x, unsigned exponent_bits, unsigned least, writer *out)
{
    unsigned e = 0;

    while (x >> (e + 1) != 0)
        e++;
    put_bits(out, e - least, exponent_bits);
    put_bits(out, x, e);
}

/* The lanes end with the words of the tail, and zeros after them. */
static void last_states(const coded *d, uint64_t *x)
{
    for (unsigned place = 0; place < d->width; place++) {
        const size_t words = d->words.size / 2, k = place - 2;
        uint64_t word = place == 0 ? d->x >> 16 : place == 1 ? d->x & 65535 : 0;
        if (place >= 2 && k < words)
            word = d->words.data[2 * (words - k) - 1] + 256U * d->words.data[2 * (words - k) - 2];
        x[lane_at(place, d->width)] = 65536 + word;
    }
}

static void put_coded(coded *d, writer *out)
{
    uint64_t x[32] = {0};

    put_bits(out, d->count == d->integers ? 0 : d->count, 8);
    put_golomb(out, d->count == d->integers ? 0 : d->count / 256);
    if (d->count == d->integers) {
        put_state(d->x, 5, 0, out);
    } else {
        last_states(d, x);
        d->words.size = 0;
        push_turns(&d->before, x, &d->words);
        for (unsigned k = 0; k < d->width; k++)
            put_state(x[k], 4, 16, out);
    }
    end_bits(out);
    put_reversed(out, &d->words);
    end_bits(&d->planes);
    put_writer(out, &d->planes);
}

static bool put_stream(const matrix *x, const plain_choices *c, size_t rows, size_t first,
                       writer *out)
{
    coded d = {.first = first, .rows = rows, .width = width_of(&x->h, first)};

    for (size_t g = first; g < x->h.groups; g += c->streams) {
        d.integers += rows * width_of(&x->h, g);
        for (size_t i = 0; i < rows; i++)
            put_planes(x, x->row[i], g, &d.planes);
    }
    d.count = c->tail < d.integers && c->tail != 0 && d.width > 1 ? c->tail : d.integers;
    bool good = add_steps(x, c, d.integers - d.count, true, &d);
    if (good && !find_tail(&d)) {
        d.count = d.integers;
        d.tail.count = 0;
        good = add_steps(x, c, 0, true, &d) && find_tail(&d);
    }
    good = good && add_steps(x, c, d.integers - d.count, false, &d);
    if (good)
        put_coded(&d, out);
    free(d.before.all);
    free(d.tail.all);
    free(d.words.data);
    free(d.planes.data);
    return good;
}

static bool put_streams(const matrix *x, const plain_choices *c, writer *out)
{
    writer all = {NULL, 0, 0};
    int64_t *const size = calloc(blocks_of(&x->h) * c->streams, sizeof *size);
    size_t count = 0;
    bool good = true;

    for (size_t block = 0; block < blocks_of(&x->h); block++) {
        const size_t rows = plain_block(&x->h, block, x->row);
        for (size_t k = 0; k < c->streams && good && rows != 0; k++) {
            const size_t before = all.size;
            good = put_stream(x, c, rows, k, &all);
            size[count++] = (int64_t)(all.size - before);
        }
    }
    if (good) {
        put_varint(out, (uint64_t)size[count - 1]);
        plain_encode_array(size, count - 1, c->array_mode, out);
    }
    put_writer(out, &all);
    free(size);
    free(all.data);
    return good;
}

/* --- all --------------------------------------------------------------------------- */

/* Only where nothing but 0 is dead. */
static bool dead_are_zero(const plain_choices *c, size_t rows, size_t columns,
                          const int32_t *values)
{
    for (size_t k = 0; k < rows * columns; k++) {
        const bool dead = c->classes == 0 || (c->dead_rows && c->dead_rows[k / columns] == 1) ||
                          (c->dead_columns && c->dead_columns[k % columns] == 1);
        if (dead && values[k] != 0)
            return false;
    }
    return true;
}

static bool put_rest(matrix *x, stream *s, const int32_t *values, const plain_choices *c,
                     writer *out)
{
    x->spots = calloc(x->h.rows * x->h.columns, sizeof *x->spots);
    x->row = calloc(x->h.block_rows, sizeof *x->row);
    if (!find_spots(x, values))
        return false;
    if (c->corrections)
        put_corrections(c, out);
    if (c->own)
        put_own_models(x, c->own, out);
    end_bits(out);
    *s = (stream){.bytes = out->data, .size = out->size, .at = s->at};
    plain_header_models(s, &x->h);
    return !s->bad && put_streams(x, c, out);
}

bool plain_encode_codes(const int32_t *values, size_t rows, size_t columns, const int32_t *row_hint,
                        const int32_t *column_hint, const plain_choices *choices, writer *out)
{
    matrix x = {.spots = NULL};
    const size_t begin = out->size;

    if (!dead_are_zero(choices, rows, columns, values))
        return false;
    put_fields(choices, out);
    if (choices->classes == 0) {
        out->size -= 3; /* base, form class and streams */
        return true;
    }
    put_arrays(choices, rows, columns, out);
    stream s = {.bytes = out->data, .size = out->size, .at = begin};
    plain_header_open(&s, rows, columns, row_hint, column_hint, &x.h);
    const bool good = !s.bad && put_rest(&x, &s, values, choices, out);
    plain_header_close(&x.h);
    free(x.row);
    free(x.spots);
    return good;
}
