/* SPDX-License-Identifier: MIT */
#include "format/archive_format.h"

#include "format/checksum.h"

size_t wsic_record_head_size(const wsic_record_head *head)
{
    return 1 + wsic_varint_size(head->name_size) + head->name_size +
           wsic_varint_size(head->payload_size);
}

uint64_t wsic_record_size(const wsic_record_head *head)
{
    return wsic_record_head_size(head) + head->payload_size + WSIC_CHECKSUM_SIZE;
}

void wsic_put_record_head(wsic_bytes *bytes, const wsic_record_head *head)
{
    wsic_put_u8(bytes, (uint8_t)head->type);
    wsic_put_varint(bytes, head->name_size);
    wsic_bytes_append(bytes, head->name, head->name_size);
    wsic_put_varint(bytes, head->payload_size);
}

bool wsic_get_record_head(wsic_cursor *cursor, wsic_record_head *head)
{
    const size_t start = cursor->position;

    head->type = wsic_get_u8(cursor);
    const uint64_t name_size = wsic_get_varint(cursor);
    if (name_size > wsic_cursor_left(cursor))
        return false;
    head->name_size = (size_t)name_size;
    head->name = (const char *)wsic_take(cursor, head->name_size);
    head->payload_size = wsic_get_varint(cursor);
    return !cursor->failed && cursor->position - start == wsic_record_head_size(head);
}

/* --- text ---------------------------------------------------------------- */

/* Length and least code point of the sequence that a lead byte begins; 0 if none. */
static size_t sequence_length(uint8_t lead, uint32_t *point, uint32_t *least)
{
    if (lead < 0x80) {
        *point = lead;
        *least = 1;
        return 1;
    }
    if (lead >> 5 == 0x6) {
        *point = lead & 0x1FU;
        *least = 0x80;
        return 2;
    }
    if (lead >> 4 == 0xE) {
        *point = lead & 0xFU;
        *least = 0x800;
        return 3;
    }
    if (lead >> 3 == 0x1E) {
        *point = lead & 0x7U;
        *least = 0x10000;
        return 4;
    }
    return 0;
}

bool wsic_is_text(const char *text, size_t size)
{
    const uint8_t *const bytes = (const uint8_t *)text;

    for (size_t i = 0; i < size;) {
        uint32_t point = 0, least = 0;
        const size_t length = sequence_length(bytes[i], &point, &least);
        if (length == 0 || length > size - i)
            return false;
        for (size_t k = 1; k < length; k++) {
            if (bytes[i + k] >> 6 != 0x2)
                return false;
            point = point << 6 | (bytes[i + k] & 0x3FU);
        }
        if (point < least || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF))
            return false;
        i += length;
    }
    return true;
}

bool wsic_record_is_named(const wsic_record_head *head)
{
    const size_t longest =
        head->type == WSIC_RECORD_LAYER ? WSIC_ARCHIVE_NAME_MAX : WSIC_ARCHIVE_KEY_MAX;

    return head->name_size != 0 && head->name_size <= longest &&
           wsic_is_text(head->name, head->name_size);
}
