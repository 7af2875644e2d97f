/* SPDX-License-Identifier: MIT */
#include "coding/trellis.h"

#include <string.h>

#include "coding/bits.h"

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
    for (uint32_t state = 0; state < trellis->states; state++) {
        for (uint32_t parity = 0; parity < 2; parity++) {
            const uint32_t next = trellis->next[state][parity];
            trellis->move[2 * state + parity] =
                (uint16_t)(WSIC_TRELLIS_CONTEXTS * next + trellis->context[next]);
        }
    }
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

/* All that the trellis says is linear in the bits that enter the state, one a row. So it is computed
 * for as many rows at once as a word has bits: bit i of a word belongs to row i. */
enum { TOGETHER = 64 };

/* The levels of some rows, taken apart. */
typedef struct row_levels {
    int32_t level[TOGETHER];
    int32_t index[TOGETHER];
    uint8_t what[TOGETHER]; /* bits by these numbers */
} row_levels;

enum { ODD_INDEX = 0, ODD_LEVEL = 1, NOT_ZERO = 2, OUTSIDE = 3 };

/* The index of a level is that in the codebook that has it; zero has the same index in both. */
static void take_apart(row_levels *rows)
{
    for (size_t i = 0; i < TOGETHER; i++) {
        const int32_t level = rows->level[i];
        const uint32_t magnitude = level < 0 ? -(uint32_t)level : (uint32_t)level;
        const uint32_t index = (magnitude >> 1) + (magnitude & 1);
        rows->index[i] = level < 0 ? -(int32_t)index : (int32_t)index;
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

/* For each row the sum of the bits that entered so many rows before, for all delays in `taps` (from
 * 1 on). `before` has the bits of the rows before these. */
static uint64_t sum_delayed(uint64_t entered, uint64_t before, uint32_t taps)
{
    uint64_t sum = 0;

    for (unsigned delay = 1; delay <= WSIC_TRELLIS_KIND_MOST; delay++) {
        if (taps >> (delay - 1) & 1)
            sum ^= entered << delay | before >> (TOGETHER - delay);
    }
    return sum;
}

/* The bits that enter: the sum of each row's parity and of what is fed back. Parities are divided by
 * the polynomial h0. To multiply by it, by its square, by the fourth power and so on is the same:
 * over two elements a power of two spreads the taps, and the last one has none below TOGETHER. */
static uint64_t bits_entered(uint64_t parities, uint64_t before, uint32_t feedback)
{
    uint64_t entered = parities ^ sum_delayed(0, before, feedback);

    for (unsigned spread = 1; spread < TOGETHER; spread *= 2) {
        const uint64_t multiplied = entered;
        for (unsigned delay = 1; delay * spread < TOGETHER && delay <= WSIC_TRELLIS_KIND_MOST;
             delay++) {
            if (feedback >> (delay - 1) & 1)
                entered ^= multiplied << delay * spread;
        }
    }
    return entered;
}

/* What the states of some rows say: codebooks, and those ahead of an even index. */
typedef struct row_contexts {
    uint64_t codebooks;
    uint64_t ahead;
} row_contexts;

static row_contexts find_contexts(const wsic_trellis *trellis, uint64_t parities, uint64_t *before)
{
    const uint64_t entered = bits_entered(parities, *before, trellis->feedback);
    uint32_t later = trellis->output; /* taps of codebook_ahead() beyond what is fed back */

    while (later % 2 == 0)
        later /= 2;
    const row_contexts found = {sum_delayed(entered, *before, trellis->output),
                                entered ^ parities ^ sum_delayed(entered, *before, later >> 1)};
    *before = entered;
    return found;
}

static void put_tokens(const row_levels *rows, const row_contexts *contexts, int32_t *tokens)
{
    for (size_t first = 0; first < TOGETHER; first += 8) {
        const uint64_t each = 2 * wsic_spread_bits((uint8_t)(contexts->codebooks >> first)) +
                              wsic_spread_bits((uint8_t)(contexts->ahead >> first));
        for (size_t k = 0; k < 8; k++)
            tokens[first + k] = wsic_trellis_token(each >> 8 * k & 3, rows->index[first + k]);
    }
}

static size_t lowest_bit(uint64_t bits)
{
    return wsic_bit_length(bits & (~bits + 1)) - 1;
}

/* Levels of rows by their numbers, or as they stand; zeros behind the last one. */
static void load_levels(const int32_t *levels, const uint32_t *rows, size_t first, size_t count,
                        row_levels *loaded)
{
    if (rows) {
        for (size_t i = 0; i < count; i++)
            loaded->level[i] = levels[rows[first + i]];
    } else {
        memcpy(loaded->level, levels + first, count * sizeof *levels);
    }
    memset(loaded->level + count, 0, (TOGETHER - count) * sizeof *levels);
}

size_t wsic_trellis_tokens(const wsic_trellis *trellis, const int32_t *levels, const uint32_t *rows,
                           size_t count, int32_t *tokens)
{
    uint64_t before = 0;
    row_levels loaded;
    int32_t made[TOGETHER];

    for (size_t first = 0; first < count; first += TOGETHER) {
        const size_t some = count - first < TOGETHER ? count - first : TOGETHER;
        load_levels(levels, rows, first, some, &loaded);
        take_apart(&loaded);
        const row_contexts contexts =
            find_contexts(trellis, rows_that_are(&loaded, ODD_INDEX), &before);
        const uint64_t wrong = ((rows_that_are(&loaded, ODD_LEVEL) ^ contexts.codebooks) &
                                rows_that_are(&loaded, NOT_ZERO)) |
                               rows_that_are(&loaded, OUTSIDE);
        if (wrong != 0)
            return first + lowest_bit(wrong);
        put_tokens(&loaded, &contexts, made);
        for (size_t i = 0; i < some; i++)
            tokens[rows ? rows[first + i] : first + i] = made[i];
    }
    return count;
}
