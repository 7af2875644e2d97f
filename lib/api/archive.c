/* SPDX-License-Identifier: MIT */
#include "watersic/archive.h"

#include <string.h>

#include "api/context.h"
#include "api/layer.h"
#include "format/archive_format.h"
#include "watersic/version.h"

struct wsic_archive_writer {
    wsic_handle handle;
    wsic_archive_output output;
    bool finished;
};

struct wsic_archive {
    wsic_handle handle;
    wsic_archive_input input;
};

/* --- writer -------------------------------------------------------------- */

static wsic_status begin(const wsic_env *env, const char *path, wsic_archive_output *output)
{
    wsic_status status = wsic_archive_output_open(env, path, output);

    if (status != WSIC_OK)
        return status;
    status = wsic_archive_output_text(env, output, "library", wsic_version());
    if (status != WSIC_OK)
        wsic_archive_output_close(env, output);
    return status;
}

wsic_status wsic_archive_writer_create(wsic_context *context, const char *path,
                                       wsic_archive_writer **out)
{
    wsic_status status;

    if (out)
        *out = NULL;
    if (!context)
        return WSIC_ERROR_ARGUMENT;
    const wsic_env env = wsic_context_env(context);
    if (!path || !out)
        return wsic_fail(&env, WSIC_ERROR_ARGUMENT, "%s is NULL", path ? "out" : "path");

    wsic_archive_writer *const writer = wsic_handle_create(context, sizeof *writer, &status);
    if (!writer)
        return status;
    /* The output keeps the env: it must be the handle's. */
    status = begin(&writer->handle.env, path, &writer->output);
    if (status != WSIC_OK) {
        wsic_handle_fail_creation(&writer->handle);
        wsic_handle_destroy(writer);
        return status;
    }
    *out = writer;
    return WSIC_OK;
}

void wsic_archive_writer_destroy(wsic_archive_writer *writer)
{
    if (!writer)
        return;
    wsic_archive_output_close(&writer->handle.env, &writer->output);
    wsic_handle_destroy(writer);
}

const char *wsic_archive_writer_message(const wsic_archive_writer *writer)
{
    return writer->handle.message.text;
}

static wsic_status check_open(const wsic_archive_writer *writer)
{
    if (writer->finished)
        return wsic_fail(&writer->handle.env, WSIC_ERROR_STATE, "the archive is finished");
    return WSIC_OK;
}

static wsic_status check_text(const wsic_env *env, const char *argument, const char *text,
                              size_t least, size_t most)
{
    if (!text)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "%s is NULL", argument);
    const size_t size = strlen(text);
    if (size < least || size > most)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "%s has %zu bytes, not %zu to %zu", argument,
                         size, least, most);
    if (!wsic_is_text(text, size))
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "%s is not UTF-8", argument);
    return WSIC_OK;
}

wsic_status wsic_archive_writer_set_metadata(wsic_archive_writer *writer, const char *key,
                                             const char *value)
{
    if (!writer)
        return WSIC_ERROR_ARGUMENT;
    const wsic_env *const env = &writer->handle.env;

    wsic_status status = check_open(writer);
    if (status == WSIC_OK)
        status = check_text(env, "key", key, 1, WSIC_ARCHIVE_KEY_MAX);
    if (status == WSIC_OK)
        status = check_text(env, "value", value, 0, WSIC_ARCHIVE_VALUE_MAX);
    return status == WSIC_OK ? wsic_archive_output_text(env, &writer->output, key, value) : status;
}

wsic_status wsic_archive_writer_add(wsic_archive_writer *writer, const char *name,
                                    const wsic_layer *layer)
{
    if (!writer)
        return WSIC_ERROR_ARGUMENT;
    const wsic_env *const env = &writer->handle.env;
    const void *bytes;
    size_t size;

    wsic_status status = check_open(writer);
    if (status == WSIC_OK)
        status = check_text(env, "name", name, 1, WSIC_ARCHIVE_NAME_MAX);
    if (status != WSIC_OK)
        return status;
    if (!layer)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "layer is NULL");
    if (wsic_archive_output_has(&writer->output, name))
        return wsic_fail(env, WSIC_ERROR_EXISTS, "there is a layer '%s' already", name);
    status = wsic_layer_write(layer, &bytes, &size);
    if (status != WSIC_OK)
        return status;
    return wsic_archive_output_layer(env, &writer->output, name, bytes, size);
}

uint64_t wsic_archive_writer_size(const wsic_archive_writer *writer, const char *name)
{
    return wsic_archive_output_size(&writer->output, name);
}

wsic_status wsic_archive_writer_finish(wsic_archive_writer *writer)
{
    if (!writer)
        return WSIC_ERROR_ARGUMENT;
    wsic_status status = check_open(writer);
    if (status == WSIC_OK)
        status = wsic_archive_output_finish(&writer->handle.env, &writer->output);
    writer->finished = writer->finished || status == WSIC_OK;
    return status;
}

/* --- reader -------------------------------------------------------------- */

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
    if (!context)
        return WSIC_ERROR_ARGUMENT;
    const wsic_env env = wsic_context_env(context);
    if (!path || !out)
        return wsic_fail(&env, WSIC_ERROR_ARGUMENT, "%s is NULL", path ? "out" : "path");
    const wsic_status status = wsic_source_open(&env, path, &source);
    return status == WSIC_OK ? open_source(context, source, out) : status;
}

wsic_status wsic_archive_open_memory(wsic_context *context, const void *bytes, size_t size,
                                     wsic_archive **out)
{
    if (out)
        *out = NULL;
    if (!context)
        return WSIC_ERROR_ARGUMENT;
    const wsic_env env = wsic_context_env(context);
    if (!bytes || !out)
        return wsic_fail(&env, WSIC_ERROR_ARGUMENT, "%s is NULL", bytes ? "out" : "bytes");
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

static wsic_status read_layer(wsic_archive *archive, const wsic_archive_item *item,
                              wsic_layer **out)
{
    const wsic_env *const env = &archive->handle.env;
    wsic_context *const context = archive->handle.context;
    wsic_bytes bytes;

    wsic_bytes_init(&bytes, env);
    wsic_status status = wsic_archive_input_layer(env, &archive->input, item, &bytes);
    if (status == WSIC_OK) {
        status = wsic_layer_from_bytes(context, &bytes, out);
        if (status != WSIC_OK)
            wsic_fail(env, status, "%s", context->message.text);
    }
    wsic_bytes_release(&bytes);
    return status;
}

wsic_status wsic_archive_layer(wsic_archive *archive, size_t index, wsic_layer **out)
{
    if (out)
        *out = NULL;
    if (!archive)
        return WSIC_ERROR_ARGUMENT;
    const wsic_env *const env = &archive->handle.env;
    const wsic_archive_list *const layers = &archive->input.layers;
    wsic_status status;

    if (!out)
        status = wsic_fail(env, WSIC_ERROR_ARGUMENT, "out is NULL");
    else if (index >= layers->count)
        status = wsic_fail(env, WSIC_ERROR_ARGUMENT, "index is %zu, where there are %zu layers",
                           index, layers->count);
    else
        status = read_layer(archive, &layers->items[index], out);
    /* A call on the archive that makes a handle: the message is in both places. */
    if (status != WSIC_OK)
        wsic_handle_fail_creation(&archive->handle);
    return status;
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
