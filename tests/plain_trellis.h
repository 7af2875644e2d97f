/* SPDX-License-Identifier: MIT */
/* The states of a trellis, from the text of docs/format.md alone. */
#ifndef TESTS_PLAIN_TRELLIS_H
#define TESTS_PLAIN_TRELLIS_H

#include <stdint.h>

static inline unsigned parity(unsigned value)
{
    unsigned ones = 0;

    for (; value != 0; value /= 2)
        ones += value % 2;
    return ones % 2;
}

static inline unsigned plain_h0(unsigned kind)
{
    static const unsigned h0[] = {5, 11, 19, 37, 67, 157, 333};
    return h0[kind - 2];
}

static inline unsigned plain_h1(unsigned kind)
{
    static const unsigned h1[] = {2, 4, 4, 8, 20, 86, 242};
    return h1[kind - 2];
}

static inline unsigned plain_codebook(unsigned kind, unsigned state)
{
    return parity(state & (plain_h1(kind) / 2));
}

static inline unsigned plain_next_state(unsigned kind, unsigned state, int64_t index)
{
    const unsigned bit = ((index % 2 != 0) + parity(state & (plain_h0(kind) / 2))) % 2;
    return (2 * state + bit) % (1U << kind);
}

static inline unsigned plain_context(unsigned kind, unsigned form, unsigned state)
{
    static const unsigned zeros[] = {0, 1, 1, 2, 1, 0, 0};
    const unsigned next = 2 * state + parity(state & (plain_h0(kind) / 2));
    const unsigned ahead = parity((next << zeros[kind - 2]) & (plain_h1(kind) / 2));

    return form == 0 ? 2 * plain_codebook(kind, state) + ahead : plain_codebook(kind, state);
}

#endif
