/* SPDX-License-Identifier: MIT */
#include "plain_decoder.h"

#include <stdlib.h>
#include <string.h>

/* --- symbols of lanes ---------------------------------------------------------------- */

static unsigned pull(uint64_t *x, const unsigned *f)
{
    const uint64_t slot = *x % 4096;
    uint64_t start = 0;
    unsigned k = 0;

    while (start + f[k] <= slot)
        start += f[k++];
    *x = f[k] * (*x / 4096) + slot - start;
    return k;
}

unsigned plain_lane_at(unsigned place, unsigned width)
{
    const unsigned even = (width + 1) / 2;

    return place < even ? 2 * place : 2 * (place - even) + 1;
}

static void take_words(plain_coder *c, unsigned width, const bool *takes_part)
{
    for (unsigned place = 0; place < width; place++) {
        const unsigned k = plain_lane_at(place, width);
        if (takes_part[k] && c->x[k] < 65536 && !(c->may_end && c->words.at == c->words.size))
            c->x[k] = 65536 * c->x[k] + u16(&c->words);
    }
}

static void take_escapes(plain_coder *c, unsigned width, const bool *escaped, const model *const *m,
                         int64_t *high)
{
    unsigned f[64], e[32] = {0};
    int64_t z[32] = {0};

    for (unsigned k = 0; k < 64; k++)
        f[k] = k / 2 < 5 ? 1024U >> k / 2 : k / 2 == 5 ? 12 : 2;
    for (unsigned k = 0; k < width; k++) {
        if (escaped[k])
            e[k] = pull(&c->x[k], f);
    }
    take_words(c, width, escaped);
    for (unsigned done = 0; done < 32; done += 8) {
        bool takes_part[32] = {false};
        for (unsigned k = 0; k < width; k++) {
            const unsigned left = e[k] / 2 - done, count = left < 8 ? left : 8;
            if (e[k] / 2 <= done)
                continue;
            const uint64_t slot = c->x[k] % 4096, f_of_all = UINT64_C(1) << (12 - count);
            c->x[k] = f_of_all * (c->x[k] / 4096) + slot % f_of_all;
            z[k] += (int64_t)(slot / f_of_all) << done;
            takes_part[k] = true;
        }
        take_words(c, width, takes_part);
    }
    for (unsigned k = 0; k < width; k++) {
        const int64_t d = (INT64_C(1) << e[k] / 2) - 1 + z[k];
        if (escaped[k])
            high[k] = e[k] % 2 == 0 ? m[k]->last + 1 + d : m[k]->first - 1 - d;
    }
}

void plain_take_highs(plain_coder *c, unsigned width, const model *const *m, int64_t *high)
{
    bool takes_part[32] = {false}, escaped[32] = {false};

    for (unsigned k = 0; k < width; k++) {
        if (!m[k])
            continue;
        const unsigned symbol = pull(&c->x[k], m[k]->f);
        takes_part[k] = true;
        escaped[k] = symbol == 0;
        high[k] = (int64_t)symbol - m[k]->symbols / 2;
    }
    take_words(c, width, takes_part);
    take_escapes(c, width, escaped, m, high);
}

uint64_t plain_read_state(stream *s, unsigned exponent_bits, unsigned least)
{
    const unsigned e = least + (unsigned)bits(s, exponent_bits);

    return (UINT64_C(1) << e) + bits(s, e);
}

/* What is left of s: words, then planes. */
void plain_split(stream *s, uint64_t plane_bits, stream *words, stream *planes)
{
    const uint64_t bytes = (plane_bits + 7) / 8;

    end_of_bits(s);
    refuse_if(s, s->bad || bytes > s->size - s->at || (s->size - s->at - bytes) % 2 != 0);
    *planes = *words = *s;
    if (!s->bad)
        planes->at = words->size = s->size - (size_t)bytes;
}

int64_t plain_whole(stream *s, int64_t high, unsigned shift, int64_t low)
{
    const int64_t v = high * (INT64_C(1) << shift) - (INT64_C(1) << shift) / 2 + low;

    refuse_if(s, v < INT32_MIN || v > INT32_MAX);
    return v;
}

/* --- arrays ------------------------------------------------------------------------ */

unsigned plain_array_shift(int w)
{
    return w < 64 ? 0 : (unsigned)w / 16 - 3;
}

static void coded_array(stream *s, unsigned mode, size_t count, int64_t *out)
{
    const int w = 4 * ((int)u8(s) - 16);
    const unsigned shift = plain_array_shift(w);
    plain_coder c = {.may_end = true};
    model m = {.symbols = 0};
    const model *const of_all = &m;
    stream planes;

    refuse_if(s, w > 496);
    if (mode == 1)
        plain_read_table(s, &m, 256);
    else if (!s->bad)
        plain_builtin_model(&m, mode - 2, w, 256, shift, 0, 0, NULL);
    end_of_bits(s);
    stream part = take_part(s, varint(s));
    c.x[0] = plain_read_state(&part, 5, 0);
    plain_split(&part, (uint64_t)count * shift, &c.words, &planes);
    for (size_t i = 0; i < count && !part.bad && !s->bad; i++) {
        plain_take_highs(&c, 1, &of_all, &out[i]);
        out[i] = plain_whole(&part, out[i], shift, (int64_t)bits(&planes, shift));
    }
    end_of_bits(&planes);
    refuse_if(s, part.bad || planes.bad || c.x[0] != 4096 || c.words.at != c.words.size);
}

void plain_array(stream *s, size_t count, int64_t *out)
{
    const uint64_t head = count == 0 ? 0 : varint(s);
    const int64_t base = unfold(head / 8);

    memset(out, 0, count * sizeof *out);
    refuse_if(s, head % 8 > 5 || llabs(base) >= 1073741824);
    if (head % 8 != 0 && !s->bad)
        coded_array(s, head % 8, count, out);
    for (size_t i = 0; i < count && !s->bad; i++) {
        out[i] += base;
        refuse_if(s, llabs(out[i]) >= 1073741824);
    }
}
