/* SPDX-License-Identifier: MIT */
/* Steps that text goes through on its way to tokens, one behind another.
 *
 * Text comes in pieces, each in as many parts as it likes, so that a text of any size takes little
 * memory. A stage holds back what it cannot decide on before it has seen more, and gives the rest
 * to the next one: what comes out does not depend on where the parts were cut. Between pieces
 * there may be tokens that are known already. A piece has at least one character. */
#ifndef EXAMPLES_TEXT_STAGE_H
#define EXAMPLES_TEXT_STAGE_H

#include <stddef.h>
#include <stdint.h>

#include "common/failure.h"

struct stage {
    /* A part of a piece: whole characters of valid UTF-8. */
    bool (*push)(struct stage *stage, const char *text, size_t size, struct failure *failure);
    /* The piece is complete. */
    bool (*end)(struct stage *stage, struct failure *failure);
    /* A known token, when no piece is open; NULL: it goes on to the next stage. */
    bool (*token)(struct stage *stage, uint32_t token, struct failure *failure);
    /* Forget the text; NULL: nothing is kept between pieces. */
    void (*reset)(struct stage *stage);
    void (*destroy)(struct stage *stage);
    struct stage *next;
};

bool stage_push(struct stage *stage, const char *text, size_t size, struct failure *failure);
bool stage_end(struct stage *stage, struct failure *failure);
bool stage_token(struct stage *stage, uint32_t token, struct failure *failure);

/* Stages in their order; the chain owns them. */
struct chain {
    struct stage *first;
    struct stage *last;
};

/* Put a stage behind the others. */
void chain_add(struct chain *chain, struct stage *stage);
/* Put all stages of another chain, which is empty then, behind those of the first. */
void chain_join(struct chain *chain, struct chain *other);
void chain_reset(struct chain *chain);
void chain_free(struct chain *chain);

#endif
