/* SPDX-License-Identifier: MIT */
/* Regular expressions of tokenizer.json. They are written for Oniguruma and are matched by PCRE2:
 * what both read alike is passed on, \s is spelled out, and all else is refused. */
#ifndef EXAMPLES_TEXT_EXPRESSION_H
#define EXAMPLES_TEXT_EXPRESSION_H

#include <stddef.h>

#include "common/failure.h"

struct expression;

/* Compile an expression, or (literal) one that matches just this text. NULL on failure, which also
 * is an expression that matches an empty text. */
struct expression *expression_create(const char *text, size_t size, bool literal,
                                     struct failure *failure);
void expression_destroy(struct expression *expression);

enum expression_answer {
    EXPRESSION_MATCH,
    EXPRESSION_NONE,
    EXPRESSION_MORE, /* text behind the end may decide; begin is where the match would be */
    EXPRESSION_FAILED
};

/* Find the first match at or behind `from`. Unless complete, text goes on behind its end: what is
 * found does not depend on that. */
enum expression_answer expression_find(struct expression *expression, const char *text, size_t size,
                                       size_t from, bool complete, size_t *begin, size_t *end,
                                       struct failure *failure);

#endif
