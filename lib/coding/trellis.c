/* SPDX-License-Identifier: MIT */
#include "coding/trellis.h"

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

/* Of the level in the codebook that has it; zero has the same index in both. */
static inline int32_t index_of(int32_t level)
{
    const uint32_t magnitude = level < 0 ? -(uint32_t)level : (uint32_t)level;
    const int32_t index = (int32_t)((magnitude >> 1) + (magnitude & 1));
    return level < 0 ? -index : index;
}

size_t wsic_trellis_tokens(const wsic_trellis *trellis, const int32_t *levels, const uint32_t *rows,
                           size_t count, int32_t *tokens)
{
    uint32_t at = trellis->context[0]; /* WSIC_TRELLIS_CONTEXTS * state + context */

    for (size_t k = 0; k < count; k++) {
        const size_t row = rows ? rows[k] : k;
        const int32_t level = levels[row];
        const int32_t index = index_of(level);
        const uint32_t codebook = wsic_context_codebook(at % WSIC_TRELLIS_CONTEXTS);
        const uint32_t other = (((uint32_t)level & 1) ^ codebook) & (uint32_t)(level != 0);
        const uint32_t outside =
            (uint32_t)index + WSIC_TRELLIS_INDEX_MOST > 2U * WSIC_TRELLIS_INDEX_MOST;
        /* One branch, which is never taken, not one that depends on a zero. */
        if ((other | outside) != 0)
            return k;
        tokens[row] = wsic_trellis_token(at % WSIC_TRELLIS_CONTEXTS, index);
        at = wsic_trellis_move(trellis, at, index);
    }
    return count;
}
