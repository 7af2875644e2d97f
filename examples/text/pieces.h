/* SPDX-License-Identifier: MIT */
/* The vocabulary: what text each token stands for. */
#ifndef EXAMPLES_TEXT_PIECES_H
#define EXAMPLES_TEXT_PIECES_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "text/bytes.h"

/* No token; and what all tokens are below. */
#define PIECES_NONE UINT32_MAX
enum { PIECES_LIMIT = 1 << 24 };

struct piece {
    size_t at; /* in the text of all pieces */
    uint32_t size;
    bool known;
};

struct pieces {
    struct bytes text;
    struct piece *list; /* by token */
    size_t count;       /* the highest token, plus one */
    size_t longest;     /* bytes */
    uint32_t *slots;    /* tokens, by the hash of their text */
    size_t slots_mask;
};

/* Read "vocab" of a BPE model. If byte_level, the text of pieces is taken from the alphabet of
 * byte_level.h to the bytes that it stands for; pieces with other characters keep their text, and
 * no text is found to be one of them. */
bool pieces_read(struct pieces *pieces, json_t *vocabulary, bool byte_level,
                 struct failure *failure);
void pieces_free(struct pieces *pieces);

/* The token of a text; PIECES_NONE if it has none. */
uint32_t pieces_find(const struct pieces *pieces, const char *text, size_t size);
/* The text of a token; NULL if there is none. */
const char *pieces_text(const struct pieces *pieces, uint32_t token, size_t *size);

#endif
