/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"

#include <string.h>

#include "base/checked.h"

void wsic_bytes_init(wsic_bytes *bytes, const wsic_env *env)
{
    *bytes = (wsic_bytes){.env = env, .status = WSIC_OK};
}

void wsic_bytes_release(wsic_bytes *bytes)
{
    wsic_free(bytes->env, bytes->data);
    wsic_bytes_init(bytes, bytes->env);
}

static bool grow(wsic_bytes *bytes, size_t needed)
{
    /* By half, so that appending is linear and little is wasted; never less
     * than a small header's worth. */
    const size_t half_more = bytes->capacity + bytes->capacity / 2;
    const size_t capacity = wsic_max_size(wsic_max_size(needed, half_more), 256);
    uint8_t *const data = wsic_alloc(bytes->env, capacity, 1, &bytes->status);

    if (!data)
        return false;
    if (bytes->size != 0)
        memcpy(data, bytes->data, bytes->size);
    wsic_free(bytes->env, bytes->data);
    bytes->data = data;
    bytes->capacity = capacity;
    return true;
}

uint8_t *wsic_bytes_extend(wsic_bytes *bytes, size_t count)
{
    size_t needed;

    if (bytes->status != WSIC_OK)
        return NULL;
    if (!wsic_add_size(bytes->size, count, &needed)) {
        bytes->status = wsic_fail(bytes->env, WSIC_ERROR_TOO_LARGE,
                                  "%zu bytes after %zu do not fit the address space", count,
                                  bytes->size);
        return NULL;
    }
    if ((!bytes->data || needed > bytes->capacity) && !grow(bytes, needed))
        return NULL;
    uint8_t *const start = bytes->data + bytes->size;
    bytes->size = needed;
    return start;
}

void wsic_bytes_append(wsic_bytes *bytes, const void *data, size_t count)
{
    uint8_t *const start = wsic_bytes_extend(bytes, count);
    if (start && count != 0)
        memcpy(start, data, count);
}

static void put(wsic_bytes *bytes, uint64_t value, size_t count)
{
    uint8_t *const start = wsic_bytes_extend(bytes, count);

    if (!start)
        return;
    for (size_t i = 0; i < count; i++)
        start[i] = (uint8_t)(value >> 8 * i);
}

void wsic_put_u8(wsic_bytes *bytes, uint8_t value)
{
    put(bytes, value, 1);
}

void wsic_put_u16(wsic_bytes *bytes, uint16_t value)
{
    put(bytes, value, 2);
}

void wsic_put_u32(wsic_bytes *bytes, uint32_t value)
{
    put(bytes, value, 4);
}

void wsic_put_u64(wsic_bytes *bytes, uint64_t value)
{
    put(bytes, value, 8);
}

void wsic_put_f64(wsic_bytes *bytes, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put(bytes, bits, 8);
}

void wsic_put_varint(wsic_bytes *bytes, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        put(bytes, value | 0x80, 1);
    put(bytes, value, 1);
}

void wsic_put_signed(wsic_bytes *bytes, int64_t value)
{
    const uint64_t magnitude = value < 0 ? ~(uint64_t)value : (uint64_t)value;
    wsic_put_varint(bytes, magnitude << 1 | (value < 0));
}

size_t wsic_varint_size(uint64_t value)
{
    size_t size = 1;
    for (; value >= 0x80; value >>= 7)
        size++;
    return size;
}

wsic_cursor wsic_cursor_make(const void *data, size_t size)
{
    return (wsic_cursor){.data = data, .size = size, .position = 0, .failed = false};
}

size_t wsic_cursor_left(const wsic_cursor *cursor)
{
    return cursor->size - cursor->position;
}

const uint8_t *wsic_take(wsic_cursor *cursor, size_t count)
{
    if (cursor->failed || count > wsic_cursor_left(cursor)) {
        cursor->failed = true;
        return NULL;
    }
    const uint8_t *const start = cursor->data + cursor->position;
    cursor->position += count;
    return start;
}

static uint64_t get(wsic_cursor *cursor, size_t count)
{
    const uint8_t *const start = wsic_take(cursor, count);
    uint64_t value = 0;

    if (!start)
        return 0;
    for (size_t i = 0; i < count; i++)
        value |= (uint64_t)start[i] << 8 * i;
    return value;
}

uint8_t wsic_get_u8(wsic_cursor *cursor)
{
    return (uint8_t)get(cursor, 1);
}

uint32_t wsic_get_u32(wsic_cursor *cursor)
{
    return (uint32_t)get(cursor, 4);
}

uint64_t wsic_get_u64(wsic_cursor *cursor)
{
    return get(cursor, 8);
}

double wsic_get_f64(wsic_cursor *cursor)
{
    const uint64_t bits = get(cursor, 8);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

uint64_t wsic_get_varint(wsic_cursor *cursor)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        const uint64_t byte = get(cursor, 1);
        if (shift == 63 && byte > 1)
            break;
        value |= (byte & 0x7F) << shift;
        if (byte < 0x80)
            return value;
    }
    cursor->failed = true;
    return 0;
}

int64_t wsic_get_signed(wsic_cursor *cursor)
{
    const uint64_t value = wsic_get_varint(cursor);
    const int64_t magnitude = (int64_t)(value >> 1);
    return value & 1 ? ~magnitude : magnitude;
}
