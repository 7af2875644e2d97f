/* SPDX-License-Identifier: MIT */
/* Checksums of docs/format.md, put where they belong. What cannot be followed is left as it is. */
#include "base/checksum.h"
#include "format/archive_format.h"
#include "fuzz/fuzz.h"

enum { FOOTER_COVERED = 16 }; /* bytes of the footer before its checksum */

static void put_checksum(uint8_t *bytes, size_t size)
{
    const uint64_t checksum = wsic_checksum_of(bytes, size);

    for (size_t i = 0; i < WSIC_CHECKSUM_SIZE; i++)
        bytes[size + i] = (uint8_t)(checksum >> 8 * i);
}

void fuzz_seal(uint8_t *bytes, size_t size)
{
    if (size >= WSIC_CHECKSUM_SIZE)
        put_checksum(bytes, size - WSIC_CHECKSUM_SIZE);
}

/* Seal the record at place->offset and move behind it. False after the index, and where no record
 * can be found. */
static bool seal_record(uint8_t *bytes, size_t size, wsic_record_place *place)
{
    const size_t start = (size_t)place->offset;
    wsic_cursor cursor = wsic_cursor_make(bytes + start, size - start);
    wsic_record_head head;

    if (!wsic_get_record_head(&cursor, &head) || head.payload_size > size)
        return false;
    const uint64_t end = wsic_record_end(&head, *place);
    if (end > size)
        return false;
    if (head.type == WSIC_RECORD_LAYER)
        fuzz_seal(bytes + wsic_record_payload(&head, *place), (size_t)head.payload_size);
    put_checksum(bytes + start, (size_t)end - WSIC_CHECKSUM_SIZE - start);
    place->offset = end;
    return head.type != WSIC_RECORD_INDEX;
}

void fuzz_seal_archive(uint8_t *bytes, size_t size)
{
    wsic_record_place place = {WSIC_ARCHIVE_HEADER_SIZE, 0};

    if (size < WSIC_ARCHIVE_HEADER_SIZE + WSIC_ARCHIVE_FOOTER_SIZE)
        return;
    place.alignment = (uint64_t)1 << (bytes[10] & 31); /* of the header: its logarithm */
    while (seal_record(bytes, size - WSIC_ARCHIVE_FOOTER_SIZE, &place)) {
    }
    put_checksum(bytes + size - WSIC_ARCHIVE_FOOTER_SIZE, FOOTER_COVERED);
}
