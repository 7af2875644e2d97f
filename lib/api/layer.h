/* SPDX-License-Identifier: MIT */
/* How the library itself makes layers. */
#ifndef WSIC_API_LAYER_H
#define WSIC_API_LAYER_H

#include "format/bytes.h"
#include "watersic/layer.h"

/* Make a layer that takes over the buffer, which must come from the same context: *bytes
 * is empty after success and unchanged after failure. Messages go to the context. */
wsic_status wsic_layer_from_bytes(wsic_context *context, wsic_bytes *bytes, wsic_layer **out);

#endif
