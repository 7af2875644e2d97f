/* SPDX-License-Identifier: MIT */
#include "text/expression.h"

#include <stdint.h>
#include <stdlib.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "text/dialect.h"

struct expression {
    pcre2_code *code;
    pcre2_match_data *found;
    pcre2_match_context *limits;
};

static bool tell(struct failure *failure, const char *text, size_t size, int error)
{
    PCRE2_UCHAR message[256];

    pcre2_get_error_message(error, message, sizeof message);
    return refuse(failure, "the expression '%.*s': %s", (int)size, text, (const char *)message);
}

/* Where text ends early, a match that could go on is not taken: hence partial matching, "hard". */
static bool compile(struct expression *expression, const char *text, size_t size, bool literal,
                    struct failure *failure)
{
    const uint32_t options =
        PCRE2_UTF | (literal ? PCRE2_LITERAL : PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C);
    PCRE2_SIZE place;
    int error;
    uint32_t empty;

    expression->code = pcre2_compile((PCRE2_SPTR)text, size, options, &error, &place, NULL);
    if (!expression->code)
        return tell(failure, text, size, error);
    pcre2_pattern_info(expression->code, PCRE2_INFO_MATCHEMPTY, &empty);
    if (empty)
        return refuse(failure, "the expression '%.*s' matches an empty text", (int)size, text);
    /* Without a compiler for this machine matching is merely slower. */
    pcre2_jit_compile(expression->code, PCRE2_JIT_COMPLETE | PCRE2_JIT_PARTIAL_HARD);
    return true;
}

/* Long runs of white space take as many steps as they take. */
static bool make_room(struct expression *expression, struct failure *failure)
{
    expression->found = pcre2_match_data_create(1, NULL);
    expression->limits = pcre2_match_context_create(NULL);
    if (!expression->found || !expression->limits)
        return refuse(failure, "out of memory");
    pcre2_set_match_limit(expression->limits, UINT32_MAX);
    pcre2_set_heap_limit(expression->limits, UINT32_MAX);
    return true;
}

static bool prepare(struct expression *expression, const char *text, size_t size, bool literal,
                    struct failure *failure)
{
    struct bytes translated = {.size = 0};

    if (size == 0)
        return refuse(failure, "the expression '' matches an empty text");
    const bool ok = (literal || dialect_translate(&translated, text, size, failure)) &&
                    compile(expression, literal ? text : translated.data,
                            literal ? size : translated.size, literal, failure) &&
                    make_room(expression, failure);

    bytes_free(&translated);
    return ok;
}

struct expression *expression_create(const char *text, size_t size, bool literal,
                                     struct failure *failure)
{
    struct expression *const expression = calloc(1, sizeof *expression);

    if (!expression) {
        refuse(failure, "out of memory");
        return NULL;
    }
    if (prepare(expression, text, size, literal, failure))
        return expression;
    expression_destroy(expression);
    return NULL;
}

void expression_destroy(struct expression *expression)
{
    if (!expression)
        return;
    pcre2_code_free(expression->code);
    pcre2_match_data_free(expression->found);
    pcre2_match_context_free(expression->limits);
    free(expression);
}

enum expression_answer expression_find(struct expression *expression, const char *text, size_t size,
                                       size_t from, bool complete, size_t *begin, size_t *end,
                                       struct failure *failure)
{
    const uint32_t options = PCRE2_NO_UTF_CHECK | (complete ? 0 : PCRE2_PARTIAL_HARD);
    const int answer = pcre2_match(expression->code, (PCRE2_SPTR)text, size, from, options,
                                   expression->found, expression->limits);
    const PCRE2_SIZE *const place = pcre2_get_ovector_pointer(expression->found);

    *begin = place[0];
    *end = place[1];
    if (answer >= 0)
        return EXPRESSION_MATCH;
    if (answer == PCRE2_ERROR_NOMATCH)
        return EXPRESSION_NONE;
    if (answer == PCRE2_ERROR_PARTIAL)
        return EXPRESSION_MORE;
    tell(failure, text, size < 32 ? size : 32, answer);
    return EXPRESSION_FAILED;
}
