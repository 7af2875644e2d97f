/* SPDX-License-Identifier: MIT */
/* Of tokenizer.h: reading tokenizer.json. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/normalizer.h"
#include "text/parts.h"
#include "text/pretokenizer.h"

/* A stage that keeps the text. */
struct collector {
    struct stage stage;
    struct bytes text;
};

static bool collect(struct stage *stage, const char *text, size_t size, struct failure *failure)
{
    return bytes_add(&((struct collector *)stage)->text, text, size, failure);
}

static bool collected(struct stage *stage, struct failure *failure)
{
    (void)stage;
    (void)failure;
    return true;
}

/* Tokens that are looked for in normalized text are normalized themselves. */
static bool normalize_added(struct added_tokens *added, struct chain *normalizer,
                            struct failure *failure)
{
    struct collector collector = {.stage = {.push = collect, .end = collected}};
    bool ok = true;

    if (!normalizer->first)
        return true;
    normalizer->last->next = &collector.stage;
    for (size_t i = 0; ok && i < added->count; i++) {
        struct added_token *const token = &added->list[i];
        collector.text.size = 0;
        ok = !token->normalized ||
             (stage_push(normalizer->first, token->text, strlen(token->text), failure) &&
              stage_end(normalizer->first, failure) &&
              added_tokens_seek(token, collector.text.data, collector.text.size, failure));
    }
    normalizer->last->next = NULL;
    bytes_free(&collector.text);
    return ok;
}

/* A token that was added and stands in the vocabulary as well is one token. */
static bool check_added(const struct tokenizer *tokenizer, const json_t *vocabulary,
                        struct failure *failure)
{
    for (size_t i = 0; i < tokenizer->added.count; i++) {
        const struct added_token *const token = &tokenizer->added.list[i];
        const json_t *const same = json_object_get(vocabulary, token->text);
        if (same && json_integer_value(same) != (json_int_t)token->token)
            return refuse(failure,
                          "added_tokens: '%s' has the id %lu, but %" JSON_INTEGER_FORMAT
                          " in the vocabulary",
                          token->text, (unsigned long)token->token, json_integer_value(same));
    }
    return true;
}

/* Text to pieces: everything before the model. */
static bool read_stages(struct tokenizer *tokenizer, const json_t *json, bool *byte_level,
                        struct failure *failure)
{
    struct chain normalizer = {.first = NULL};
    struct chain *const chain = &tokenizer->chain;
    bool ok =
        added_tokens_read(&tokenizer->added, json_object_get(json, "added_tokens"), failure) &&
        added_tokens_stage(chain, &tokenizer->added, false, failure) &&
        normalizer_read(&normalizer, json_object_get(json, "normalizer"), failure) &&
        normalize_added(&tokenizer->added, &normalizer, failure);

    chain_join(chain, &normalizer);
    return ok && added_tokens_stage(chain, &tokenizer->added, true, failure) &&
           pretokenizer_read(chain, json_object_get(json, "pre_tokenizer"), byte_level, failure);
}

/* The post-processor has tokens by their numbers. Without this check a program could get one for
 * which no model has a row. */
static bool check_template(const struct tokenizer *tokenizer, const struct template_tokens *tokens,
                           struct failure *failure)
{
    for (size_t i = 0; i < tokens->count; i++) {
        size_t size;
        if (!tokenizer_piece(tokenizer, tokens->list[i], &size))
            return refuse(failure, "post_processor: there is no token with the id %lu",
                          (unsigned long)tokens->list[i]);
    }
    return true;
}

static bool read_template(struct tokenizer *tokenizer, const json_t *json, struct failure *failure)
{
    struct template *const template = &tokenizer->template;

    return template_read(template, json_object_get(json, "post_processor"), failure) &&
           check_template(tokenizer, &template->before, failure) &&
           check_template(tokenizer, &template->behind, failure);
}

static bool read_decoder(struct tokenizer *tokenizer, const json_t *json, struct failure *failure)
{
    if (!decoder_read(&tokenizer->decoder, json_object_get(json, "decoder"), failure))
        return false;
    return !tokenizer->decoder.present ||
           tokenizer->decoder.byte_level == tokenizer->bpe.byte_level ||
           refuse(failure,
                  "decoder: one of ByteLevel goes with a pre-tokenizer ByteLevel, and with "
                  "no other");
}

static bool read_all(struct tokenizer *tokenizer, const json_t *json, struct failure *failure)
{
    json_t *const model = json_object_get(json, "model");
    bool byte_level;

    if (!read_stages(tokenizer, json, &byte_level, failure) ||
        !bpe_read(&tokenizer->bpe, model, byte_level, failure) ||
        !check_added(tokenizer, json_object_get(model, "vocab"), failure) ||
        !read_template(tokenizer, json, failure) || !read_decoder(tokenizer, json, failure))
        return false;
    struct stage *const words = words_create(&tokenizer->bpe, failure);
    if (!words)
        return false;
    chain_add(&tokenizer->chain, words);
    tokenizer->repair.next = tokenizer->chain.first;
    return true;
}

static bool read_stream(struct tokenizer *tokenizer, FILE *stream, struct failure *failure)
{
    json_error_t error;
    json_t *const json = json_loadf(stream, JSON_ALLOW_NUL, &error);

    if (!json)
        return refuse(failure, "line %d: %s", error.line, error.text);
    const bool ok = json_is_object(json) ? read_all(tokenizer, json, failure)
                                         : refuse(failure, "this is no object of JSON");
    json_decref(json);
    return ok;
}

static bool read_file(struct tokenizer *tokenizer, const char *path, struct failure *failure)
{
    struct failure inner;
    FILE *const stream = fopen(path, "rb");

    if (!stream)
        return refuse(failure, "%s: %s", path, strerror(errno));
    const bool ok = read_stream(tokenizer, stream, &inner);
    fclose(stream);
    return ok || refuse(failure, "%s: %s", path, inner.text);
}

struct tokenizer *tokenizer_open(const char *path, struct failure *failure)
{
    struct tokenizer *const tokenizer = calloc(1, sizeof *tokenizer);

    if (!tokenizer) {
        refuse(failure, "out of memory");
        return NULL;
    }
    if (read_file(tokenizer, path, failure))
        return tokenizer;
    tokenizer_close(tokenizer);
    return NULL;
}

void tokenizer_close(struct tokenizer *tokenizer)
{
    if (!tokenizer)
        return;
    chain_free(&tokenizer->chain);
    bytes_free(&tokenizer->repair.text);
    bpe_free(&tokenizer->bpe);
    added_tokens_free(&tokenizer->added);
    decoder_free(&tokenizer->decoder);
    free(tokenizer);
}
