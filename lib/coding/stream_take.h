/* SPDX-License-Identifier: MIT */
/* How one symbol, one escape and one state are read: for the lanes of a stream, its tail, and
 * arrays. docs/format.md, sections "Streams" and "Escapes", is the normative description.
 * coding/escape_push.h is the other side. */
#ifndef WSIC_CODING_STREAM_TAKE_H
#define WSIC_CODING_STREAM_TAKE_H

#include "coding/stream.h"

/* Where states take words from. */
typedef struct wsic_word_source {
    const uint8_t *next;
    const uint8_t *end;
    bool may_end; /* when no word is left none is taken, which is no error */
    bool failed;
} wsic_word_source;

static inline uint32_t wsic_read_state(wsic_bit_reader *bits, unsigned exponent_bits,
                                       unsigned least)
{
    const unsigned exponent = wsic_get_bits(bits, exponent_bits) + least;
    return 1U << exponent | wsic_get_bits(bits, exponent);
}

static inline void wsic_take_word(wsic_word_source *words, uint32_t *state)
{
    if (*state >= WSIC_STATE_LOW)
        return;
    if (words->next == words->end) {
        words->failed |= !words->may_end;
        return;
    }
    *state = *state << 16 | words->next[0] | (uint32_t)words->next[1] << 8;
    words->next += 2;
}

static inline void wsic_leave_symbol(uint32_t *state, uint32_t start, uint32_t frequency)
{
    const uint32_t slot = *state % WSIC_MODEL_TOTAL;
    *state = frequency * (*state >> WSIC_MODEL_BITS) + slot - start;
}

/* An escape while it is read: how far beyond the last symbol it is, less one, is
 * 2^length - 1 + bits. */
typedef struct wsic_taken_escape {
    uint8_t place; /* of its lane */
    uint8_t length;
    uint8_t taken;
    bool below;
    uint32_t bits;
} wsic_taken_escape;

static inline void wsic_take_length(uint32_t *state, wsic_taken_escape *one)
{
    const uint32_t slot = *state % WSIC_MODEL_TOTAL;
    unsigned length = 0;

    while (length + 1 < WSIC_ESCAPE_LENGTHS && wsic_escape_start(length + 1) <= slot)
        length++;
    const uint32_t frequency = wsic_escape_frequency(length);
    uint32_t start = wsic_escape_start(length);
    one->below = slot - start >= frequency;
    start += one->below ? frequency : 0;
    one->length = (uint8_t)length;
    wsic_leave_symbol(state, start, frequency);
}

static inline void wsic_take_digit(uint32_t *state, wsic_taken_escape *one)
{
    const unsigned left = one->length - (unsigned)one->taken;
    const unsigned count = left < WSIC_ESCAPE_DIGIT ? left : WSIC_ESCAPE_DIGIT;
    const unsigned drop = WSIC_MODEL_BITS - count;
    const uint32_t digit = *state % WSIC_MODEL_TOTAL >> drop;

    one->bits |= digit << one->taken;
    one->taken = (uint8_t)(one->taken + count);
    wsic_leave_symbol(state, digit << drop, 1U << drop);
}

/* An escape of a lane that is alone. */
static inline void wsic_take_escape(wsic_word_source *words, uint32_t *state,
                                    wsic_taken_escape *one)
{
    wsic_take_length(state, one);
    wsic_take_word(words, state);
    while (one->taken < one->length) {
        wsic_take_digit(state, one);
        wsic_take_word(words, state);
    }
}

#endif
