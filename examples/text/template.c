/* SPDX-License-Identifier: MIT */
#include "text/template.h"

#include <string.h>

#include "text/json.h"
#include "text/pieces.h"

static bool add_tokens(struct template_tokens *tokens, const json_t *ids, const char *name,
                       struct failure *failure)
{
    for (size_t i = 0; i < json_array_size(ids); i++) {
        const json_t *const id = json_array_get(ids, i);
        if (!json_is_integer(id) || json_integer_value(id) < 0 ||
            json_integer_value(id) >= PIECES_LIMIT || tokens->count == TEMPLATE_MOST)
            return refuse(failure, "post_processor: tokens of '%s' are not understood", name);
        tokens->list[tokens->count++] = (uint32_t)json_integer_value(id);
    }
    return true;
}

/* One part of "single": the text, or a special token with a name. */
static bool read_part(struct template *template, const json_t *json, const json_t *part,
                      bool *text_seen, struct failure *failure)
{
    const json_t *const special = json_object_get(part, "SpecialToken");
    const char *const name = json_string_value(json_object_get(special, "id"));
    const json_t *const tokens =
        name ? json_object_get(json_object_get(json, "special_tokens"), name) : NULL;
    const json_t *const ids = json_object_get(tokens, "ids");

    if (json_object_get(part, "Sequence")) {
        if (*text_seen)
            return refuse(failure, "post_processor: the text occurs twice");
        *text_seen = true;
        return true;
    }
    if (!json_is_array(ids))
        return refuse(failure, "post_processor: the special token '%s' has no ids",
                      name ? name : "(none)");
    return add_tokens(*text_seen ? &template->behind : &template->before, ids, name, failure);
}

static bool read_single(struct template *template, const json_t *json, struct failure *failure)
{
    const json_t *const single = json_object_get(json, "single");
    bool text_seen = false;

    for (size_t i = 0; i < json_array_size(single); i++)
        if (!read_part(template, json, json_array_get(single, i), &text_seen, failure))
            return false;
    return text_seen ||
           refuse(failure, "post_processor: TemplateProcessing has no place for a text");
}

static bool read_one(struct template *template, const json_t *json, struct failure *failure)
{
    if (json_is_kind(json, "ByteLevel"))
        return true;
    if (!json_is_kind(json, "TemplateProcessing"))
        return refuse(failure, "post_processor: the kind '%s' is not understood", json_kind(json));
    if (template->before.count + template->behind.count > 0)
        return refuse(failure, "post_processor: two templates are not understood");
    return read_single(template, json, failure);
}

bool template_read(struct template *template, const json_t *json, struct failure *failure)
{
    const json_t *const list = json_object_get(json, "processors");

    *template = (struct template){.before = {.count = 0}};
    if (!json || json_is_null(json))
        return true;
    if (!json_is_kind(json, "Sequence"))
        return read_one(template, json, failure);
    if (!json_is_array(list))
        return refuse(failure, "post_processor: Sequence has no list 'processors'");
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!read_one(template, json_array_get(list, i), failure))
            return false;
    return true;
}

static void remove_token(struct template_tokens *tokens, uint32_t token)
{
    size_t kept = 0;

    for (size_t i = 0; i < tokens->count; i++)
        if (tokens->list[i] != token)
            tokens->list[kept++] = tokens->list[i];
    tokens->count = kept;
}

static bool add_token(struct template_tokens *tokens, uint32_t token, bool last)
{
    if (tokens->count == TEMPLATE_MOST)
        return false;
    if (!last)
        memmove(tokens->list + 1, tokens->list, tokens->count * sizeof *tokens->list);
    tokens->list[last ? tokens->count : 0] = token;
    tokens->count++;
    return true;
}

bool template_surround(struct template_tokens *tokens, uint32_t token, bool last, bool wanted)
{
    bool present = false;

    if (token == PIECES_NONE)
        return false;
    for (size_t i = 0; i < tokens->count; i++)
        present = present || tokens->list[i] == token;
    if (!wanted)
        remove_token(tokens, token);
    return !wanted || present || add_token(tokens, token, last);
}
