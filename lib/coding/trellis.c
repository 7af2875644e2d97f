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
    for (uint32_t state = 0; state < trellis->states; state++) {
        for (uint32_t parity = 0; parity < 2; parity++) {
            const uint32_t next = trellis->next[state][parity];
            trellis->move[2 * state + parity] = (uint16_t)(2 * next | trellis->codebook[next]);
        }
    }
}

static bool index_of(unsigned codebook, int32_t level, int32_t *index)
{
    const int32_t away_from_zero = codebook == 0 ? 0 : (level > 0) - (level < 0);
    const int64_t twice = (int64_t)level + away_from_zero;

    *index = (int32_t)(twice / 2);
    return twice % 2 == 0 && *index <= WSIC_TRELLIS_INDEX_MOST &&
           *index >= -WSIC_TRELLIS_INDEX_MOST;
}

size_t wsic_trellis_tokens(const wsic_trellis *trellis, const int32_t *levels, size_t rows,
                           size_t block_rows, int32_t *tokens)
{
    unsigned state = 0;

    for (size_t i = 0; i < rows; i++) {
        int32_t index;
        if (i % block_rows == 0)
            state = 0;
        const unsigned codebook = trellis->codebook[state];
        if (!index_of(codebook, levels[i], &index))
            return i;
        tokens[i] = wsic_trellis_token(codebook, index);
        state = wsic_trellis_next(trellis, state, index);
    }
    return rows;
}
