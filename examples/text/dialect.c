/* SPDX-License-Identifier: MIT */
#include "text/dialect.h"

#include <ctype.h>
#include <string.h>

struct reader {
    const char *text;
    size_t size;
    size_t at;
    bool in_set;
    struct bytes *out;
};

static bool starts(const struct reader *reader, const char *word)
{
    const size_t length = strlen(word);

    return reader->size - reader->at >= length &&
           memcmp(reader->text + reader->at, word, length) == 0;
}

static bool not_understood(const struct reader *reader, size_t length, struct failure *failure)
{
    if (length > reader->size - reader->at)
        length = reader->size - reader->at;
    return refuse(failure, "the expression '%.*s': '%.*s' at %zu is not understood",
                  (int)reader->size, reader->text, (int)length, reader->text + reader->at,
                  reader->at);
}

static bool copy(struct reader *reader, size_t length, struct failure *failure)
{
    const char *const from = reader->text + reader->at;

    reader->at += length;
    return bytes_add(reader->out, from, length, failure);
}

static bool replace(struct reader *reader, size_t length, const char *by, struct failure *failure)
{
    reader->at += length;
    return bytes_add(reader->out, by, strlen(by), failure);
}

/* \p{...} of a general category: one or two letters. PCRE2 takes names of scripts in another
 * sense. */
static bool property(struct reader *reader, struct failure *failure)
{
    size_t at = reader->at + 2;
    size_t letters = 0;

    if (at >= reader->size || reader->text[at++] != '{')
        return not_understood(reader, 3, failure);
    if (at < reader->size && reader->text[at] == '^')
        at++;
    while (at < reader->size && isalpha((unsigned char)reader->text[at])) {
        at++;
        letters++;
    }
    if (letters < 1 || letters > 2 || at >= reader->size || reader->text[at] != '}')
        return not_understood(reader, at + 1 - reader->at, failure);
    return copy(reader, at + 1 - reader->at, failure);
}

/* \uHHHH */
static bool code(struct reader *reader, struct failure *failure)
{
    for (size_t i = 2; i < 6; i++)
        if (reader->at + i >= reader->size ||
            !isxdigit((unsigned char)reader->text[reader->at + i]))
            return not_understood(reader, 6, failure);
    return replace(reader, 2, "\\x{", failure) && copy(reader, 4, failure) &&
           replace(reader, 0, "}", failure);
}

static bool escape(struct reader *reader, struct failure *failure)
{
    const char letter = reader->at + 1 < reader->size ? reader->text[reader->at + 1] : '\0';

    switch (letter) {
    /* PCRE2's own \s knows a character more, and one less. */
    case 's':
        return replace(reader, 2, "\\p{White_Space}", failure);
    case 'S':
        return replace(reader, 2, "\\P{White_Space}", failure);
    case 'd':
        return replace(reader, 2, "\\p{Nd}", failure);
    case 'D':
        return replace(reader, 2, "\\P{Nd}", failure);
    case 'p':
    case 'P':
        return property(reader, failure);
    case 'u':
        return code(reader, failure);
    case 'r':
    case 'n':
    case 't':
    case 'f':
        return copy(reader, 2, failure);
    default:
        return ispunct((unsigned char)letter) ? copy(reader, 2, failure)
                                              : not_understood(reader, 2, failure);
    }
}

static bool open_set(struct reader *reader, struct failure *failure)
{
    reader->in_set = true;
    if (!copy(reader, starts(reader, "[^") ? 2 : 1, failure))
        return false;
    return !starts(reader, "]") || not_understood(reader, 1, failure);
}

static bool in_set(struct reader *reader, struct failure *failure)
{
    if (starts(reader, "[") || starts(reader, "&&"))
        return not_understood(reader, 2, failure);
    reader->in_set = !starts(reader, "]");
    return copy(reader, 1, failure);
}

static bool group(struct reader *reader, struct failure *failure)
{
    static const char *const known[] = {"(?:", "(?i:", "(?i)", "(?!", "(?=", "(?>"};

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (starts(reader, known[i]))
            return copy(reader, strlen(known[i]), failure);
    return starts(reader, "(?") || starts(reader, "(*") ? not_understood(reader, 4, failure)
                                                        : copy(reader, 1, failure);
}

/* {n}, {n,} or {n,m} */
static bool interval(struct reader *reader, struct failure *failure)
{
    size_t at = reader->at + 1;

    if (at >= reader->size || !isdigit((unsigned char)reader->text[at]))
        return not_understood(reader, 2, failure);
    while (at < reader->size &&
           (isdigit((unsigned char)reader->text[at]) || reader->text[at] == ','))
        at++;
    if (at >= reader->size || reader->text[at] != '}' ||
        (at + 1 < reader->size && reader->text[at + 1] == '+'))
        return not_understood(reader, at + 2 - reader->at, failure);
    return copy(reader, at + 1 - reader->at, failure);
}

static bool step(struct reader *reader, struct failure *failure)
{
    switch (reader->text[reader->at]) {
    case '\\':
        return escape(reader, failure);
    case '\0':
        return not_understood(reader, 1, failure);
    default:
        break;
    }
    if (reader->in_set)
        return in_set(reader, failure);
    switch (reader->text[reader->at]) {
    case '[':
        return open_set(reader, failure);
    case '(':
        return group(reader, failure);
    case '{':
        return interval(reader, failure);
    case '^':
    case '$':
        return not_understood(reader, 1, failure);
    default:
        return copy(reader, 1, failure);
    }
}

bool dialect_translate(struct bytes *out, const char *text, size_t size, struct failure *failure)
{
    struct reader reader = {.text = text, .size = size, .out = out};

    while (reader.at < reader.size)
        if (!step(&reader, failure))
            return false;
    return true;
}
