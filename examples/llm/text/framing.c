/* SPDX-License-Identifier: MIT */
#include "llm/text/framing.h"

#include <stdlib.h>
#include <string.h>

#include "llm/model/json_file.h"

/* A token is written as its text, or as an object that holds it. */
static const char *token_text(const json_t *value)
{
    return json_string_value(json_is_object(value) ? json_object_get(value, "content") : value);
}

static bool apply_key(struct tokenizer *tokenizer, const json_t *root, const char *path,
                      enum tokenizer_side side, struct failure *failure)
{
    static const char *const flags[] = {"add_bos_token", "add_eos_token"};
    static const char *const tokens[] = {"bos_token", "eos_token"};
    const json_t *const flag = json_object_get(root, flags[side]);
    const char *const text = token_text(json_object_get(root, tokens[side]));

    if (!flag || json_is_null(flag))
        return true;
    if (!json_is_boolean(flag))
        return refuse(failure, "%s: \"%s\" is neither true nor false", path, flags[side]);
    if (!text)
        return !json_is_true(flag) || refuse(failure, "%s: \"%s\" is true, but \"%s\" is no text",
                                             path, flags[side], tokens[side]);
    return tokenizer_surround(tokenizer, side, text, json_is_true(flag)) ||
           refuse(failure, "%s: \"%s\": '%s' is no token of tokenizer.json", path, tokens[side],
                  text);
}

bool framing_apply(struct tokenizer *tokenizer, const char *directory, struct failure *failure)
{
    char path[PATH_MAX];
    json_t *root;

    if (!json_file_look(&root, path, directory, "tokenizer_config.json", failure))
        return false;
    const bool ok = apply_key(tokenizer, root, path, TOKENIZER_BEFORE, failure) &&
                    apply_key(tokenizer, root, path, TOKENIZER_BEHIND, failure);
    json_decref(root);
    return ok;
}

static bool read_config(struct beginning *beginning, const char *directory, struct failure *failure)
{
    char path[PATH_MAX];
    json_t *root;

    if (!json_file_look(&root, path, directory, "config.json", failure))
        return false;
    const json_t *const token = json_object_get(root, "bos_token_id");
    const json_int_t value = json_is_integer(token) ? json_integer_value(token) : -1;
    const bool ok =
        (value >= 0 && value <= UINT32_MAX) ||
        refuse(failure,
               "%s: \"bos_token_id\" is no token, and there is no tokenizer.json: what the windows "
               "of this model begin with is not known",
               path);
    if (ok)
        *beginning = (struct beginning){.tokens = {(uint32_t)value}, .count = 1};
    json_decref(root);
    return ok;
}

bool framing_beginning(struct beginning *beginning, const struct tokenizer *tokenizer,
                       const char *directory, size_t vocabulary, struct failure *failure)
{
    const uint32_t *tokens;

    *beginning = (struct beginning){.count = 0};
    if (tokenizer) {
        beginning->count = tokenizer_tokens_before(tokenizer, &tokens);
        if (beginning->count > FRAMING_MOST)
            return refuse(failure, "%s: the tokenizer puts %zu tokens before a text", directory,
                          beginning->count);
        memcpy(beginning->tokens, tokens, beginning->count * sizeof *tokens);
    } else if (!read_config(beginning, directory, failure))
        return false;
    for (size_t i = 0; i < beginning->count; i++)
        if (beginning->tokens[i] >= vocabulary)
            return refuse(failure,
                          "%s: windows begin with token %lu, but the model's vocabulary has %zu",
                          directory, (unsigned long)beginning->tokens[i], vocabulary);
    return true;
}

size_t framing_room(const struct beginning *beginning, size_t window, size_t most)
{
    const size_t left = most % window;
    const size_t inside = left > beginning->count ? left - beginning->count : 0;

    return most / window * (window - beginning->count) + inside;
}

static bool begins_so(const struct tokens *tokens, const struct beginning *beginning)
{
    return tokens->count >= beginning->count &&
           memcmp(tokens->values, beginning->tokens, beginning->count * sizeof *tokens->values) ==
               0;
}

void framing_strip(struct tokens *tokens, const struct beginning *beginning)
{
    if (!begins_so(tokens, beginning))
        return;
    tokens->count -= beginning->count;
    memmove(tokens->values, tokens->values + beginning->count,
            tokens->count * sizeof *tokens->values);
}

bool framing_begin_windows(struct tokens *tokens, const struct beginning *beginning, size_t window,
                           struct failure *failure)
{
    const size_t length = window - beginning->count;
    const size_t windows = (tokens->count + length - 1) / length;
    const size_t count = tokens->count + windows * beginning->count;
    uint32_t *const values = malloc((count > 0 ? count : 1) * sizeof *values);

    if (!values)
        return refuse(failure, "out of memory for %zu tokens", count);
    for (size_t i = 0; i < windows; i++) {
        const size_t left = tokens->count - i * length;
        memcpy(values + i * window, beginning->tokens, beginning->count * sizeof *values);
        memcpy(values + i * window + beginning->count, tokens->values + i * length,
               (left < length ? left : length) * sizeof *values);
    }
    free(tokens->values);
    *tokens = (struct tokens){.values = values, .count = count, .beginning = beginning->count};
    return true;
}
