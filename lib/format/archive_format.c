/* SPDX-License-Identifier: MIT */
#include "format/archive_format.h"

#include <string.h>

#include "base/checksum.h"

/* --- header -------------------------------------------------------------- */

enum { VERSION_AT = WSIC_ARCHIVE_MAGIC_SIZE, ALIGNMENT_AT = 10, FLAGS_AT = 11 };

void wsic_put_archive_header(uint8_t header[WSIC_ARCHIVE_HEADER_SIZE], uint64_t alignment)
{
    memset(header, 0, WSIC_ARCHIVE_HEADER_SIZE);
    memcpy(header, WSIC_ARCHIVE_MAGIC, WSIC_ARCHIVE_MAGIC_SIZE);
    header[VERSION_AT] = WSIC_ARCHIVE_VERSION;
    for (; alignment > 1; alignment >>= 1)
        header[ALIGNMENT_AT]++;
}

static wsic_status check_version(const wsic_env *env, unsigned version, const char *path)
{
    const char *const colon = *path ? ": " : "";

    if (version == WSIC_ARCHIVE_VERSION)
        return WSIC_OK;
    if (version == 0)
        return wsic_fail(env, WSIC_ERROR_FORMAT, "an archive cannot be of version 0%s%s", colon,
                         path);
    return wsic_fail(env, WSIC_ERROR_VERSION,
                     "an archive of version %u, where this library knows version %d only%s%s%s",
                     version, WSIC_ARCHIVE_VERSION,
                     version < WSIC_ARCHIVE_VERSION ? ": quantize the weights anew" : "", colon,
                     path);
}

wsic_status wsic_check_archive_header(const wsic_env *env, const uint8_t *bytes, size_t size,
                                      const char *path, uint64_t *alignment)
{
    const char *const colon = path ? ": " : "";
    const char *const name = path ? path : "";
    uint8_t header[WSIC_ARCHIVE_HEADER_SIZE];

    /* What is not there is what it would be. */
    wsic_put_archive_header(header, WSIC_ARCHIVE_ALIGNMENT_MIN);
    memcpy(header, bytes, size);
    if (memcmp(header, WSIC_ARCHIVE_MAGIC, WSIC_ARCHIVE_MAGIC_SIZE) != 0)
        return wsic_fail(env, WSIC_ERROR_FORMAT, "not an archive: the magic is missing%s%s", colon,
                         name);
    const wsic_status status =
        check_version(env, header[VERSION_AT] | (unsigned)header[VERSION_AT + 1] << 8, name);
    if (status != WSIC_OK)
        return status;
    if (header[FLAGS_AT] != 0)
        return wsic_fail(env, WSIC_ERROR_VERSION,
                         "an archive with flags %#x, where this version knows none%s%s",
                         header[FLAGS_AT], colon, name);
    *alignment = header[ALIGNMENT_AT] < 64 ? (uint64_t)1 << header[ALIGNMENT_AT] : 0;
    if (*alignment < WSIC_ARCHIVE_ALIGNMENT_MIN || *alignment > WSIC_ARCHIVE_ALIGNMENT_MAX)
        return wsic_fail(env, WSIC_ERROR_FORMAT,
                         "layers aligned to 2^%u bytes, where 2^6 to 2^16 are possible%s%s",
                         header[ALIGNMENT_AT], colon, name);
    return WSIC_OK;
}

/* --- records ------------------------------------------------------------- */

size_t wsic_record_head_size(const wsic_record_head *head)
{
    return 1 + wsic_varint_size(head->name_size) + head->name_size +
           wsic_varint_size(head->payload_size);
}

uint64_t wsic_record_payload(const wsic_record_head *head, wsic_record_place place)
{
    const uint64_t after_head = place.offset + wsic_record_head_size(head);
    const uint64_t alignment = head->type == WSIC_RECORD_LAYER ? place.alignment : 1;

    return (after_head + alignment - 1) & ~(alignment - 1);
}

uint64_t wsic_record_end(const wsic_record_head *head, wsic_record_place place)
{
    return wsic_record_payload(head, place) + head->payload_size + WSIC_CHECKSUM_SIZE;
}

void wsic_put_record_head(wsic_bytes *bytes, const wsic_record_head *head)
{
    wsic_put_u8(bytes, (uint8_t)head->type);
    wsic_put_varint(bytes, head->name_size);
    wsic_bytes_append(bytes, head->name, head->name_size);
    wsic_put_varint(bytes, head->payload_size);
}

void wsic_put_record_front(wsic_bytes *bytes, const wsic_record_head *head, wsic_record_place place)
{
    const uint64_t size = wsic_record_payload(head, place) - place.offset;
    const size_t padding = (size_t)(size - wsic_record_head_size(head));

    wsic_put_record_head(bytes, head);
    uint8_t *const zeros = wsic_bytes_extend(bytes, padding);
    if (zeros)
        memset(zeros, 0, padding);
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
