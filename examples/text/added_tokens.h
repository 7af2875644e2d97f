/* SPDX-License-Identifier: MIT */
/* Tokens that are found in the text before all else: special ones, and others that were added to a
 * vocabulary. */
#ifndef EXAMPLES_TEXT_ADDED_TOKENS_H
#define EXAMPLES_TEXT_ADDED_TOKENS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "text/stage.h"

struct added_token {
    char *text;   /* as it stands in the file */
    char *sought; /* as it is looked for; of the same owner */
    size_t size;  /* of that */
    uint32_t token;
    bool eats_before; /* white space around it is a part of it: lstrip, rstrip */
    bool eats_behind;
    bool normalized; /* looked for when the text is normalized, not before */
};

/* In order of their numbers. */
struct added_tokens {
    struct added_token *list;
    size_t count;
};

/* Read "added_tokens", which may be missing. */
bool added_tokens_read(struct added_tokens *tokens, const json_t *list, struct failure *failure);
void added_tokens_free(struct added_tokens *tokens);

/* The token of this number; NULL if none was added. */
const struct added_token *added_tokens_find(const struct added_tokens *tokens, uint32_t token);

/* Seek other text for a token: what normalizing makes of it. */
bool added_tokens_seek(struct added_token *token, const char *text, size_t size,
                       struct failure *failure);

/* Add to a chain a stage that finds those that are sought in normalized text, or those that are
 * not: of tokens that begin at one place the longest. Copies what it needs; where there are none,
 * nothing is added. */
bool added_tokens_stage(struct chain *chain, const struct added_tokens *tokens, bool normalized,
                        struct failure *failure);

#endif
