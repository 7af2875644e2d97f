/* SPDX-License-Identifier: MIT */
#include "api/archive.h"

struct wsic_archive {
    wsic_handle handle;
    atomic_size_t references; /* the caller's and one for each layer that borrows */
    wsic_archive_input input;
};

/* Takes over the source. */
static wsic_status open_source(wsic_context *context, wsic_source source, wsic_archive **out)
{
    const wsic_env env = wsic_context_env(context);
    wsic_status status;

    wsic_archive *const archive = wsic_handle_create(context, sizeof *archive, &status);
    if (!archive) {
        wsic_source_close(&source);
        return status;
    }
    status = wsic_archive_input_open(&env, source, &archive->input);
    if (status != WSIC_OK) {
        wsic_handle_destroy(archive);
        return status;
    }
    atomic_init(&archive->references, 1);
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): wsic_check_creation() refuses NULL */
    *out = archive;
    return WSIC_OK;
}

wsic_status wsic_archive_open(wsic_context *context, const char *path, wsic_archive **out)
{
    wsic_source source;

    if (out)
        *out = NULL;
    wsic_status status = wsic_check_creation(context, "path", path, out);
    if (status != WSIC_OK)
        return status;
    const wsic_env env = wsic_context_env(context);
    status = wsic_source_open(&env, path, &source);
    if (status != WSIC_OK)
        return status;
    wsic_source_map(&source);
    return open_source(context, source, out);
}

wsic_status wsic_archive_open_memory(wsic_context *context, const void *bytes, size_t size,
                                     wsic_archive **out)
{
    if (out)
        *out = NULL;
    const wsic_status status = wsic_check_creation(context, "bytes", bytes, out);
    if (status != WSIC_OK)
        return status;
    return open_source(context, wsic_source_memory(bytes, size), out);
}

/* As the keeper of a layer, whose env is not needed. */
static void release_reference(const wsic_env *env, void *owner)
{
    wsic_archive *const archive = owner;

    (void)env;
    if (atomic_fetch_sub(&archive->references, 1) != 1)
        return;
    wsic_archive_input_close(&archive->handle.env, &archive->input);
    wsic_handle_destroy(archive);
}

void wsic_archive_close(wsic_archive *archive)
{
    if (archive)
        release_reference(NULL, archive);
}

const char *wsic_archive_message(const wsic_archive *archive)
{
    return wsic_handle_message(archive);
}

uint64_t wsic_archive_size(const wsic_archive *archive)
{
    return archive->input.source.size;
}

size_t wsic_archive_count(const wsic_archive *archive)
{
    return archive->input.layers.count;
}

static const char *name_of(const wsic_archive_list *list, size_t index)
{
    return index < list->count ? list->items[index].name : NULL;
}

const char *wsic_archive_name(const wsic_archive *archive, size_t index)
{
    return name_of(&archive->input.layers, index);
}

wsic_status wsic_archive_find(const wsic_archive *archive, const char *name, size_t *index)
{
    if (!archive)
        return WSIC_ERROR_ARGUMENT;
    const wsic_env *const env = &archive->handle.env;
    const wsic_archive_list *const layers = &archive->input.layers;

    if (!name || !index)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "%s is NULL", name ? "index" : "name");
    const wsic_archive_item *const item = wsic_archive_list_find(layers, name);
    if (!item)
        return wsic_fail(env, WSIC_ERROR_NOT_FOUND, "there is no layer '%s'", name);
    *index = (size_t)(item - layers->items);
    return WSIC_OK;
}

/* --- layers -------------------------------------------------------------- */

static wsic_status copy_layer(const wsic_layer_request *request, const wsic_env *env,
                              wsic_layer **out)
{
    wsic_bytes bytes;

    wsic_bytes_init(&bytes, env);
    wsic_status status = wsic_archive_read_layer(env, request->source, request->item, &bytes);
    if (status == WSIC_OK)
        status = wsic_layer_on_bytes(request->handle->context, env, bytes.data, bytes.size,
                                     (wsic_layer_keeper){wsic_free, bytes.data}, out);
    if (status != WSIC_OK)
        wsic_bytes_release(&bytes);
    return status;
}

