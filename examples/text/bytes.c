/* SPDX-License-Identifier: MIT */
#include "text/bytes.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static bool make_room(struct bytes *bytes, size_t size, struct failure *failure)
{
    size_t room = bytes->room > 0 ? bytes->room : 256;

    if (size > SIZE_MAX / 4 - bytes->size)
        return refuse(failure, "out of memory for %zu bytes of text", size);
    while (room < bytes->size + size)
        room *= 2;
    char *const data = realloc(bytes->data, room);
    if (!data)
        return refuse(failure, "out of memory for %zu bytes of text", room);
    bytes->data = data;
    bytes->room = room;
    return true;
}

bool bytes_add(struct bytes *bytes, const void *data, size_t size, struct failure *failure)
{
    if (size == 0)
        return true;
    if (size > bytes->room - bytes->size && !make_room(bytes, size, failure))
        return false;
    memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
    return true;
}

void bytes_drop(struct bytes *bytes, size_t size)
{
    if (size == 0)
        return;
    memmove(bytes->data, bytes->data + size, bytes->size - size);
    bytes->size -= size;
}

void bytes_free(struct bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct bytes){.size = 0};
}
