/* SPDX-License-Identifier: MIT */
#include "text/pretokenizer.h"

#include <string.h>

#include "text/json.h"
#include "text/metaspace.h"
#include "text/prefix.h"
#include "text/replace.h"
#include "text/split.h"

static bool add(struct chain *chain, struct stage *stage)
{
    if (stage)
        chain_add(chain, stage);
    return stage != NULL;
}

static bool add_split(struct chain *chain, const char *text, bool literal,
                      enum split_behavior behavior, bool inverted, struct failure *failure)
{
    struct failure inner;
    struct expression *const expression = expression_create(text, strlen(text), literal, &inner);

    if (!expression)
        return refuse(failure, "pre_tokenizer: %s", inner.text);
    return add(chain, split_create(expression, behavior, inverted, failure));
}

static bool read_behavior(const json_t *json, enum split_behavior *behavior,
                          struct failure *failure)
{
    static const char *const names[] = {
        [SPLIT_REMOVED] = "Removed",
        [SPLIT_ISOLATED] = "Isolated",
        [SPLIT_MERGED_WITH_PREVIOUS] = "MergedWithPrevious",
        [SPLIT_MERGED_WITH_NEXT] = "MergedWithNext",
        [SPLIT_CONTIGUOUS] = "Contiguous",
    };
    const char *const name = json_string_value(json_object_get(json, "behavior"));

    for (size_t i = 0; name && i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0) {
            *behavior = (enum split_behavior)i;
            return true;
        }
    return refuse(failure, "pre_tokenizer: the behavior '%s' of Split is not understood",
                  name ? name : "(none)");
}

static bool read_split(struct chain *chain, const json_t *json, struct failure *failure)
{
    const json_t *const pattern = json_object_get(json, "pattern");
    const char *const literal = json_pattern_text(json);
    const char *const regex = json_string_value(json_object_get(pattern, "Regex"));
    enum split_behavior behavior = SPLIT_ISOLATED;

    if (!literal && !regex)
        return refuse(failure, "pre_tokenizer: Split has no pattern");
    return read_behavior(json, &behavior, failure) &&
           add_split(chain, literal ? literal : regex, literal != NULL, behavior,
                     json_switch(json, "invert", false), failure);
}

/* The expression is that of GPT-2. */
static bool read_byte_level(struct chain *chain, const json_t *json, struct failure *failure)
{
    static const char words[] =
        "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

    return (!json_switch(json, "add_prefix_space", true) ||
            add(chain, prefix_create(" ", PREFIX_UNLESS_THERE, failure))) &&
           (!json_switch(json, "use_regex", true) ||
            add_split(chain, words, false, SPLIT_ISOLATED, false, failure));
}

static bool read_metaspace(struct chain *chain, const json_t *json, struct failure *failure)
{
    struct metaspace metaspace;

    if (!metaspace_read(&metaspace, json, failure))
        return false;
    return add(chain, replace_create(" ", metaspace.replacement, failure)) &&
           (metaspace.prepend == METASPACE_NEVER ||
            add(chain, prefix_create(metaspace.replacement,
                                     metaspace.prepend == METASPACE_FIRST ? PREFIX_FIRST
                                                                          : PREFIX_UNLESS_THERE,
                                     failure))) &&
           (!metaspace.split ||
            add_split(chain, metaspace.replacement, true, SPLIT_MERGED_WITH_NEXT, false, failure));
}

static bool read_digits(struct chain *chain, const json_t *json, struct failure *failure)
{
    return add_split(chain, "\\p{N}", false,
                     json_switch(json, "individual_digits", false) ? SPLIT_ISOLATED
                                                                   : SPLIT_CONTIGUOUS,
                     false, failure);
}

static bool read_one(struct chain *chain, const json_t *json, bool *byte_level,
                     struct failure *failure)
{
    if (*byte_level)
        return refuse(failure, "pre_tokenizer: '%s' behind ByteLevel is not understood",
                      json_kind(json));
    *byte_level = json_is_kind(json, "ByteLevel");
    if (*byte_level)
        return read_byte_level(chain, json, failure);
    if (json_is_kind(json, "Split"))
        return read_split(chain, json, failure);
    if (json_is_kind(json, "Metaspace"))
        return read_metaspace(chain, json, failure);
    if (json_is_kind(json, "Digits"))
        return read_digits(chain, json, failure);
    return refuse(failure, "pre_tokenizer: the kind '%s' is not understood", json_kind(json));
}

bool pretokenizer_read(struct chain *chain, const json_t *json, bool *byte_level,
                       struct failure *failure)
{
    const json_t *const list = json_object_get(json, "pretokenizers");

    *byte_level = false;
    if (!json || json_is_null(json))
        return true;
    if (!json_is_kind(json, "Sequence"))
        return read_one(chain, json, byte_level, failure);
    if (!json_is_array(list))
        return refuse(failure, "pre_tokenizer: Sequence has no list 'pretokenizers'");
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!read_one(chain, json_array_get(list, i), byte_level, failure))
            return false;
    return true;
}
