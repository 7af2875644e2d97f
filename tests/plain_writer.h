/* SPDX-License-Identifier: MIT */
/* Bytes and bits as docs/format.md defines them, for the plain encoder. */
#ifndef TESTS_PLAIN_WRITER_H
#define TESTS_PLAIN_WRITER_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* Starts as zeros; free(data) in the end. */
typedef struct writer {
    uint8_t *data;
    size_t size;
    unsigned bit; /* of a bit string: bits used of the last byte, 0 for all */
} writer;

static inline void put_u8(writer *w, unsigned value)
{
    w->data = realloc(w->data, w->size + 1);
    w->data[w->size++] = (uint8_t)value;
}

static inline void put_varint(writer *w, uint64_t value)
{
    for (; value >= 128; value /= 128)
        put_u8(w, (unsigned)(value % 128) + 128);
    put_u8(w, (unsigned)value);
}

static inline uint64_t fold(int64_t value)
{
    return value >= 0 ? 2 * (uint64_t)value : 2 * (uint64_t)-value - 1;
}

static inline void put_bits(writer *w, uint64_t value, unsigned count)
{
    for (unsigned k = 0; k < count; k++) {
        if (w->bit == 0)
            put_u8(w, 0);
        w->data[w->size - 1] |= (uint8_t)((value >> k & 1) << w->bit);
        w->bit = (w->bit + 1) % 8;
    }
}

static inline void put_golomb(writer *w, uint64_t value)
{
    unsigned r = 0;

    while ((value + 1) >> (r + 1) != 0)
        r++;
    put_bits(w, 0, r);
    put_bits(w, 1, 1);
    put_bits(w, value + 1, r);
}

static inline void end_bits(writer *w)
{
    w->bit = 0;
}

static inline void put_writer(writer *w, const writer *part)
{
    for (size_t k = 0; k < part->size; k++)
        put_u8(w, part->data[k]);
}

#endif
