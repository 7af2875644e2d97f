/* SPDX-License-Identifier: MIT */
/* Of tokenizer.h: from tokens to text. */
#include "text/parts.h"

/* The vocabulary of a byte-level tokenizer is kept as bytes. */
static bool add_piece(const struct tokenizer *tokenizer, struct bytes *out, uint32_t token,
                      bool first, struct failure *failure)
{
    size_t size;
    const char *const piece = tokenizer_piece(tokenizer, token, &size);

    if (!piece)
        return refuse(failure, "token %lu does not exist", (unsigned long)token);
    if (tokenizer->bpe.byte_level && !added_tokens_find(&tokenizer->added, token))
        return bytes_add(out, piece, size, failure);
    return decoder_add(&tokenizer->decoder, out, piece, size, first, failure);
}

/* What is left of text when spaces are taken from its beginning. */
static size_t strip(const struct tokenizer *tokenizer, struct decoding *decoding,
                    const struct bytes *text)
{
    size_t at = 0;

    while (!decoding->inside && at < text->size) {
        decoding->inside = decoding->stripped == tokenizer->decoder.strip || text->data[at] != ' ';
        if (decoding->inside)
            break;
        decoding->stripped++;
        at++;
    }
    return at;
}

bool tokenizer_decode(const struct tokenizer *tokenizer, struct decoding *decoding,
                      const uint32_t *tokens, size_t count, const struct text_sink *sink,
                      struct failure *failure)
{
    struct bytes text = {.size = 0};
    bool ok = tokenizer->decoder.present || refuse(failure, "the tokenizer has no decoder");

    for (size_t i = 0; ok && i < count; i++)
        ok = add_piece(tokenizer, &text, tokens[i], decoding->tokens++ == 0, failure);
    if (ok) {
        const size_t at = strip(tokenizer, decoding, &text);
        ok = at == text.size || sink->take(sink->self, text.data + at, text.size - at, failure);
    }
    bytes_free(&text);
    return ok;
}
