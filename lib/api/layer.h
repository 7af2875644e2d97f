/* SPDX-License-Identifier: MIT */
/* The layer handle, and how the library itself makes one. */
#ifndef WSIC_API_LAYER_H
#define WSIC_API_LAYER_H

#include "api/context.h"
#include "base/bytes.h"
#include "format/layer_format.h"
#include "watersic/layer.h"

/* What keeps the bytes of a layer, to be released after it; release is NULL where the caller
 * keeps them. */
typedef struct wsic_layer_keeper {
    void (*release)(const wsic_env *env, void *owner);
    void *owner;
} wsic_layer_keeper;

struct wsic_layer {
    wsic_handle handle;
    const uint8_t *bytes;
    size_t size;
    wsic_layer_keeper keeper;   /* of bytes */
    wsic_layer_content content; /* borrows bytes */
};

/* Make a layer on bytes without copying them; the keeper is taken over on success only. Messages
 * go where env says. */
wsic_status wsic_layer_on_bytes(wsic_context *context, const wsic_env *env, const void *bytes,
                                size_t size, wsic_layer_keeper keeper, wsic_layer **out);

/* Make a layer that takes over the buffer, which must come from the same context: *bytes
 * is empty after success and unchanged after failure. Messages go to the context. */
wsic_status wsic_layer_from_bytes(wsic_context *context, wsic_bytes *bytes, wsic_layer **out);

#endif
