/* SPDX-License-Identifier: MIT */
#include "common/svg.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static bool is_continuation(unsigned char byte)
{
    return byte >> 6 == 2;
}

/* What a character of so many bytes stands for, if all of them are there. */
static uint32_t read_character(const unsigned char *text, size_t length)
{
    uint32_t character = text[0] & (length == 1 ? 0x7f : 0xff >> (length + 1));

    for (size_t i = 1; i < length; i++) {
        if (!is_continuation(text[i]))
            return UINT32_MAX;
        character = character << 6 | (text[i] & 0x3f);
    }
    return character;
}

/* Shortest forms alone, no surrogates, and no characters that XML forbids. */
static bool is_valid(uint32_t character, size_t length)
{
    static const uint32_t least[] = {0, 0x20, 0xa0, 0x800, 0x10000};

    return character >= least[length] && character != 0x7f && character <= 0x10ffff &&
           !(character >= 0xd800 && character <= 0xdfff) && (character & 0xfffe) != 0xfffe;
}

/* Bytes of the character that begins here; 0 if it cannot be written. */
static size_t character_length(const char *text)
{
    const unsigned char first = (unsigned char)*text;
    const size_t length = first < 0x80 ? 1 : first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3 : 4;

    if (length == 4 && first >> 3 != 30)
        return 0;
    return is_valid(read_character((const unsigned char *)text, length), length) ? length : 0;
}

static const char *find_entity(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void svg_escape(FILE *file, const char *text)
{
    while (*text != '\0') {
        const char *const entity = find_entity(*text);
        const size_t length = character_length(text);
        if (entity)
            fputs(entity, file);
        else if (length == 0)
            fputs("\xef\xbf\xbd", file);
        else
            fwrite(text, 1, length, file);
        text += length == 0 ? 1 : length;
    }
}

void svg_text(FILE *file, double x, double y, const char *attributes, const char *text)
{
    fprintf(file, "<text x=\"%.1f\" y=\"%.1f\" %s>", x, y, attributes);
    svg_escape(file, text);
    fputs("</text>\n", file);
}
