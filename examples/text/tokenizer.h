/* SPDX-License-Identifier: MIT */
/* Text to tokens and back, by the tokenizer.json of a checkpoint.
 *
 * Understood are tokenizers by byte-pair encoding: byte-level ones, as of Llama 3, Qwen and
 * GPT-OSS, and those in the manner of SentencePiece with tokens of bytes for characters that have
 * none, as of Llama 2, Mistral and Gemma. Whatever a file says that is not understood is refused by
 * its name.
 *
 * Tokens are those of the reference, Hugging Face's library tokenizers, for the text as a whole.
 * Text comes in parts of any size and is not kept: memory does not grow with it, only with its
 * longest stretch that nothing splits. What is not UTF-8 is taken as U+FFFD, one for each longest
 * beginning of a character (Unicode, section 3.9), as the usual readers of text do. "truncation"
 * and "padding" are not looked at.
 *
 * A tokenizer serves one text at a time, and one thread. */
#ifndef EXAMPLES_TEXT_TOKENIZER_H
#define EXAMPLES_TEXT_TOKENIZER_H

#include <stddef.h>
#include <stdint.h>

#include "common/failure.h"
#include "common/token_sink.h"

struct tokenizer;

/* Where text goes. */
struct text_sink {
    bool (*take)(void *self, const char *text, size_t size, struct failure *failure);
    void *self;
};

/* Bytes that were no UTF-8. */
struct text_repairs {
    uint64_t count; /* of U+FFFD that stand for them */
    uint64_t first; /* where the first one was, from the beginning of the text */
};

/* Read a file. NULL on failure. */
struct tokenizer *tokenizer_open(const char *path, struct failure *failure);
void tokenizer_close(struct tokenizer *tokenizer);

/* Tokens of the vocabulary are below this; tokens that were added to it may be above. */
size_t tokenizer_vocabulary(const struct tokenizer *tokenizer);
/* All tokens are below this. */
size_t tokenizer_tokens(const struct tokenizer *tokenizer);

/* Where tokens stand that the post-processor puts around a text. */
enum tokenizer_side { TOKENIZER_BEFORE, TOKENIZER_BEHIND };

/* Have the token of a piece around texts, or not: outermost, unless it is there already. False, and
 * nothing changes, if there is no such token or no room for one. */
bool tokenizer_surround(struct tokenizer *tokenizer, enum tokenizer_side side, const char *piece,
                        bool wanted);

/* Begin a text. `framed`: with the tokens that the post-processor puts around it (BOS, EOS). */
bool tokenizer_begin(struct tokenizer *tokenizer, const struct token_sink *sink, bool framed,
                     struct failure *failure);
/* A part of it, cut anywhere. */
bool tokenizer_feed(struct tokenizer *tokenizer, const void *text, size_t size,
                    struct failure *failure);
/* The text is complete. */
bool tokenizer_finish(struct tokenizer *tokenizer, struct text_repairs *repairs,
                      struct failure *failure);

/* The three of them for a file. An empty one is refused. Failures name the file. */
bool tokenizer_encode_file(struct tokenizer *tokenizer, const char *path,
                           const struct token_sink *sink, bool framed, struct text_repairs *repairs,
                           struct failure *failure);

/* How a text goes on while it is decoded. Begin with {0}. */
struct decoding {
    uint64_t tokens; /* so far */
    size_t stripped; /* spaces taken from its beginning */
    bool inside;     /* behind them */
};

/* The text of tokens, in parts: bytes as the tokens have them, which need not be UTF-8 in sum.
 * Framed: tokens that the post-processor put before the text are not part of it. Refuses tokens
 * that do not exist. */
bool tokenizer_decode(const struct tokenizer *tokenizer, struct decoding *decoding,
                      const uint32_t *tokens, size_t count, const struct text_sink *sink,
                      struct failure *failure);

/* How many tokens the post-processor puts before a text, and behind it. */
size_t tokenizer_tokens_before(const struct tokenizer *tokenizer, const uint32_t **tokens);
size_t tokenizer_tokens_behind(const struct tokenizer *tokenizer, const uint32_t **tokens);

/* What stands for a token in the vocabulary, with bytes of a byte-level one as they are. NULL if
 * there is no such token. */
const char *tokenizer_piece(const struct tokenizer *tokenizer, uint32_t token, size_t *size);

#endif
