/* SPDX-License-Identifier: MIT */
#include "text/tokenizer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/parts.h"

size_t tokenizer_vocabulary(const struct tokenizer *tokenizer)
{
    return tokenizer->bpe.pieces.count;
}

size_t tokenizer_tokens(const struct tokenizer *tokenizer)
{
    const struct added_tokens *const added = &tokenizer->added;
    const size_t above = added->count > 0 ? added->list[added->count - 1].token + (size_t)1 : 0;

    return above > tokenizer_vocabulary(tokenizer) ? above : tokenizer_vocabulary(tokenizer);
}

static uint32_t find_token(const struct tokenizer *tokenizer, const char *piece)
{
    const struct added_tokens *const added = &tokenizer->added;

    for (size_t i = 0; i < added->count; i++)
        if (strcmp(added->list[i].text, piece) == 0)
            return added->list[i].token;
    return pieces_find(&tokenizer->bpe.pieces, piece, strlen(piece));
}

bool tokenizer_surround(struct tokenizer *tokenizer, enum tokenizer_side side, const char *piece,
                        bool wanted)
{
    struct template *const template = &tokenizer->template;

    return template_surround(side == TOKENIZER_BEFORE ? &template->before : &template->behind,
                             find_token(tokenizer, piece), side == TOKENIZER_BEHIND, wanted);
}

bool tokenizer_begin(struct tokenizer *tokenizer, const struct token_sink *sink, bool framed,
                     struct failure *failure)
{
    const struct template_tokens *const before = &tokenizer->template.before;

    chain_reset(&tokenizer->chain);
    words_sink(tokenizer->chain.last, sink);
    tokenizer->framed = framed;
    tokenizer->repair.text.size = 0;
    tokenizer->repair.repairs = (struct text_repairs){.count = 0};
    tokenizer->repair.read = 0;
    tokenizer->repair.any = false;
    for (size_t i = 0; framed && i < before->count; i++)
        if (!stage_token(tokenizer->chain.last, before->list[i], failure))
            return false;
    return true;
}

/* Stages keep little of what comes in small parts. */
bool tokenizer_feed(struct tokenizer *tokenizer, const void *text, size_t size,
                    struct failure *failure)
{
    enum { PART = 1 << 16 };
    const char *const bytes = text;

    for (size_t at = 0; at < size; at += PART)
        if (!repair_feed(&tokenizer->repair, bytes + at, size - at < PART ? size - at : PART,
                         failure))
            return false;
    return true;
}

bool tokenizer_finish(struct tokenizer *tokenizer, struct text_repairs *repairs,
                      struct failure *failure)
{
    const struct template_tokens *const behind = &tokenizer->template.behind;

    if (!repair_finish(&tokenizer->repair, failure))
        return false;
    for (size_t i = 0; tokenizer->framed && i < behind->count; i++)
        if (!stage_token(tokenizer->chain.last, behind->list[i], failure))
            return false;
    *repairs = tokenizer->repair.repairs;
    return words_flush(tokenizer->chain.last, failure);
}

static bool feed_stream(struct tokenizer *tokenizer, FILE *stream, bool *any,
                        struct failure *failure)
{
    static const size_t block = 1 << 18;
    char *const buffer = malloc(block);
    bool ok = buffer != NULL || refuse(failure, "out of memory");
    size_t size;

    *any = false;
    while (ok && (size = fread(buffer, 1, block, stream)) > 0) {
        *any = true;
        ok = tokenizer_feed(tokenizer, buffer, size, failure);
    }
    if (ok && ferror(stream))
        ok = refuse(failure, "%s", strerror(errno));
    free(buffer);
    return ok;
}

static bool encode_stream(struct tokenizer *tokenizer, FILE *stream, const struct token_sink *sink,
                          bool framed, struct text_repairs *repairs, struct failure *failure)
{
    bool any;

    return tokenizer_begin(tokenizer, sink, framed, failure) &&
           feed_stream(tokenizer, stream, &any, failure) &&
           (any || refuse(failure, "the text is empty")) &&
           tokenizer_finish(tokenizer, repairs, failure);
}

bool tokenizer_encode_file(struct tokenizer *tokenizer, const char *path,
                           const struct token_sink *sink, bool framed, struct text_repairs *repairs,
                           struct failure *failure)
{
    struct failure inner;
    FILE *const stream = fopen(path, "rb");

    if (!stream)
        return refuse(failure, "%s: %s", path, strerror(errno));
    const bool ok = encode_stream(tokenizer, stream, sink, framed, repairs, &inner);
    fclose(stream);
    return ok || refuse(failure, "%s: %s", path, inner.text);
}

size_t tokenizer_tokens_before(const struct tokenizer *tokenizer, const uint32_t **tokens)
{
    *tokens = tokenizer->template.before.list;
    return tokenizer->template.before.count;
}

size_t tokenizer_tokens_behind(const struct tokenizer *tokenizer, const uint32_t **tokens)
{
    *tokens = tokenizer->template.behind.list;
    return tokenizer->template.behind.count;
}

const char *tokenizer_piece(const struct tokenizer *tokenizer, uint32_t token, size_t *size)
{
    const struct added_token *const added = added_tokens_find(&tokenizer->added, token);

    if (!added)
        return pieces_text(&tokenizer->bpe.pieces, token, size);
    *size = strlen(added->text);
    return added->text;
}
