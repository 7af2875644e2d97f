/* SPDX-License-Identifier: MIT */
#include "llm/text/piece.h"

#include <inttypes.h>
#include <string.h>

#include "common/utf8.h"

static void print_byte(FILE *stream, char byte)
{
    static const char plain[] = "\n\t\r\"\\";
    static const char letters[] = "ntr\"\\";
    const char *const known = byte != '\0' ? strchr(plain, byte) : NULL;

    if (known)
        fprintf(stream, "\\%c", letters[known - plain]);
    else
        fprintf(stream, "\\x%02X", (unsigned char)byte);
}

static bool is_plain(const char *text, size_t length, enum utf8_kind kind)
{
    return kind == UTF8_CHARACTER &&
           (length > 1 || (*text >= ' ' && *text != '\x7f' && *text != '"' && *text != '\\'));
}

void piece_print(FILE *stream, const struct tokenizer *tokenizer, uint32_t token)
{
    size_t size = 0;
    size_t length;
    const char *const text = tokenizer_piece(tokenizer, token, &size);

    fprintf(stream, "%" PRIu32 "\t\"", token);
    for (size_t at = 0; at < size; at += length) {
        const enum utf8_kind kind = utf8_look(text + at, size - at, &length);
        if (is_plain(text + at, length, kind))
            fwrite(text + at, 1, length, stream);
        else
            for (size_t i = 0; i < length; i++)
                print_byte(stream, text[at + i]);
    }
    fputs("\"\n", stream);
}