static wsic_status borrow_layer(const wsic_layer_request *request, const wsic_env *env,
                                wsic_layer **out)
{
    const uint8_t *bytes;

    const wsic_status status =
        wsic_archive_borrow_layer(env, request->source, request->item, &bytes);
    if (status != WSIC_OK)
        return status;
    return wsic_layer_on_bytes(request->handle->context, env, bytes,
                               (size_t)request->item->payload_size, request->keeper, out);
}

static wsic_status make_layer(const wsic_layer_request *request, const wsic_env *env,
                              wsic_layer **out)
{
    if (!out)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "out is NULL");
    if (!request->item)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "index is %zu, where there are %zu layers",
                         request->index, request->count);
    return request->keeper.release ? borrow_layer(request, env, out)
                                   : copy_layer(request, env, out);
}

wsic_status wsic_archive_give_layer(const wsic_layer_request *request, wsic_layer **out)
{
    const wsic_handle *const handle = request->handle;
    wsic_message message;

    /* A message of this call's own: other threads may be in one at the same time. */
    if (wsic_message_init(&message) != 0)
        return wsic_fail(&handle->env, WSIC_ERROR_MEMORY, "no lock could be created");
    const wsic_env env = {handle->env.host, &message};
    const wsic_status status = make_layer(request, &env, out);
    if (status != WSIC_OK)
        wsic_message_pass(&message, handle->env.message);
    wsic_message_destroy(&message);
    return status;
}

static const wsic_archive_item *item_at(const wsic_archive_list *list, size_t index)
{
    return index < list->count ? &list->items[index] : NULL;
}

static wsic_status give_layer(const wsic_archive *archive, size_t index, wsic_layer_keeper keeper,
                              wsic_layer **out)
{
    const wsic_archive_list *const layers = &archive->input.layers;

    return wsic_archive_give_layer(&(wsic_layer_request){&archive->handle, &archive->input.source,
                                                         item_at(layers, index), index,
                                                         layers->count, keeper},
                                   out);
}

wsic_status wsic_archive_load_layer(const wsic_archive *archive, size_t index, wsic_layer **out)
{
    if (out)
        *out = NULL;
    if (!archive)
        return WSIC_ERROR_ARGUMENT;
    return give_layer(archive, index, (wsic_layer_keeper){NULL, NULL}, out);
}

wsic_status wsic_archive_view_layer(wsic_archive *archive, size_t index, wsic_layer **out)
{
    if (out)
        *out = NULL;
    if (!archive)
        return WSIC_ERROR_ARGUMENT;
    if (!archive->input.source.memory)
        return give_layer(archive, index, (wsic_layer_keeper){NULL, NULL}, out);
    atomic_fetch_add(&archive->references, 1);
    const wsic_status status =
        give_layer(archive, index, (wsic_layer_keeper){release_reference, archive}, out);
    if (status != WSIC_OK)
        release_reference(NULL, archive);
    return status;
}

wsic_status wsic_archive_get_extent(const wsic_archive *archive, size_t index, uint64_t *offset,
                                    uint64_t *size)
{
    if (!archive)
        return WSIC_ERROR_ARGUMENT;
    const wsic_env *const env = &archive->handle.env;
    const wsic_archive_list *const layers = &archive->input.layers;
    const wsic_archive_item *const item = item_at(layers, index);

    if (!offset || !size)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "%s is NULL", offset ? "size" : "offset");
    if (!item)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "index is %zu, where there are %zu layers",
                         index, layers->count);
    *offset = item->payload;
    *size = item->payload_size;
    return WSIC_OK;
}

uint64_t wsic_archive_alignment(const wsic_archive *archive)
{
    return archive->input.alignment;
}

/* --- metadata ------------------------------------------------------------ */

size_t wsic_archive_metadata_count(const wsic_archive *archive)
{
    return archive->input.texts.count;
}

const char *wsic_archive_metadata_key(const wsic_archive *archive, size_t index)
{
    return name_of(&archive->input.texts, index);
}

const char *wsic_archive_metadata(const wsic_archive *archive, const char *key)
{
    const wsic_archive_item *const item =
        key ? wsic_archive_list_find(&archive->input.texts, key) : NULL;
    return item ? item->value : NULL;
}
