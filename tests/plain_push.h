/* SPDX-License-Identifier: MIT */
/* What undoes the decoding of a symbol, and how integers are taken apart, from the text of
 * docs/format.md alone: for the plain encoder. */
#ifndef TESTS_PLAIN_PUSH_H
#define TESTS_PLAIN_PUSH_H

#include "plain_decoder.h"
#include "plain_writer.h"

/* What a lane does in a turn: it decodes a symbol that has these slots, if it takes part. */
typedef struct operation {
    unsigned start, f; /* f is 0 where it does not */
} operation;

static inline operation of_symbol(const unsigned *f, unsigned symbol)
{
    operation o = {0, f[symbol]};

    for (unsigned k = 0; k < symbol; k++)
        o.start += f[k];
    return o;
}

/* The bits of a number of `left` bits from bit `done` on, eight or what is left. */
static inline operation of_digit(uint64_t value, unsigned left, unsigned done)
{
    const unsigned count = left - done < 8 ? left - done : 8;
    const uint64_t digit = (value >> done) % (UINT64_C(1) << count);

    return (operation){(unsigned)digit << (12 - count), 1U << (12 - count)};
}

static inline operation of_escape(unsigned e)
{
    static const unsigned first[] = {1024, 512, 256, 128, 64, 12};
    unsigned f[64];

    for (unsigned k = 0; k < 64; k++)
        f[k] = k / 2 < 6 ? first[k / 2] : 2;
    return of_symbol(f, e);
}

static inline void put_state(uint64_t x, unsigned exponent_bits, unsigned least, writer *out)
{
    unsigned e = 0;

    while (x >> (e + 1) != 0)
        e++;
    put_bits(out, e - least, exponent_bits);
    put_bits(out, x, e);
}

/* Undo the decoding of a symbol. */
static inline uint64_t push(uint64_t x, operation o)
{
    return x / o.f * 4096 + o.start + x % o.f;
}

/* Likewise, and the word that the decoder takes after it. Words are in the opposite of their order.
 */
static inline uint64_t push_with_word(uint64_t x, operation o, writer *words)
{
    if (x >= (uint64_t)o.f << 20) {
        put_u8(words, (unsigned)(x >> 8 & 255));
        put_u8(words, (unsigned)(x & 255));
        x >>= 16;
    }
    return push(x, o);
}

static inline void put_reversed(writer *w, const writer *part)
{
    for (size_t k = part->size; k-- > 0;)
        put_u8(w, part->data[k]);
}

static inline unsigned symbol_of(const model *m, int64_t high)
{
    return high < m->first || high > m->last ? 0 : (unsigned)(high + m->symbols / 2);
}

/* How far a high part that escapes is from those that do not, and on which side. */
static inline uint64_t distance_of(const model *m, int64_t high, unsigned *side)
{
    *side = high < m->first;
    return (uint64_t)(*side == 1 ? m->first - 1 - high : high - m->last - 1);
}

static inline int64_t high_of(int64_t v, unsigned shift)
{
    return floor_div(v + (INT64_C(1) << shift) / 2, shift);
}

static inline uint64_t low_of(int64_t v, unsigned shift)
{
    const int64_t half = (INT64_C(1) << shift) / 2;
    return (uint64_t)(v + half - high_of(v, shift) * (INT64_C(1) << shift));
}

#endif
