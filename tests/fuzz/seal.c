/* SPDX-License-Identifier: MIT */
/* Checksums of docs/format.md, put where they belong. What cannot be followed is left as it is. */
#include <string.h>

#include "base/checksum.h"
#include "fuzz/fuzz.h"

enum { HEADER = 12, FOOTER = 32, TYPE_LAYER = 1, TYPE_INDEX = 3 };

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

static bool read_varint(const uint8_t *bytes, size_t size, size_t *position, size_t *value)
{
    *value = 0;
    for (unsigned shift = 0; *position < size && shift < 32; shift += 7) {
        const uint8_t byte = bytes[(*position)++];
        *value |= (size_t)(byte & 0x7F) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

/* Seal the record at *position and move behind it; false where none can be found. */
static bool seal_record(uint8_t *bytes, size_t size, size_t alignment, size_t *position)
{
    const size_t start = *position;
    size_t at = start + 1, name, payload;

    if (start >= size || !read_varint(bytes, size, &at, &name) || name > size - at)
        return false;
    at += name;
    if (!read_varint(bytes, size, &at, &payload))
        return false;
    if (bytes[start] == TYPE_LAYER)
        at = (at + alignment - 1) / alignment * alignment;
    if (at > size || payload > size - at || size - at - payload < WSIC_CHECKSUM_SIZE)
        return false;
    if (bytes[start] == TYPE_LAYER)
        fuzz_seal(bytes + at, payload);
    put_checksum(bytes + start, at + payload - start);
    *position = at + payload + WSIC_CHECKSUM_SIZE;
    return bytes[start] != TYPE_INDEX;
}

void fuzz_seal_archive(uint8_t *bytes, size_t size)
{
    size_t position = HEADER;

    if (size < HEADER + FOOTER)
        return;
    const size_t alignment = (size_t)1 << (bytes[10] & 31);
    while (seal_record(bytes, size - FOOTER, alignment, &position)) {
    }
    put_checksum(bytes + size - FOOTER, 16);
}
