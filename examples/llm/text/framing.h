/* SPDX-License-Identifier: MIT */
/* What stands before and behind a text of a checkpoint: BOS, EOS. */
#ifndef EXAMPLES_LLM_TEXT_FRAMING_H
#define EXAMPLES_LLM_TEXT_FRAMING_H

#include <stddef.h>
#include <stdint.h>

#include "common/tokens.h"
#include "text/tokenizer.h"

enum { FRAMING_MOST = 16 };

/* Tokens that a window begins with. */
struct beginning {
    uint32_t tokens[FRAMING_MOST];
    size_t count;
};

/* Apply "add_bos_token" and "add_eos_token" of DIRECTORY/tokenizer_config.json: they go before what
 * tokenizer.json says. Where the file or the keys are missing, nothing changes. */
bool framing_apply(struct tokenizer *tokenizer, const char *directory, struct failure *failure);

/* What a text begins with: by the tokenizer; without one (NULL), "bos_token_id" of
 * DIRECTORY/config.json. Refuses a model that says neither, and tokens beyond the vocabulary. A
 * tokenizer that puts nothing before a text gives no token. */
bool framing_beginning(struct beginning *beginning, const struct tokenizer *tokenizer,
                       const char *directory, size_t vocabulary, struct failure *failure);

/* How many tokens of a text fit, if those of each window include its beginning. */
size_t framing_room(const struct beginning *beginning, size_t window, size_t most);

/* A text that begins so already is to do it once: take those tokens away. */
void framing_strip(struct tokens *tokens, const struct beginning *beginning);

/* Put the beginning before each of the text's windows, which become longer by it: from
 * `window` - count tokens to `window`. On failure the tokens stay as they are. */
bool framing_begin_windows(struct tokens *tokens, const struct beginning *beginning, size_t window,
                           struct failure *failure);

#endif
