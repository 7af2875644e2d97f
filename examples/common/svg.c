/* SPDX-License-Identifier: MIT */
#include "common/svg.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/utf8.h"

/* XML forbids control characters but tabs and ends of lines, and the last two of every plane. */
static bool is_allowed(uint32_t character)
{
    return (character >= 0x20 || character == '\t' || character == '\n') &&
           !(character >= 0x7f && character < 0xa0) && (character & 0xfffe) != 0xfffe;
}

/* Bytes of the character that begins here; 0 if it cannot be written. Other bytes are tested one by
 * one. */
static size_t character_length(const char *text, size_t size)
{
    size_t length;

    if (utf8_look(text, size, &length) != UTF8_CHARACTER)
        return 0;
    return is_allowed(utf8_read(text, &length)) ? length : 0;
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
    size_t left = strlen(text);

    while (left > 0) {
        const char *const entity = find_entity(*text);
        const size_t length = character_length(text, left);
        if (entity)
            fputs(entity, file);
        else if (length == 0)
            fputs("\xef\xbf\xbd", file);
        else
            fwrite(text, 1, length, file);
        text += length == 0 ? 1 : length;
        left -= length == 0 ? 1 : length;
    }
}

void svg_text(FILE *file, double x, double y, const char *attributes, const char *text)
{
    fprintf(file, "<text x=\"%.1f\" y=\"%.1f\" %s>", x, y, attributes);
    svg_escape(file, text);
    fputs("</text>\n", file);
}
