/* SPDX-License-Identifier: MIT */
/* Byte-pair encoding of one stretch of text. */
#ifndef EXAMPLES_TEXT_BPE_H
#define EXAMPLES_TEXT_BPE_H

#include <jansson.h>
#include <stdint.h>

#include "text/merges.h"
#include "text/pieces.h"

/* Encoding begins with one token for every unit of text: a byte where the vocabulary is
 * byte-level, a character elsewhere. */
struct bpe {
    struct pieces pieces;
    struct merges merges;
    bool byte_level;
    bool ignore_merges;   /* a whole word that is a piece is that token */
    bool fuse_unknown;    /* neighbours without a token share one */
    uint32_t unknown;     /* PIECES_NONE: what has no token is left out */
    bool fallback;        /* a character without a token becomes the tokens of its bytes */
    uint32_t bytes[256];  /* tokens of single bytes; PIECES_NONE where there is none */
    bool whole;           /* every unit has tokens */
    uint64_t *neighbours; /* a set of pairs of units, by their hash; see bpe_may_cut() */
};

/* Room for encoding, kept from word to word. */
struct bpe_work {
    struct bpe_symbol *symbols;
    struct bpe_candidate *heap;
    size_t room; /* of both, in units of text */
    uint32_t *tokens;
    size_t count; /* of tokens that the last word became */
};

/* Longest stretch that can be encoded, in bytes. */
enum { BPE_LONGEST = 1 << 24 };

/* Read "model". Refuses other models than BPE, and what would change its tokens but is not
 * understood: dropout, prefixes and suffixes of subwords. */
bool bpe_read(struct bpe *bpe, json_t *model, bool byte_level, struct failure *failure);
void bpe_free(struct bpe *bpe);

/* The unit that text begins with, and its length. */
uint32_t bpe_unit(const struct bpe *bpe, const char *text, size_t *length);

/* Whether text between two units can be cut without changing its tokens: no product of a merge
 * has the two side by side, so no merge ever reaches across, and neither does anything else. May be
 * false where it could be true. The second unit begins text of at least its length. */
bool bpe_may_cut(const struct bpe *bpe, uint32_t left, uint32_t right);

/* Encode. Of a word that is only a part of what it was, ignore_merges must not be looked at. */
bool bpe_encode(const struct bpe *bpe, struct bpe_work *work, const char *word, size_t size,
                bool complete, struct failure *failure);
void bpe_work_free(struct bpe_work *work);

#endif
