/* SPDX-License-Identifier: MIT */
/* What a model reads and writes as text: by the tokenizer of its checkpoint, or a token for every
 * byte where the vocabulary has 256 tokens and no tokenizer is there. */
#ifndef EXAMPLES_LLM_GENERATE_LANGUAGE_H
#define EXAMPLES_LLM_GENERATE_LANGUAGE_H

#include <stdio.h>

#include "common/tokens.h"
#include "llm/model/config.h"
#include "text/tokenizer.h"

enum { LANGUAGE_MAX_ENDS = 16 };

struct language {
    struct tokenizer *tokenizer; /* NULL: bytes */
    struct decoding decoding;
    uint32_t ends[LANGUAGE_MAX_ENDS]; /* tokens that end a text, as the checkpoint says */
    size_t end_count;
};

bool language_open(struct language *language, const char *model, const struct config *config,
                   struct failure *failure);
void language_close(struct language *language);

/* The tokens of a text, allocated: release with tokens_free(). first: it is the beginning, which
 * some models want marked. */
bool language_encode(struct language *language, const char *text, bool first, struct tokens *tokens,
                     struct failure *failure);

/* Write the text of a token that comes next. */
bool language_write(struct language *language, uint32_t token, FILE *stream,
                    struct failure *failure);

/* Whether a token ends a text. */
bool language_ends(const struct language *language, uint32_t token);

#endif
