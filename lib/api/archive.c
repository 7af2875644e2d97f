/* SPDX-License-Identifier: MIT */
#include "api/archive.h"

#include "api/layer.h"

struct wsic_archive {
    wsic_handle handle;
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
    return status == WSIC_OK ? open_source(context, source, out) : status;
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

void wsic_archive_destroy(wsic_archive *archive)
{
    if (!archive)
        return;
    wsic_archive_input_close(&archive->handle.env, &archive->input);
    wsic_handle_destroy(archive);
}

const char *wsic_archive_message(const wsic_archive *archive)
{
    return archive->handle.message.text;
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

wsic_status wsic_archive_find(wsic_archive *archive, const char *name, size_t *index)
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

static wsic_status read_layer(const wsic_handle *handle, const wsic_source *source,
                              const wsic_archive_item *item, wsic_layer **out)
{
    const wsic_env *const env = &handle->env;
    wsic_bytes bytes;

    wsic_bytes_init(&bytes, env);
    wsic_status status = wsic_archive_read_layer(env, source, item, &bytes);
    if (status == WSIC_OK) {
        status = wsic_layer_from_bytes(handle->context, &bytes, out);
        if (status != WSIC_OK)
            wsic_fail(env, status, "%s", handle->context->message.text);
    }
    wsic_bytes_release(&bytes);
    return status;
}

wsic_status wsic_archive_give_layer(const wsic_handle *handle, const wsic_source *source,
                                    const wsic_archive_item *item, size_t index, size_t count,
                                    wsic_layer **out)
{
    wsic_status status;

    if (!out)
        status = wsic_fail(&handle->env, WSIC_ERROR_ARGUMENT, "out is NULL");
    else if (!item)
        status = wsic_fail(&handle->env, WSIC_ERROR_ARGUMENT,
                           "index is %zu, where there are %zu layers", index, count);
    else
        status = read_layer(handle, source, item, out);
    /* A call on a handle that makes another one: the message is in both places. */
    if (status != WSIC_OK)
        wsic_handle_fail_creation(handle);
    return status;
}

wsic_status wsic_archive_layer(wsic_archive *archive, size_t index, wsic_layer **out)
{
    if (out)
        *out = NULL;
    if (!archive)
        return WSIC_ERROR_ARGUMENT;
    const wsic_archive_list *const layers = &archive->input.layers;

    return wsic_archive_give_layer(&archive->handle, &archive->input.source,
                                   index < layers->count ? &layers->items[index] : NULL, index,
                                   layers->count, out);
}

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
