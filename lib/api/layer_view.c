/* SPDX-License-Identifier: MIT */
/* Layers on bytes that others keep. */
#include "api/layer.h"

wsic_status wsic_layer_on_bytes(wsic_context *context, const wsic_env *env, const void *bytes,
                                size_t size, wsic_layer_keeper keeper, wsic_layer **out)
{
    wsic_status status;

    wsic_layer *const layer = wsic_handle_create_telling(context, env, sizeof *layer, &status);
    if (!layer)
        return status;
    status = wsic_layer_format_read(env, bytes, size, &layer->content);
    if (status != WSIC_OK) {
        wsic_handle_destroy(layer);
        return status;
    }
    layer->bytes = bytes;
    layer->size = size;
    layer->keeper = keeper;
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): wsic_check_creation() refuses NULL */
    *out = layer;
    return WSIC_OK;
}

wsic_status wsic_layer_create_view(wsic_context *context, const void *bytes, size_t size,
                                   wsic_layer **out)
{
    if (out)
        *out = NULL;
    const wsic_status status = wsic_check_creation(context, "bytes", bytes, out);
    if (status != WSIC_OK)
        return status;
    const wsic_env env = wsic_context_env(context);
    return wsic_layer_on_bytes(context, &env, bytes, size, (wsic_layer_keeper){NULL, NULL}, out);
}
