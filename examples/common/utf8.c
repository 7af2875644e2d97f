/* SPDX-License-Identifier: MIT */
#include "common/utf8.h"

#include <stdlib.h>
#include <string.h>

static bool between(unsigned char byte, unsigned low, unsigned high)
{
    return byte >= low && byte <= high;
}

/* The length that a first byte announces; 0 for a byte that begins no character. */
static size_t announced(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (between(first, 0xc2, 0xdf))
        return 2;
    if (between(first, 0xe0, 0xef))
        return 3;
    return between(first, 0xf0, 0xf4) ? 4 : 0;
}

/* The second byte keeps out long forms, surrogates, and what is above U+10FFFF. */
static bool is_second(unsigned char first, unsigned char second)
{
    const unsigned low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    const unsigned high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;

    return between(second, low, high);
}

enum utf8_kind utf8_look(const char *text, size_t size, size_t *length)
{
    const unsigned char *const bytes = (const unsigned char *)text;
    const size_t whole = announced(bytes[0]);

    *length = 1;
    if (whole == 0)
        return UTF8_BROKEN;
    while (*length < whole) {
        if (*length == size)
            return UTF8_UNFINISHED;
        const unsigned char byte = bytes[*length];
        if (*length == 1 ? !is_second(bytes[0], byte) : !between(byte, 0x80, 0xbf))
            return UTF8_BROKEN;
        ++*length;
    }
    return UTF8_CHARACTER;
}

uint32_t utf8_read(const char *text, size_t *length)
{
    const unsigned char *const bytes = (const unsigned char *)text;

    *length = announced(bytes[0]);
    if (*length <= 1) {
        *length = 1;
        return bytes[0];
    }
    uint32_t character = bytes[0] & (0x7fu >> *length);
    for (size_t i = 1; i < *length; i++)
        character = character << 6 | (bytes[i] & 0x3fu);
    return character;
}

char *utf8_repaired(const char *text, size_t size, size_t *repaired_size)
{
    static const char replacement[3] = "\xef\xbf\xbd";
    char *const repaired = malloc(sizeof replacement * size + 1);
    size_t length, written = 0;

    for (size_t at = 0; repaired && at < size; at += length) {
        const bool good = utf8_look(text + at, size - at, &length) == UTF8_CHARACTER;
        const size_t bytes = good ? length : sizeof replacement;
        memcpy(repaired + written, good ? text + at : replacement, bytes);
        written += bytes;
    }
    if (repaired)
        repaired[written] = '\0';
    *repaired_size = written;
    return repaired;
}

bool utf8_is_space(uint32_t character)
{
    return (character >= 0x09 && character <= 0x0d) || character == 0x20 || character == 0x85 ||
           character == 0xa0 || character == 0x1680 ||
           (character >= 0x2000 && character <= 0x200a) || character == 0x2028 ||
           character == 0x2029 || character == 0x202f || character == 0x205f || character == 0x3000;
}

size_t utf8_spaces_before(const char *text, size_t size)
{
    size_t at = 0;
    size_t length;

    while (at < size && utf8_is_space(utf8_read(text + at, &length)))
        at += length;
    return at;
}

size_t utf8_spaces_after(const char *text, size_t size)
{
    size_t at = size;
    size_t length;

    while (at > 0) {
        size_t before = at - 1;
        while (before > 0 && ((unsigned char)text[before] & 0xc0) == 0x80)
            before--;
        if (!utf8_is_space(utf8_read(text + before, &length)))
            break;
        at = before;
    }
    return size - at;
}
