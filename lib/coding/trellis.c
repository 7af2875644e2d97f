/* SPDX-License-Identifier: MIT */
#include "coding/trellis.h"

#include <string.h>

#include "coding/bits.h"
#include "coding/trellis_taps.h"

/* Ungerboeck's systematic feedback codes of rate 1/2 (IEEE Trans. Inf. Theory 28, 1982,
 * table I): parity check polynomials by the logarithm of the number of states. */
static const struct {
    uint16_t h0;
    uint16_t h1;
} polynomials[] = {
    {05, 02}, {013, 04}, {023, 04}, {045, 010}, {0103, 024}, {0235, 0126}, {0515, 0362},
};

/* The codebook in use after an even index and as many others as it takes until that index
 * is among what decides about it. */
static unsigned codebook_ahead(const wsic_trellis *trellis, uint32_t state)
{
    uint32_t ahead = trellis->next[state][0];

    for (uint32_t taps = trellis->output; taps % 2 == 0; taps /= 2)
        ahead *= 2;
    return wsic_trellis_parity(ahead & trellis->output);
}

static void look_ahead(wsic_trellis *trellis)
{
    for (uint32_t state = 0; state < trellis->states; state++)
        trellis->context[state] =
            (uint8_t)(2U * trellis->codebook[state] + codebook_ahead(trellis, state));
}

void wsic_trellis_make(wsic_trellis *trellis, unsigned kind)
{
    const unsigned entry = kind - WSIC_TRELLIS_KIND_LEAST;

    trellis->states = 1U << kind;
    trellis->feedback = polynomials[entry].h0 >> 1;
    trellis->output = polynomials[entry].h1 >> 1;
    for (uint32_t state = 0; state < trellis->states; state++) {
        const uint32_t fed_back = wsic_trellis_parity(state & trellis->feedback);
        const uint32_t shifted = 2 * state % trellis->states;
        trellis->codebook[state] = (uint8_t)wsic_trellis_parity(state & trellis->output);
        trellis->next[state][0] = (uint8_t)(shifted | fed_back);
        trellis->next[state][1] = (uint8_t)(shifted | (fed_back ^ 1));
    }
    look_ahead(trellis);
}

/* --- tokens ------------------------------------------------------------------------- */

enum { TOGETHER = WSIC_ROWS_TOGETHER };

/* Rows, taken apart. */
typedef struct row_levels {
    int32_t index[TOGETHER];
    uint8_t what[TOGETHER]; /* bits by these numbers */
} row_levels;

enum { ODD_INDEX = 0, ODD_LEVEL = 1, NOT_ZERO = 2, OUTSIDE = 3 };

/* The index of a level is that in the codebook that has it; zero has the same index in both. */
static void take_apart(const int32_t *levels, row_levels *rows)
{
    for (size_t i = 0; i < TOGETHER; i++) {
        const int32_t level = levels[i];
        const uint32_t magnitude = level < 0 ? -(uint32_t)level : (uint32_t)level;
        const uint32_t index = (magnitude >> 1) + (magnitude & 1);
        /* What is outside is refused: its token means nothing, but must not overflow. */
        const int32_t inside = index > WSIC_TRELLIS_INDEX_MOST ? 0 : (int32_t)index;
        rows->index[i] = level < 0 ? -inside : inside;
        rows->what[i] = (uint8_t)((index & 1) << ODD_INDEX | (magnitude & 1) << ODD_LEVEL |
                                  (uint32_t)(level != 0) << NOT_ZERO |
                                  (uint32_t)(index > WSIC_TRELLIS_INDEX_MOST) << OUTSIDE);
    }
}

/* The rows of which this is said. */
static uint64_t rows_that_are(const row_levels *rows, unsigned what)
{
    uint64_t bits = 0;

    for (size_t first = 0; first < TOGETHER; first += 8)
        bits |= wsic_collect_bits(wsic_load_octet(rows->what + first) >> what) << first;
    return bits;
}

/* Bit d of the taps stands for a delay of d + 1. */
static wsic_tap_list list_taps(uint32_t taps)
{
    wsic_tap_list listed = {.count = 0};

    for (unsigned d = 0; d < WSIC_TRELLIS_KIND_MOST; d++) {
        if (taps >> d & 1)
            listed.delay[listed.count++] = (uint8_t)(d + 1);
    }
    return listed;
}

wsic_token_taps wsic_token_taps_make(const wsic_trellis *trellis)
{
    uint32_t ahead = trellis->output;

    while (ahead % 2 == 0)
        ahead /= 2;
    return (wsic_token_taps){list_taps(trellis->feedback), list_taps(trellis->output),
                             list_taps(ahead >> 1)};
}

static void put_tokens(const row_levels *rows, const wsic_row_contexts *contexts, int32_t *tokens)
{
    for (size_t first = 0; first < TOGETHER; first += 8) {
        const uint64_t each = 2 * wsic_spread_bits((uint8_t)(contexts->codebooks >> first)) +
                              wsic_spread_bits((uint8_t)(contexts->ahead >> first));
        for (size_t k = 0; k < 8; k++)
            tokens[first + k] = wsic_trellis_token(each >> 8 * k & 3, rows->index[first + k]);
    }
}

uint64_t wsic_trellis_take(const wsic_token_taps *taps, const int32_t *levels, uint64_t *before,
                           int32_t *tokens)
{
    row_levels rows;

    take_apart(levels, &rows);
    const wsic_row_contexts contexts =
        wsic_find_contexts(taps, rows_that_are(&rows, ODD_INDEX), before);
    put_tokens(&rows, &contexts, tokens);
    return ((rows_that_are(&rows, ODD_LEVEL) ^ contexts.codebooks) &
            rows_that_are(&rows, NOT_ZERO)) |
           rows_that_are(&rows, OUTSIDE);
}

size_t wsic_trellis_tokens(const wsic_trellis *trellis, const int32_t *levels, size_t count,
                           int32_t *tokens)
{
    const wsic_token_taps taps = wsic_token_taps_make(trellis);
    const size_t whole = count / TOGETHER * TOGETHER;
    uint64_t before = 0;
    int32_t last[TOGETHER] = {0};

    for (size_t first = 0; first < whole; first += TOGETHER) {
        const uint64_t wrong = wsic_trellis_take(&taps, levels + first, &before, tokens + first);
        if (wrong != 0)
            return first + wsic_lowest_bit(wrong);
    }
    memcpy(last, levels + whole, (count - whole) * sizeof *last);
    const uint64_t wrong = wsic_trellis_take(&taps, last, &before, last);
    if (wrong != 0)
        return whole + wsic_lowest_bit(wrong);
    memcpy(tokens + whole, last, (count - whole) * sizeof *last);
    return count;
}
