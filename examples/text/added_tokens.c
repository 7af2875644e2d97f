/* SPDX-License-Identifier: MIT */
#include "text/added_tokens.h"

#include <stdlib.h>
#include <string.h>

#include "text/json.h"
#include "text/pieces.h"

static bool read_token(struct added_token *token, const json_t *entry, size_t index,
                       struct failure *failure)
{
    const json_t *const text = json_object_get(entry, "content");
    const json_t *const number = json_object_get(entry, "id");
    const json_int_t value = json_is_integer(number) ? json_integer_value(number) : -1;

    if (!json_is_string(text) || json_string_length(text) == 0)
        return refuse(failure, "added_tokens: number %zu has no content", index);
    if (value < 0 || value >= PIECES_LIMIT)
        return refuse(failure, "added_tokens: '%s' has no id from 0 to %d", json_string_value(text),
                      PIECES_LIMIT - 1);
    if (json_switch(entry, "single_word", false))
        return refuse(failure, "added_tokens: single_word of '%s' is not understood",
                      json_string_value(text));
    *token = (struct added_token){
        .token = (uint32_t)value,
        .eats_before = json_switch(entry, "lstrip", false),
        .eats_behind = json_switch(entry, "rstrip", false),
        .normalized = json_switch(entry, "normalized", !json_switch(entry, "special", false)),
    };
    token->text = strdup(json_string_value(text));
    return (token->text || refuse(failure, "out of memory")) &&
           added_tokens_seek(token, json_string_value(text), json_string_length(text), failure);
}

bool added_tokens_seek(struct added_token *token, const char *text, size_t size,
                       struct failure *failure)
{
    char *const sought = malloc(size > 0 ? size : 1);

    if (!sought)
        return refuse(failure, "out of memory");
    memcpy(sought, text, size);
    free(token->sought);
    token->sought = sought;
    token->size = size;
    return true;
}

static int compare(const void *first, const void *second)
{
    const uint32_t a = ((const struct added_token *)first)->token;
    const uint32_t b = ((const struct added_token *)second)->token;

    return (a > b) - (a < b);
}

bool added_tokens_read(struct added_tokens *tokens, const json_t *list, struct failure *failure)
{
    const size_t count = json_array_size(list);

    *tokens = (struct added_tokens){.count = 0};
    if (list && !json_is_array(list) && !json_is_null(list))
        return refuse(failure, "added_tokens is no list");
    tokens->list = calloc(count > 0 ? count : 1, sizeof *tokens->list);
    if (!tokens->list)
        return refuse(failure, "out of memory for %zu added tokens", count);
    for (tokens->count = 0; tokens->count < count; tokens->count++)
        if (!read_token(&tokens->list[tokens->count], json_array_get(list, tokens->count),
                        tokens->count, failure)) {
            tokens->count++;
            added_tokens_free(tokens);
            return false;
        }
    qsort(tokens->list, tokens->count, sizeof *tokens->list, compare);
    return true;
}

void added_tokens_free(struct added_tokens *tokens)
{
    for (size_t i = 0; i < tokens->count; i++) {
        free(tokens->list[i].text);
        free(tokens->list[i].sought);
    }
    free(tokens->list);
    *tokens = (struct added_tokens){.count = 0};
}

const struct added_token *added_tokens_find(const struct added_tokens *tokens, uint32_t token)
{
    const struct added_token sought = {.token = token};

    return bsearch(&sought, tokens->list, tokens->count, sizeof *tokens->list, compare);
}
