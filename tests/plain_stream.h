/* SPDX-License-Identifier: MIT */
/* Bytes and bits as docs/format.md defines them, for the plain decoder. After something bad nothing
 * more is read. */
#ifndef TESTS_PLAIN_STREAM_H
#define TESTS_PLAIN_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct stream {
    const uint8_t *bytes;
    size_t size;
    size_t at;
    uint64_t bit; /* of a bit string: bits read since `at` */
    bool bad;
} stream;

static inline void refuse_if(stream *s, bool bad)
{
    s->bad = s->bad || bad;
}

/* The next bytes, as many as are said. */
static inline stream take_part(stream *s, uint64_t size)
{
    refuse_if(s, s->bad || size > s->size - s->at);
    const stream part = {
        .bytes = s->bytes, .size = s->at + (s->bad ? 0 : (size_t)size), .at = s->at, .bad = s->bad};
    s->at = part.size;
    return part;
}

static inline unsigned u8(stream *s)
{
    if (s->at >= s->size) {
        s->bad = true;
        return 0;
    }
    return s->bytes[s->at++];
}

static inline unsigned u16(stream *s)
{
    const unsigned low = u8(s);
    return low + 256 * u8(s);
}

static inline uint64_t varint(stream *s)
{
    uint64_t value = 0;

    for (unsigned k = 0; k < 10; k++) {
        const uint64_t byte = u8(s);
        if (k == 9 && byte > 1)
            s->bad = true;
        value |= (byte & 127) << (7 * k);
        if (byte < 128)
            return value;
    }
    s->bad = true;
    return 0;
}

static inline int64_t unfold(uint64_t e)
{
    return e % 2 == 0 ? (int64_t)(e / 2) : -(int64_t)(e / 2) - 1;
}

static inline uint64_t bits(stream *s, unsigned count)
{
    uint64_t value = 0;

    for (unsigned k = 0; k < count; k++) {
        const size_t byte = s->at + (size_t)(s->bit / 8);
        if (byte >= s->size) {
            s->bad = true;
            return 0;
        }
        value |= (uint64_t)(s->bytes[byte] >> (s->bit % 8) & 1) << k;
        s->bit++;
    }
    return value;
}

static inline uint64_t golomb(stream *s)
{
    unsigned r = 0;

    while (!s->bad && bits(s, 1) == 0)
        r++;
    if (r > 31)
        s->bad = true;
    const uint64_t low = s->bad ? 0 : bits(s, r);
    return s->bad ? 0 : (UINT64_C(1) << r) - 1 + low;
}

static inline void end_of_bits(stream *s)
{
    while (!s->bad && s->bit % 8 != 0) {
        if (bits(s, 1) != 0)
            s->bad = true;
    }
    s->at += (size_t)(s->bit / 8);
    s->bit = 0;
}

/* Floor of a / 2^k. */
static inline int64_t floor_div(int64_t a, unsigned k)
{
    const int64_t d = INT64_C(1) << k;
    return a >= 0 ? a / d : -((-a + d - 1) / d);
}

#endif
