/* SPDX-License-Identifier: MIT */
/* Strings of bits, the least significant bit of a byte first. */
#ifndef WSIC_CODING_BITS_H
#define WSIC_CODING_BITS_H

#include "base/bytes.h"

/* Number of bits up to the highest one that is set; 0 for 0. */
static inline unsigned wsic_bit_length(uint64_t value)
{
#if defined(__GNUC__)
    return value == 0 ? 0 : 64 - (unsigned)__builtin_clzll(value);
#else
    unsigned length = 0;

    for (unsigned half = 32; half != 0; half /= 2) {
        if (value >> half != 0) {
            value >>= half;
            length += half;
        }
    }
    return length + (unsigned)value;
#endif
}

/* The number of the highest bit that is set; there is one. */
static inline unsigned wsic_highest_bit(uint64_t value)
{
#if defined(__GNUC__)
    return 63 - (unsigned)__builtin_clzll(value);
#else
    return wsic_bit_length(value) - 1;
#endif
}

/* The number of the lowest bit that is set; there is one. */
static inline unsigned wsic_lowest_bit(uint64_t value)
{
    return wsic_highest_bit(value & (~value + 1));
}

/* Eight bytes as one number, whose lowest byte is the first one. */
static inline uint64_t wsic_load_octet(const uint8_t *bytes)
{
    /* Written out, compilers see that it is one load. */
    return bytes[0] | (uint64_t)bytes[1] << 8 | (uint64_t)bytes[2] << 16 |
           (uint64_t)bytes[3] << 24 | (uint64_t)bytes[4] << 32 | (uint64_t)bytes[5] << 40 |
           (uint64_t)bytes[6] << 48 | (uint64_t)bytes[7] << 56;
}

/* Bit k becomes byte k, from the least significant one on: 0 or 1. */
static inline uint64_t wsic_spread_bits(uint8_t bits)
{
    const uint64_t each = bits * UINT64_C(0x0101010101010101) & UINT64_C(0x8040201008040201);
    return (each + UINT64_C(0x7F7F7F7F7F7F7F7F)) >> 7 & UINT64_C(0x0101010101010101);
}

/* The lowest bits of eight bytes, that of the first byte lowest. */
static inline uint64_t wsic_collect_bits(uint64_t bytes)
{
    return (bytes & UINT64_C(0x0101010101010101)) * UINT64_C(0x0102040810204080) >> 56;
}

/* Whether one of eight bytes is 0. */
static inline bool wsic_has_zero_byte(uint64_t bytes)
{
    return ((bytes - UINT64_C(0x0101010101010101)) & ~bytes & UINT64_C(0x8080808080808080)) != 0;
}

/* --- writing -------------------------------------------------------------- */

typedef struct wsic_bit_writer {
    wsic_bytes *bytes; /* NULL: the bits are only counted */
    uint64_t buffer;
    unsigned filled;
    uint64_t total;
} wsic_bit_writer;

/* Append the lowest count bits, at most 32, of value, which has no others. */
static inline void wsic_put_bits(wsic_bit_writer *writer, uint64_t value, unsigned count)
{
    writer->total += count;
    writer->buffer |= value << writer->filled;
    writer->filled += count;
    if (writer->filled >= 32) {
        if (writer->bytes)
            wsic_put_u32(writer->bytes, (uint32_t)writer->buffer);
        writer->buffer >>= 32;
        writer->filled -= 32;
    }
}

/* Fill the last byte with zeros. */
static inline void wsic_finish_bits(wsic_bit_writer *writer)
{
    for (unsigned done = 0; done < writer->filled; done += 8) {
        if (writer->bytes)
            wsic_put_u8(writer->bytes, (uint8_t)(writer->buffer >> done));
    }
    writer->buffer = 0;
    writer->filled = 0;
}

/* Exp-Golomb code of order 0: as many zeros as value + 1 has bits after its leading
 * one, a one, those bits. value is below 2^32 - 1. */
static inline void wsic_put_golomb(wsic_bit_writer *writer, uint64_t value)
{
    const unsigned rest = wsic_highest_bit(value + 1);

    wsic_put_bits(writer, UINT64_C(1) << rest, rest + 1);
    wsic_put_bits(writer, (value + 1) & ((UINT64_C(1) << rest) - 1), rest);
}

static inline unsigned wsic_golomb_bits(uint64_t value)
{
    return 2 * wsic_highest_bit(value + 1) + 1;
}

/* Either sign: 0, -1, 1, -2, ... as 0, 1, 2, 3. */
static inline void wsic_put_golomb_signed(wsic_bit_writer *writer, int32_t value)
{
    const uint64_t magnitude = value < 0 ? ~(uint32_t)value : (uint32_t)value;
    wsic_put_golomb(writer, magnitude << 1 | (value < 0));
}

/* --- reading -------------------------------------------------------------- */

/* Bytes are taken ahead where there are enough; wsic_bits_used() tells how many of them
 * were needed. After the end come zeros, and failed is set. */
typedef struct wsic_bit_reader {
    const uint8_t *data;
    size_t size;
    size_t position; /* next byte to take */
    uint64_t buffer;
    unsigned filled;
    bool failed;
} wsic_bit_reader;

/* Have at least count bits, at most 32, in the buffer. */
static inline bool wsic_fill_bits(wsic_bit_reader *reader, unsigned count)
{
    if (reader->size - reader->position >= 4) {
        const uint8_t *const next = reader->data + reader->position;
        const uint32_t word =
            next[0] | (uint32_t)next[1] << 8 | (uint32_t)next[2] << 16 | (uint32_t)next[3] << 24;
        reader->buffer |= (uint64_t)word << reader->filled;
        reader->position += 4;
        reader->filled += 32;
        return true;
    }
    while (reader->filled < count) {
        if (reader->position == reader->size) {
            reader->failed = true;
            return false;
        }
        reader->buffer |= (uint64_t)reader->data[reader->position++] << reader->filled;
        reader->filled += 8;
    }
    return true;
}

/* The next count bits, at most 32. */
static inline uint32_t wsic_get_bits(wsic_bit_reader *reader, unsigned count)
{
    if (reader->filled < count && !wsic_fill_bits(reader, count))
        return 0;
    const uint32_t value = (uint32_t)(reader->buffer & ((UINT64_C(1) << count) - 1));
    reader->buffer >>= count;
    reader->filled -= count;
    return value;
}

static inline uint32_t wsic_get_golomb(wsic_bit_reader *reader)
{
    unsigned rest = 0;

    while (!reader->failed && wsic_get_bits(reader, 1) == 0) {
        if (++rest > 31)
            reader->failed = true;
    }
    if (reader->failed)
        return 0;
    return (uint32_t)((UINT64_C(1) << rest) - 1) + wsic_get_bits(reader, rest);
}

static inline int64_t wsic_get_golomb_signed(wsic_bit_reader *reader)
{
    const uint32_t value = wsic_get_golomb(reader);
    const int64_t magnitude = value >> 1;
    return value & 1 ? ~magnitude : magnitude;
}

/* Bytes of which at least one bit was read. */
static inline size_t wsic_bits_used(const wsic_bit_reader *reader)
{
    return reader->position - reader->filled / 8;
}

/* True if nothing failed and what is left of the last byte is zero. */
static inline bool wsic_bits_end(const wsic_bit_reader *reader)
{
    const uint64_t rest = (UINT64_C(1) << reader->filled % 8) - 1;
    return !reader->failed && (reader->buffer & rest) == 0;
}

#endif
