/* SPDX-License-Identifier: MIT */
/* Writing and reading little-endian bytes. Both remember that something went
 * wrong, so that a run of calls needs one check at its end. */
#ifndef WSIC_BASE_BYTES_H
#define WSIC_BASE_BYTES_H

#include "base/env.h"

/* A growing buffer. */
typedef struct wsic_bytes {
    const wsic_env *env;
    uint8_t *data;
    size_t size;
    size_t capacity;
    wsic_status status; /* first failure; later calls do nothing */
} wsic_bytes;

void wsic_bytes_init(wsic_bytes *bytes, const wsic_env *env);
void wsic_bytes_release(wsic_bytes *bytes);

/* Append count bytes and return where they start, to be filled by the caller;
 * NULL after a failure. The pointer lives until the next append. */
uint8_t *wsic_bytes_extend(wsic_bytes *bytes, size_t count);
void wsic_bytes_append(wsic_bytes *bytes, const void *data, size_t count);
void wsic_put_u8(wsic_bytes *bytes, uint8_t value);
void wsic_put_u16(wsic_bytes *bytes, uint16_t value);
void wsic_put_u32(wsic_bytes *bytes, uint32_t value);
void wsic_put_u64(wsic_bytes *bytes, uint64_t value);
void wsic_put_f64(wsic_bytes *bytes, double value);
/* Seven bits a byte, least significant first, top bit set on all but the last. */
void wsic_put_varint(wsic_bytes *bytes, uint64_t value);
/* Small magnitudes of either sign in few bytes: 0, -1, 1, -2, ... as 0, 1, 2, 3. */
void wsic_put_signed(wsic_bytes *bytes, int64_t value);

/* Number of bytes that wsic_put_varint() writes. */
size_t wsic_varint_size(uint64_t value);

/* A view of bytes that is read front to back. Reading past the end returns zeros
 * and sets failed, as does a varint of more than 64 bits. */
typedef struct wsic_cursor {
    const uint8_t *data;
    size_t size;
    size_t position;
    bool failed;
} wsic_cursor;

wsic_cursor wsic_cursor_make(const void *data, size_t size);
size_t wsic_cursor_left(const wsic_cursor *cursor);
/* The next count bytes, or NULL (and failed) if there are not as many. */
const uint8_t *wsic_take(wsic_cursor *cursor, size_t count);
uint8_t wsic_get_u8(wsic_cursor *cursor);
uint32_t wsic_get_u32(wsic_cursor *cursor);
uint64_t wsic_get_u64(wsic_cursor *cursor);
double wsic_get_f64(wsic_cursor *cursor);
uint64_t wsic_get_varint(wsic_cursor *cursor);
int64_t wsic_get_signed(wsic_cursor *cursor);

#endif
