/* SPDX-License-Identifier: MIT */
/* Of tokenizer.h, where the libraries for it are missing: no tokenizer can be opened. */
#include "text/tokenizer.h"

struct tokenizer *tokenizer_open(const char *path, struct failure *failure)
{
    refuse(failure, "%s: this program was built without PCRE2 or utf8proc, and reads no text",
           path);
    return NULL;
}

void tokenizer_close(struct tokenizer *tokenizer)
{
    (void)tokenizer;
}

/* The others have a tokenizer, and are not called. */
size_t tokenizer_vocabulary(const struct tokenizer *tokenizer)
{
    (void)tokenizer;
    return 0;
}

size_t tokenizer_tokens(const struct tokenizer *tokenizer)
{
    (void)tokenizer;
    return 0;
}

bool tokenizer_surround(struct tokenizer *tokenizer, enum tokenizer_side side, const char *piece,
                        bool wanted)
{
    (void)tokenizer;
    (void)side;
    (void)piece;
    (void)wanted;
    return false;
}

bool tokenizer_begin(struct tokenizer *tokenizer, const struct token_sink *sink, bool framed,
                     struct failure *failure)
{
    (void)tokenizer;
    (void)sink;
    (void)framed;
    return refuse(failure, "no text is read");
}

bool tokenizer_feed(struct tokenizer *tokenizer, const void *text, size_t size,
                    struct failure *failure)
{
    (void)tokenizer;
    (void)text;
    (void)size;
    return refuse(failure, "no text is read");
}

bool tokenizer_finish(struct tokenizer *tokenizer, struct text_repairs *repairs,
                      struct failure *failure)
{
    (void)tokenizer;
    *repairs = (struct text_repairs){.count = 0};
    return refuse(failure, "no text is read");
}

bool tokenizer_encode_file(struct tokenizer *tokenizer, const char *path,
                           const struct token_sink *sink, bool framed, struct text_repairs *repairs,
                           struct failure *failure)
{
    (void)tokenizer;
    (void)sink;
    (void)framed;
    *repairs = (struct text_repairs){.count = 0};
    return refuse(failure, "%s: no text is read", path);
}

bool tokenizer_decode(const struct tokenizer *tokenizer, struct decoding *decoding,
                      const uint32_t *tokens, size_t count, const struct text_sink *sink,
                      struct failure *failure)
{
    (void)tokenizer;
    (void)decoding;
    (void)tokens;
    (void)count;
    (void)sink;
    return refuse(failure, "no text is read");
}

size_t tokenizer_tokens_before(const struct tokenizer *tokenizer, const uint32_t **tokens)
{
    (void)tokenizer;
    *tokens = NULL;
    return 0;
}

size_t tokenizer_tokens_behind(const struct tokenizer *tokenizer, const uint32_t **tokens)
{
    return tokenizer_tokens_before(tokenizer, tokens);
}

const char *tokenizer_piece(const struct tokenizer *tokenizer, uint32_t token, size_t *size)
{
    (void)tokenizer;
    (void)token;
    *size = 0;
    return NULL;
}
