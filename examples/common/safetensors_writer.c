/* SPDX-License-Identifier: MIT */
#include "common/safetensors_writer.h"

#include <stdlib.h>
#include <string.h>

static json_t *describe_entry(const struct safetensors_entry *entry, uint64_t begin)
{
    json_t *const shape = json_array();

    for (size_t i = 0; i < entry->dimensions; i++)
        json_array_append_new(shape, json_integer((json_int_t)entry->shape[i]));
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", entry->type, "shape", shape, "data_offsets",
                     (json_int_t)begin, (json_int_t)(begin + entry->bytes));
}

/* The header's text; NULL if memory is short. Release with free(). */
static char *describe(const json_t *metadata, const struct safetensors_entry *entries, size_t count,
                      uint64_t *data_bytes)
{
    json_t *const header = json_object();
    bool ok = json_object_set(header, "__metadata__", (json_t *)metadata) == 0;

    *data_bytes = 0;
    for (size_t i = 0; ok && i < count; i++) {
        ok = json_object_set_new(header, entries[i].name,
                                 describe_entry(&entries[i], *data_bytes)) == 0;
        *data_bytes += entries[i].bytes;
    }
    char *const text = ok ? json_dumps(header, JSON_COMPACT) : NULL;
    json_decref(header);
    return text;
}

/* With its length before it, which takes 8 bytes, the header ends where data may begin. */
static size_t padded_length(const char *text)
{
    const size_t length = 8 + strlen(text) + SAFETENSORS_ALIGNMENT - 1;

    return length - length % SAFETENSORS_ALIGNMENT - 8;
}

static bool write_header(struct safetensors_writer *writer, const char *text,
                         struct failure *failure)
{
    const size_t length = strlen(text);
    const size_t padded = padded_length(text);
    char spaces[SAFETENSORS_ALIGNMENT];
    unsigned char prefix[8];

    for (size_t i = 0; i < sizeof prefix; i++)
        prefix[i] = (unsigned char)((uint64_t)padded >> 8 * i);
    memset(spaces, ' ', sizeof spaces);
    return atomic_file_write(&writer->file, prefix, sizeof prefix, failure) &&
           atomic_file_write(&writer->file, text, length, failure) &&
           atomic_file_write(&writer->file, spaces, padded - length, failure);
}

bool safetensors_writer_open(struct safetensors_writer *writer, const char *path,
                             const json_t *metadata, const struct safetensors_entry *entries,
                             size_t count, struct failure *failure)
{
    *writer = (struct safetensors_writer){.written = 0};
    char *const text = describe(metadata, entries, count, &writer->promised);

    if (!text)
        return refuse(failure, "%s: out of memory, or a name is not UTF-8", path);
    const bool ok =
        atomic_file_open(&writer->file, path, failure) && write_header(writer, text, failure);
    free(text);
    if (!ok)
        safetensors_writer_abandon(writer);
    return ok;
}

bool safetensors_writer_add(struct safetensors_writer *writer, const void *data, size_t size,
                            struct failure *failure)
{
    if (size > writer->promised - writer->written)
        return refuse(failure, "%s: more data than its header says", writer->file.path);
    writer->written += size;
    return atomic_file_write(&writer->file, data, size, failure);
}

bool safetensors_writer_commit(struct safetensors_writer *writer, struct failure *failure)
{
    if (writer->written == writer->promised)
        return atomic_file_commit(&writer->file, failure);
    refuse(failure, "%s: %llu bytes of data, but its header says %llu", writer->file.path,
           (unsigned long long)writer->written, (unsigned long long)writer->promised);
    safetensors_writer_abandon(writer);
    return false;
}

void safetensors_writer_abandon(struct safetensors_writer *writer)
{
    atomic_file_abandon(&writer->file);
}
