/* SPDX-License-Identifier: MIT */
/* From expressions for Oniguruma to the same for PCRE2. */
#ifndef EXAMPLES_TEXT_DIALECT_H
#define EXAMPLES_TEXT_DIALECT_H

#include "text/bytes.h"

/* Add to `out` the expression that PCRE2 reads as Oniguruma reads this one. Refused is whatever
 * the two might read in different ways: anchors, words (\w, \b), lookbehind, names of scripts, sets
 * within sets, possessive intervals. */
bool dialect_translate(struct bytes *out, const char *text, size_t size, struct failure *failure);

#endif
