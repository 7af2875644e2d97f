/* SPDX-License-Identifier: MIT */
/* Characters as UTF-8 has them. */
#ifndef EXAMPLES_UTF8_H
#define EXAMPLES_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What text begins with. */
enum utf8_kind {
    UTF8_CHARACTER,
    UTF8_BROKEN,    /* as many bytes as one U+FFFD stands for: the longest beginning of a
                     * character that no character continues (Unicode, section 3.9) */
    UTF8_UNFINISHED /* all bytes there are begin a character */
};

/* Look at the beginning of size > 0 bytes, and tell its length. */
enum utf8_kind utf8_look(const char *text, size_t size, size_t *length);

/* The character that valid text begins with, and its length. */
uint32_t utf8_read(const char *text, size_t *length);

/* Put U+FFFD in place of what is no character. The result is allocated and ends with a zero byte;
 * NULL if memory is short. */
char *utf8_repaired(const char *text, size_t size, size_t *repaired_size);

/* Whether Unicode calls it White_Space. */
bool utf8_is_space(uint32_t character);
/* Length of the white space that valid text begins with, and ends with. */
size_t utf8_spaces_before(const char *text, size_t size);
size_t utf8_spaces_after(const char *text, size_t size);

#endif
