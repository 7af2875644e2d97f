/* SPDX-License-Identifier: MIT */
#include "text/byte_level.h"

#include <stdint.h>

#include "common/utf8.h"

static bool is_visible(uint32_t byte)
{
    return (byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte <= 0xac) ||
           (byte >= 0xae && byte <= 0xff);
}

/* The byte that a character stands for; -1 for none. */
static int find_byte(uint32_t character)
{
    if (character <= 0xff)
        return is_visible(character) ? (int)character : -1;
    uint32_t next = 0x100;
    for (int byte = 0; byte <= 0xff; byte++)
        if (!is_visible((uint32_t)byte) && next++ == character)
            return byte;
    return -1;
}

bool byte_level_add(struct bytes *bytes, const char *text, size_t size, struct failure *failure)
{
    const size_t before = bytes->size;
    size_t length;

    for (size_t at = 0; at < size; at += length) {
        const int byte = find_byte(utf8_read(text + at, &length));
        const char value = (char)byte;
        if (byte < 0 || !bytes_add(bytes, &value, 1, failure)) {
            bytes->size = before;
            return false;
        }
    }
    return true;
}
