/* SPDX-License-Identifier: MIT */
#include "llm/generate/language.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/path.h"
#include "llm/model/json_file.h"
#include "llm/text/text.h"

static bool add_end(struct language *language, const json_t *value, const char *path,
                    struct failure *failure)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        json_integer_value(value) > UINT32_MAX || language->end_count == LANGUAGE_MAX_ENDS)
        return refuse(failure, "%s: \"eos_token_id\" is no token, nor a list of at most %d", path,
                      LANGUAGE_MAX_ENDS);
    language->ends[language->end_count++] = (uint32_t)json_integer_value(value);
    return true;
}

/* "eos_token_id" of a file: missing, null, a token, or a list of them. */
static bool read_ends(struct language *language, const char *model, const char *name,
                      struct failure *failure)
{
    char path[PATH_MAX];
    json_t *root;
    bool ok = true;

    if (!json_file_look(&root, path, model, name, failure))
        return false;
    const json_t *const ends = json_object_get(root, "eos_token_id");
    if (json_is_array(ends))
        for (size_t i = 0; ok && i < json_array_size(ends); i++)
            ok = add_end(language, json_array_get(ends, i), path, failure);
    else if (ends && !json_is_null(ends))
        ok = add_end(language, ends, path, failure);
    json_decref(root);
    return ok;
}

static bool has_tokenizer(const char *model)
{
    struct failure ignored;
    char path[PATH_MAX];

    return path_join(path, model, "tokenizer.json", &ignored) && access(path, F_OK) == 0;
}

bool language_open(struct language *language, const char *model, const struct config *config,
                   struct failure *failure)
{
    enum { BYTES = 256 };

    *language = (struct language){.tokenizer = NULL};
    /* What a checkpoint says for generation goes before what it says of the model. */
    if (!read_ends(language, model, "generation_config.json", failure) ||
        (language->end_count == 0 && !read_ends(language, model, "config.json", failure)))
        return false;
    if (config->vocabulary == BYTES && !has_tokenizer(model))
        return true;
    language->tokenizer = text_open_tokenizer(model, failure);
    return language->tokenizer != NULL;
}

void language_close(struct language *language)
{
    tokenizer_close(language->tokenizer);
    language->tokenizer = NULL;
}

static bool keep_tokens(void *self, const uint32_t *tokens, size_t count, struct failure *failure)
{
    struct tokens *const kept = self;
    uint32_t *const values = realloc(kept->values, (kept->count + count + 1) * sizeof *values);

    if (!values)
        return refuse(failure, "out of memory for %zu tokens", kept->count + count);
    memcpy(values + kept->count, tokens, count * sizeof *tokens);
    kept->values = values;
    kept->count += count;
    return true;
}

static bool encode_bytes(const char *text, struct tokens *tokens, struct failure *failure)
{
    bool ok = true;

    for (; ok && *text != '\0'; text++) {
        const uint32_t token = (unsigned char)*text;
        ok = keep_tokens(tokens, &token, 1, failure);
    }
    return ok;
}

/* What the tokenizer puts behind a text ends it, but ours goes on. */
static bool encode_text(struct language *language, const char *text, bool first,
                        struct tokens *tokens, struct failure *failure)
{
    const struct token_sink sink = {keep_tokens, tokens};
    const uint32_t *behind;
    struct text_repairs repairs;

    if (!tokenizer_begin(language->tokenizer, &sink, first, failure) ||
        !tokenizer_feed(language->tokenizer, text, strlen(text), failure) ||
        !tokenizer_finish(language->tokenizer, &repairs, failure))
        return false;
    text_warn("the prompt", &repairs);
    if (first)
        tokens->count -= tokenizer_tokens_behind(language->tokenizer, &behind);
    return true;
}

bool language_encode(struct language *language, const char *text, bool first, struct tokens *tokens,
                     struct failure *failure)
{
    *tokens = (struct tokens){.count = 0};
    if (language->tokenizer ? encode_text(language, text, first, tokens, failure)
                            : encode_bytes(text, tokens, failure))
        return true;
    tokens_free(tokens);
    return false;
}

static bool write_text(void *self, const char *text, size_t size, struct failure *failure)
{
    return fwrite(text, 1, size, self) == size || refuse(failure, "the text cannot be written");
}

bool language_write(struct language *language, uint32_t token, FILE *stream,
                    struct failure *failure)
{
    const struct text_sink sink = {write_text, stream};
    const char byte = (char)(unsigned char)token;

    return language->tokenizer ? tokenizer_decode(language->tokenizer, &language->decoding, &token,
                                                  1, &sink, failure)
                               : write_text(stream, &byte, 1, failure);
}

bool language_ends(const struct language *language, uint32_t token)
{
    for (size_t i = 0; i < language->end_count; i++)
        if (language->ends[i] == token)
            return true;
    return false;
}
