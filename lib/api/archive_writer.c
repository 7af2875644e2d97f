/* SPDX-License-Identifier: MIT */
#include "api/archive.h"

#include <inttypes.h>
#include <string.h>

#include "watersic/version.h"

struct wsic_archive_writer {
    wsic_handle handle;
    wsic_archive_output output;
    bool finished;
};

/* --- life ---------------------------------------------------------------- */

typedef wsic_status open_function(const wsic_env *env, const char *path,
                                  wsic_archive_output *output);

/* An unfinished archive has the key from whoever began it. */
static wsic_status begin(const wsic_env *env, open_function *open, const char *path,
                         wsic_archive_output *output)
{
    if (*path == '\0')
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "path is empty");
    wsic_status status = open(env, path, output);
    if (status != WSIC_OK || wsic_archive_output_find(output, "library"))
        return status;
    status = wsic_archive_output_text(env, output, "library", wsic_version());
    if (status != WSIC_OK)
        wsic_archive_output_close(env, output);
    return status;
}

static wsic_status create(wsic_context *context, open_function *open, const char *path,
                          wsic_archive_writer **out)
{
    if (out)
        *out = NULL;
    wsic_status status = wsic_check_creation(context, "path", path, out);
    if (status != WSIC_OK)
        return status;

    wsic_archive_writer *const writer = wsic_handle_create(context, sizeof *writer, &status);
    if (!writer)
        return status;
    /* The output keeps the env: it must be the handle's. */
    status = begin(&writer->handle.env, open, path, &writer->output);
    if (status != WSIC_OK) {
        wsic_handle_destroy(writer);
        return status;
    }
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): wsic_check_creation() refuses NULL */
    *out = writer;
    return WSIC_OK;
}

wsic_status wsic_archive_writer_create(wsic_context *context, const char *path,
                                       wsic_archive_writer **out)
{
    return create(context, wsic_archive_output_open, path, out);
}

wsic_status wsic_archive_writer_resume(wsic_context *context, const char *path,
                                       wsic_archive_writer **out)
{
    return create(context, wsic_archive_output_resume, path, out);
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
    return wsic_handle_message(writer);
}

/* --- writing ------------------------------------------------------------- */

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
    status = wsic_layer_get_bytes(layer, &bytes, &size);
    if (status != WSIC_OK)
        return status;
    return wsic_archive_output_layer(env, &writer->output, name, bytes, size);
}

uint64_t wsic_archive_writer_size(const wsic_archive_writer *writer, const char *name,
                                  uint64_t layer_bytes)
{
    return wsic_archive_output_size(&writer->output, name, layer_bytes);
}

wsic_status wsic_archive_writer_set_alignment(wsic_archive_writer *writer, uint64_t alignment)
{
    if (!writer)
        return WSIC_ERROR_ARGUMENT;
    const wsic_env *const env = &writer->handle.env;

    const wsic_status status = check_open(writer);
    if (status != WSIC_OK)
        return status;
    if (alignment < WSIC_ARCHIVE_ALIGNMENT_MIN || alignment > WSIC_ARCHIVE_ALIGNMENT_MAX ||
        (alignment & (alignment - 1)) != 0)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT,
                         "alignment is %" PRIu64 ", not a power of two from %d to %d", alignment,
                         WSIC_ARCHIVE_ALIGNMENT_MIN, WSIC_ARCHIVE_ALIGNMENT_MAX);
    return wsic_archive_output_align(env, &writer->output, alignment);
}

uint64_t wsic_archive_writer_alignment(const wsic_archive_writer *writer)
{
    return writer->output.alignment;
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

/* --- what was written ---------------------------------------------------- */

size_t wsic_archive_writer_count(const wsic_archive_writer *writer)
{
    return writer->output.count;
}

const char *wsic_archive_writer_name(const wsic_archive_writer *writer, size_t index)
{
    const wsic_archive_entry *const entry = wsic_archive_output_at(&writer->output, index);
    return entry ? entry->name : NULL;
}

wsic_status wsic_archive_writer_load_layer(const wsic_archive_writer *writer, size_t index,
                                           wsic_layer **out)
{
    if (out)
        *out = NULL;
    if (!writer)
        return WSIC_ERROR_ARGUMENT;
    const wsic_archive_output *const output = &writer->output;
    const wsic_source source = wsic_file_source(&output->file, output->position);
    const wsic_archive_entry *const entry = wsic_archive_output_at(output, index);

    const wsic_status status = check_open(writer);
    if (status != WSIC_OK)
        return status;
    return wsic_archive_give_layer(&(wsic_layer_request){.handle = &writer->handle,
                                                         .source = &source,
                                                         .item = entry ? &entry->item : NULL,
                                                         .index = index,
                                                         .count = output->count},
                                   out);
}

const char *wsic_archive_writer_metadata(const wsic_archive_writer *writer, const char *key)
{
    const wsic_archive_text *const text =
        key ? wsic_archive_output_find(&writer->output, key) : NULL;
    return text ? wsic_archive_text_value(text) : NULL;
}
