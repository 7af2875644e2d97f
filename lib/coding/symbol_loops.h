/* SPDX-License-Identifier: MIT */
/* What kernels of wsic_symbol_slice have in common: loops that compilers turn into vectors, inlined
 * for each set of instructions. */
#ifndef WSIC_CODING_SYMBOL_LOOPS_H
#define WSIC_CODING_SYMBOL_LOOPS_H

#include "coding/symbol_slice.h"

/* Symbols of one column. */
typedef uint8_t wsic_symbol_column[WSIC_SLICE_ROWS];

/* The symbol of a high part, which may have wrapped around. */
WSIC_INTO_CALLER uint16_t wsic_loop_known(uint16_t symbol, uint16_t symbols)
{
    return symbol < symbols ? symbol : 0;
}

/* Without low bits 16 bits are enough for all numbers. */
WSIC_INTO_CALLER void wsic_loop_whole(const int16_t *restrict data, unsigned symbols_log,
                                      unsigned contexts_log, bool tokens, uint8_t *restrict out)
{
    enum { BIAS = 1 << 15 }; /* a multiple of what anything is divided by */
    const uint16_t symbols = (uint16_t)(1U << symbols_log);
    const uint16_t zero = (uint16_t)(symbols / 2);

    for (size_t i = 0; i < WSIC_SLICE_ROWS; i++) {
        const uint16_t raised = (uint16_t)(data[i] + BIAS);
        const uint16_t context = (uint16_t)(raised % WSIC_TRELLIS_CONTEXTS >> (2 - contexts_log));
        const uint16_t index =
            (uint16_t)(raised / WSIC_TRELLIS_CONTEXTS - BIAS / WSIC_TRELLIS_CONTEXTS);
        const uint16_t code = tokens ? index : (uint16_t)data[i];
        const uint16_t known = wsic_loop_known((uint16_t)(code + zero), symbols);
        out[i] = (uint8_t)(tokens ? context << symbols_log | known : known);
    }
}

WSIC_INTO_CALLER void wsic_loop_shifted(const int16_t *restrict data, const wsic_form *form,
                                        bool tokens, uint8_t *restrict out)
{
    const uint32_t bias = 1U << 30;
    const uint32_t half = 1U << form->shift >> 1;
    const unsigned symbols_log = form->symbols_log;
    const unsigned drop = 2 - form->contexts_log;
    const unsigned shift = form->shift;
    const uint16_t symbols = (uint16_t)(1U << symbols_log);

    for (size_t i = 0; i < WSIC_SLICE_ROWS; i++) {
        const uint32_t raised = (uint32_t)data[i] + bias;
        const uint32_t context = raised % WSIC_TRELLIS_CONTEXTS >> drop;
        const uint32_t index =
            raised / WSIC_TRELLIS_CONTEXTS + (bias - bias / WSIC_TRELLIS_CONTEXTS);
        const uint32_t code = tokens ? index : raised;
        const uint32_t symbol = ((code + half) >> shift) - (bias >> shift) + symbols / 2;
        const uint32_t known = symbol < symbols ? symbol : 0;
        out[i] = (uint8_t)(tokens ? context << symbols_log | known : known);
    }
}

/* Whether one is an escape. */
WSIC_INTO_CALLER bool wsic_loop_has_escape(const uint8_t *symbols, unsigned symbols_log)
{
    const uint8_t mask = (uint8_t)((1U << symbols_log) - 1);
    uint8_t any = 0;

    for (size_t i = 0; i < WSIC_SLICE_ROWS; i++)
        any |= (uint8_t)((symbols[i] & mask) == 0);
    return any != 0;
}

/* Compiled for each number of symbols and contexts, so that loops have constants. */
WSIC_INTO_CALLER void wsic_loop_column(const int16_t *data, const wsic_form *form, bool tokens,
                                       uint8_t *out)
{
    if (form->shift != 0)
        wsic_loop_shifted(data, form, tokens, out);
    else if (form->contexts_log == 2)
        wsic_loop_whole(data, 4, 2, true, out);
    else if (tokens)
        wsic_loop_whole(data, form->symbols_log, 1, true, out);
    else
        wsic_loop_whole(data, form->symbols_log, 0, false, out);
}

typedef void wsic_interleave(const wsic_symbol_column *columns, uint8_t *rows);

WSIC_INTO_CALLER bool wsic_loop_slice(const int16_t *const columns[WSIC_SLICE_COLUMNS],
                                      const wsic_form *form, bool tokens,
                                      wsic_interleave *interleave, uint8_t *symbols)
{
    wsic_symbol_column column[WSIC_SLICE_COLUMNS];
    bool beyond = false;

    for (size_t k = 0; k < WSIC_SLICE_COLUMNS; k++) {
        wsic_loop_column(columns[k], form, tokens, column[k]);
        beyond |= wsic_loop_has_escape(column[k], form->symbols_log);
    }
    interleave((const wsic_symbol_column *)column, symbols);
    return beyond;
}

#endif
