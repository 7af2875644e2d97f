/* SPDX-License-Identifier: MIT */
/* Two codebooks on one grid, and the state machine that says which of them is in use:
 * what quantizer, coder and decoder have to agree on. docs/format.md, section "Codes of a
 * trellis", is the normative description.
 *
 * Codebook 0 has the even levels, codebook 1 zero and the odd ones; an index counts the
 * levels of its codebook from 0 on. The parity of an index moves the state. Integers only. */
#ifndef WSIC_CODING_TRELLIS_H
#define WSIC_CODING_TRELLIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WSIC_TRELLIS_KIND_LEAST = 2, /* a kind is the logarithm of the number of states */
    WSIC_TRELLIS_KIND_MOST = 8,
    WSIC_TRELLIS_STATES = 1 << WSIC_TRELLIS_KIND_MOST,
    WSIC_TRELLIS_CONTEXTS = 4,
    /* Indices beyond are refused, so that a level and a token fit 32 bits. */
    WSIC_TRELLIS_INDEX_MOST = (1 << 29) - 1
};

typedef struct wsic_trellis {
    uint32_t states;
    uint32_t feedback; /* taps of the state in the bit that enters it: h0 without its lowest */
    uint32_t output;   /* taps of the state in the codebook: h1 without its lowest */
    uint8_t codebook[WSIC_TRELLIS_STATES];
    uint8_t next[WSIC_TRELLIS_STATES][2]; /* by the parity of the index */
    /* The part of the state that the coder uses: 2 * codebook + the codebook to which an even index
     * leads, at the first step at which the parity decides that. An odd index leads to the other
     * codebook. The quantizer prefers one of the two, so that the parity is not evenly
     * distributed. */
    uint8_t context[WSIC_TRELLIS_STATES];
} wsic_trellis;

static inline bool wsic_trellis_kind_exists(unsigned kind)
{
    return kind >= WSIC_TRELLIS_KIND_LEAST && kind <= WSIC_TRELLIS_KIND_MOST;
}

/* Parity of the bits of a number. */
static inline uint32_t wsic_trellis_parity(uint32_t bits)
{
    bits ^= bits >> 16;
    bits ^= bits >> 8;
    bits ^= bits >> 4;
    return 0x6996U >> (bits & 15) & 1;
}

/* kind must exist. */
void wsic_trellis_make(wsic_trellis *trellis, unsigned kind);

/* Level of an index up to WSIC_TRELLIS_INDEX_MOST. */
static inline int32_t wsic_trellis_level(unsigned codebook, int32_t index)
{
    /* Without a branch, which would be taken at random. */
    return 2 * index - (int32_t)codebook * ((index > 0) - (index < 0));
}

static inline unsigned wsic_trellis_next(const wsic_trellis *trellis, unsigned state, int32_t index)
{
    return trellis->next[state][(uint32_t)index & 1];
}

/* What the coder sees in place of a level: index and context at once. */
static inline int32_t wsic_trellis_token(unsigned context, int32_t index)
{
    return WSIC_TRELLIS_CONTEXTS * index + (int32_t)context;
}

static inline unsigned wsic_token_context(int32_t token)
{
    return (uint32_t)token % WSIC_TRELLIS_CONTEXTS;
}

static inline unsigned wsic_context_codebook(unsigned context)
{
    return context >> 1;
}

static inline unsigned wsic_token_codebook(int32_t token)
{
    return wsic_context_codebook(wsic_token_context(token));
}

static inline int32_t wsic_token_index(int32_t token)
{
    return (token - (int32_t)wsic_token_context(token)) / WSIC_TRELLIS_CONTEXTS;
}

/* Tokens of the levels of one column, from state 0 on; they may take the place of the levels.
 * Returns the number of levels before the first one that the codebook in use does not have, or
 * `count` if there is none. In the first case the tokens mean nothing. */
size_t wsic_trellis_tokens(const wsic_trellis *trellis, const int32_t *levels, size_t count,
                           int32_t *tokens);

#endif
