/* SPDX-License-Identifier: MIT */
/* The layer handle, and how the library itself makes one. */
#ifndef WSIC_API_LAYER_H
#define WSIC_API_LAYER_H

#include "api/context.h"
#include "format/bytes.h"
#include "format/layer_format.h"
#include "watersic/layer.h"

struct wsic_layer {
    wsic_handle handle;
    uint8_t *bytes;
    size_t size;
    wsic_layer_content content; /* borrows bytes */
};

/* Make a layer that takes over the buffer, which must come from the same context: *bytes
 * is empty after success and unchanged after failure. Messages go to the context. */
wsic_status wsic_layer_from_bytes(wsic_context *context, wsic_bytes *bytes, wsic_layer **out);

/* Bytes that a reader of codes holds. */
size_t wsic_code_reader_memory(const wsic_code_reader *reader);

#endif
