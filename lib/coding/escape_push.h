/* SPDX-License-Identifier: MIT */
/* How escapes and first states are written: for the lanes of a stream, its tail, and arrays. A
 * decoder takes first what was put last. coding/stream_take.h is the other side. */
#ifndef WSIC_CODING_ESCAPE_PUSH_H
#define WSIC_CODING_ESCAPE_PUSH_H

#include "coding/stream_push.h"

enum {
    /* Words of a code at the most: its symbol, the length of an escape, and 31 bits of it. */
    WSIC_WORDS_OF_CODE = 5
};

/* An escape that is to be written. */
typedef struct wsic_pushed_escape {
    size_t place; /* of its lane */
    unsigned length;
    bool below;
    uint64_t bits;
} wsic_pushed_escape;

static inline wsic_pushed_escape wsic_make_escape(const wsic_model *model, size_t place,
                                                  int32_t high)
{
    const uint64_t raised = wsic_escape_distance(model, high) + 1;
    const unsigned length = wsic_highest_bit(raised);

    return (wsic_pushed_escape){.place = place,
                                .length = length,
                                .below = high < model->first,
                                .bits = raised - (UINT64_C(1) << length)};
}

/* Rounds that the digits of an escape take. */
static inline unsigned wsic_escape_rounds(const wsic_pushed_escape *one)
{
    return (one->length + WSIC_ESCAPE_DIGIT - 1) / WSIC_ESCAPE_DIGIT;
}

static inline void wsic_push_digit(uint16_t **words, uint32_t *state, const wsic_pushed_escape *one,
                                   unsigned round)
{
    const unsigned done = round * WSIC_ESCAPE_DIGIT;
    const unsigned left = one->length - done;
    const unsigned count = left < WSIC_ESCAPE_DIGIT ? left : WSIC_ESCAPE_DIGIT;
    const unsigned drop = WSIC_MODEL_BITS - count;
    const uint32_t digit = (uint32_t)(one->bits >> done) & ((1U << count) - 1);

    wsic_push(words, state, digit << drop, 1U << drop);
}

static inline void wsic_push_length(uint16_t **words, uint32_t *state,
                                    const wsic_pushed_escape *one)
{
    const uint32_t frequency = wsic_escape_frequency(one->length);
    const uint32_t start = wsic_escape_start(one->length) + (one->below ? frequency : 0);

    wsic_push(words, state, start, frequency);
}

/* An escape of a lane that is alone, its symbol not included. */
static inline void wsic_push_escape(uint16_t **words, uint32_t *state,
                                    const wsic_pushed_escape *one)
{
    for (unsigned round = wsic_escape_rounds(one); round-- > 0;)
        wsic_push_digit(words, state, one, round);
    wsic_push_length(words, state, one);
}

static inline void wsic_put_state(wsic_bit_writer *writer, uint32_t state, unsigned exponent_bits,
                                  unsigned least)
{
    const unsigned exponent = wsic_highest_bit(state);

    wsic_put_bits(writer, exponent - least, exponent_bits);
    wsic_put_bits(writer, state - (UINT64_C(1) << exponent), exponent);
}

#endif
