/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "plain_matrix.h"
#include "plain_push.h"

/* --- turns ------------------------------------------------------------------------- */

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
            if (done < left[k])
                now->lane[k] = of_digit(z[k], left[k], done);
        }
    }
}

static unsigned width_of(const plain_head *h, size_t group)
{
    const size_t left = h->live_columns - group * h->lanes;

    return left < h->lanes ? (unsigned)left : h->lanes;
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
        const unsigned k = plain_lane_at(place, width_of(&x->h, group));
        const spot *const here = spot_at(x, row, group * x->h.lanes + k);
        const model *const m = here->model;
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
            const unsigned lane = plain_lane_at(place, 32);
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

/* The lanes end with the words of the tail, and zeros after them. */
static void last_states(const coded *d, uint64_t *x)
{
    for (unsigned place = 0; place < d->width; place++) {
        const size_t words = d->words.size / 2, k = place - 2;
        uint64_t word = place == 0 ? d->x >> 16 : place == 1 ? d->x & 65535 : 0;
        if (place >= 2 && k < words)
            word = d->words.data[2 * (words - k) - 1] + 256U * d->words.data[2 * (words - k) - 2];
        x[plain_lane_at(place, d->width)] = 65536 + word;
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

bool plain_put_stream(const matrix *x, const plain_choices *c, size_t rows, size_t first,
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
