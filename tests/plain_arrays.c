/* SPDX-License-Identifier: MIT */
#include "plain_arrays.h"

#include <stdlib.h>

unsigned plain_array_shift(int w)
{
    const int64_t octave = floor_div(w, 4); /* 16 = 2^4 */
    return octave > 3 ? (unsigned)(octave - 3) : 0;
}

unsigned plain_pull(uint64_t *x, const unsigned *f)
{
    const uint64_t slot = *x % 4096;
    uint64_t start = 0;
    unsigned k = 0;

    while (start + f[k] <= slot)
        start += f[k++];
    *x = f[k] * (*x / 4096) + slot - start;
    return k;
}

static void differences(stream *s, const model *m, unsigned shift, size_t count, int64_t *out)
{
    const int64_t half = (INT64_C(1) << shift) / 2;
    const uint64_t bypass_size = varint(s);
    uint64_t x = varint(s);

    if (s->bad || x > UINT64_C(4294901759) || bypass_size > s->size - s->at ||
        (s->size - s->at - bypass_size) % 2 != 0) {
        s->bad = true;
        return;
    }
    x += 65536;
    stream bypass = {.bytes = s->bytes, .size = s->size, .at = s->size - (size_t)bypass_size};
    s->size -= (size_t)bypass_size;
    for (size_t i = 0; i < count && !s->bad && !bypass.bad; i++) {
        const unsigned k = plain_pull(&x, m->f);
        if (x < 65536)
            x = x * 65536 + u16(s);
        int64_t high = (int64_t)k - m->symbols / 2;
        if (k == 0) {
            const int64_t d = (int64_t)golomb(&bypass);
            high = bits(&bypass, 1) == 0 ? plain_last(m) + 1 + d : plain_first(m) - 1 - d;
        }
        out[i] = high * (INT64_C(1) << shift) - half + (int64_t)bits(&bypass, shift);
        if (out[i] < INT32_MIN || out[i] > INT32_MAX)
            s->bad = true;
    }
    end_of_bits(&bypass);
    if (bypass.bad || x != 65536 || s->at != s->size || bypass.at != bypass.size)
        s->bad = true;
}

static void coded_array(stream *s, unsigned mode, size_t count, int64_t *out)
{
    const unsigned byte = u8(s);
    const int w = 4 * ((int)byte - 16);
    model m = {.symbols = 0};

    if (byte > 140)
        s->bad = true;
    if (!s->bad && mode == 1) {
        plain_table_model(s, &m, 256);
        end_of_bits(s);
    } else if (!s->bad) {
        plain_builtin_model(&m, mode - 2, w, 256, plain_array_shift(w), 0, 0, NULL);
    }
    const uint64_t size = varint(s);
    if (s->bad || size > s->size - s->at) {
        s->bad = true;
        return;
    }
    stream part = {.bytes = s->bytes, .size = s->at + (size_t)size, .at = s->at};
    differences(&part, &m, plain_array_shift(w), count, out);
    s->bad = part.bad;
    s->at += (size_t)size;
}

void plain_array(stream *s, size_t count, int64_t *out)
{
    if (count == 0)
        return;
    const uint64_t head = varint(s);
    const int64_t base = unfold(head / 8);
    if (head % 8 > 5 || llabs(base) >= 1073741824)
        s->bad = true;
    for (size_t i = 0; i < count; i++)
        out[i] = 0;
    if (head % 8 != 0 && !s->bad)
        coded_array(s, head % 8, count, out);
    for (size_t i = 0; i < count && !s->bad; i++) {
        out[i] += base;
        if (llabs(out[i]) >= 1073741824)
            s->bad = true;
    }
}
