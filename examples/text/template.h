/* SPDX-License-Identifier: MIT */
/* Tokens before and behind a text: "post_processor" of tokenizer.json. */
#ifndef EXAMPLES_TEXT_TEMPLATE_H
#define EXAMPLES_TEXT_TEMPLATE_H

#include <jansson.h>
#include <stdint.h>

#include "common/failure.h"

enum { TEMPLATE_MOST = 16 };

struct template_tokens {
    uint32_t list[TEMPLATE_MOST];
    size_t count;
};

struct template
{
    struct template_tokens before;
    struct template_tokens behind;
};

/* Read TemplateProcessing for a single text, ByteLevel, which changes no tokens, Sequence of them,
 * or null. Others are refused by their name. */
bool template_read(struct template *template, const json_t *json, struct failure *failure);

/* Have a token among these, first or last if it is to be added, or not. False if there is no room,
 * or no token (PIECES_NONE). */
bool template_surround(struct template_tokens *tokens, uint32_t token, bool last, bool wanted);

#endif
