/* SPDX-License-Identifier: MIT */
/* What the states of a trellis say, for as many rows at once as a word has bits: bit i of a word
 * belongs to row i. A bit enters the state in each row, and codebooks and contexts are linear in
 * these bits. */
#ifndef WSIC_CODING_TRELLIS_TAPS_H
#define WSIC_CODING_TRELLIS_TAPS_H

#include "coding/trellis.h"

enum { WSIC_ROWS_TOGETHER = 64 };

/* Rows by which bits are delayed before they are added up. */
typedef struct wsic_tap_list {
    unsigned count;
    uint8_t delay[WSIC_TRELLIS_KIND_MOST];
} wsic_tap_list;

typedef struct wsic_token_taps {
    wsic_tap_list feedback;
    wsic_tap_list output;
    wsic_tap_list ahead; /* of the codebook ahead of an even index, beyond what is fed back */
} wsic_token_taps;

wsic_token_taps wsic_token_taps_make(const wsic_trellis *trellis);

/* What the states of some rows say: codebooks, and those ahead of an even index. */
typedef struct wsic_row_contexts {
    uint64_t codebooks;
    uint64_t ahead;
} wsic_row_contexts;

/* For each row the sum of the bits that entered a delay before it, for all delays. `before` has
 * the bits of the rows before these. */
static inline uint64_t wsic_sum_delayed(uint64_t entered, uint64_t before,
                                        const wsic_tap_list *taps)
{
    uint64_t sum = 0;

    for (unsigned k = 0; k < taps->count; k++)
        sum ^= entered << taps->delay[k] | before >> (WSIC_ROWS_TOGETHER - taps->delay[k]);
    return sum;
}

/* The bits that enter: the sum of each row's parity and of what is fed back. So the parities are
 * divided by the polynomial h0. The same comes from multiplying them by h0, by its square, by its
 * fourth power and so on: over two elements such a power has the taps of h0, so many times as far
 * apart, and the product of all of them with h0 has no tap below WSIC_ROWS_TOGETHER but the
 * first. */
static inline uint64_t wsic_bits_entered(uint64_t parities, uint64_t before,
                                         const wsic_tap_list *feedback)
{
    uint64_t entered = parities ^ wsic_sum_delayed(0, before, feedback);

    for (unsigned spread = 1; spread < WSIC_ROWS_TOGETHER; spread *= 2) {
        const uint64_t multiplied = entered;
        for (unsigned k = 0;
             k < feedback->count && feedback->delay[k] * spread < WSIC_ROWS_TOGETHER; k++)
            entered ^= multiplied << feedback->delay[k] * spread;
    }
    return entered;
}

/* Given the parities of the rows' indices. `before` has the bits that entered in the rows before
 * them, zeros in front of the first row; these rows take their place. */
static inline wsic_row_contexts wsic_find_contexts(const wsic_token_taps *taps, uint64_t parities,
                                                   uint64_t *before)
{
    const uint64_t entered = wsic_bits_entered(parities, *before, &taps->feedback);
    const wsic_row_contexts found = {wsic_sum_delayed(entered, *before, &taps->output),
                                     entered ^ parities ^
                                         wsic_sum_delayed(entered, *before, &taps->ahead)};

    *before = entered;
    return found;
}

/* Tokens of WSIC_ROWS_TOGETHER levels, which may stand in the same place; returns the rows that
 * are no level of their codebook. */
uint64_t wsic_trellis_take(const wsic_token_taps *taps, const int32_t *levels, uint64_t *before,
                           int32_t *tokens);

#endif
