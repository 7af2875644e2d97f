/* SPDX-License-Identifier: MIT */
#include "format/archive_format.h"

#include <string.h>

#include "format/checksum.h"

/* --- records ------------------------------------------------------------- */

typedef struct piece {
    const void *data;
    size_t size;
} piece;

/* Write head, payload and their checksum at *position, and move it behind them. */
static wsic_status write_record(const wsic_env *env, wsic_file_writer *file, piece head,
                                piece payload, uint64_t *position)
{
    wsic_checksum checksum;
    uint8_t trailer[WSIC_CHECKSUM_SIZE];
    uint64_t offset = *position;

    wsic_checksum_begin(&checksum);
    wsic_checksum_add(&checksum, head.data, head.size);
    wsic_checksum_add(&checksum, payload.data, payload.size);
    const uint64_t value = wsic_checksum_end(&checksum);
    for (size_t i = 0; i < sizeof trailer; i++)
        trailer[i] = (uint8_t)(value >> 8 * i);

    const piece pieces[] = {head, payload, {trailer, sizeof trailer}};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        const wsic_status status =
            wsic_file_write(env, file, offset, pieces[i].data, pieces[i].size);
        if (status != WSIC_OK)
            return status;
        offset += pieces[i].size;
    }
    *position = offset;
    return WSIC_OK;
}

/* Append the head to the index, write the record, and take the head back if that fails. */
static wsic_status append_record(const wsic_env *env, wsic_file_writer *file,
                                 const wsic_record_head *head, const void *payload,
                                 wsic_bytes *index, uint64_t *position)
{
    const size_t start = index->size;

    wsic_put_record_head(index, head);
    wsic_status status = index->status;
    if (status == WSIC_OK)
        status = write_record(env, file, (piece){index->data + start, index->size - start},
                              (piece){payload, (size_t)head->payload_size}, position);
    if (status != WSIC_OK) {
        index->size = start;
        index->status = WSIC_OK;
    }
    return status;
}

/* --- life ---------------------------------------------------------------- */

static wsic_status write_header(const wsic_env *env, wsic_archive_output *output)
{
    static const uint8_t header[WSIC_ARCHIVE_HEADER_SIZE + 1] =
        WSIC_ARCHIVE_MAGIC "\1\0\0\0"; /* version 1, no flags */

    output->position = WSIC_ARCHIVE_HEADER_SIZE;
    return wsic_file_write(env, &output->file, 0, header, WSIC_ARCHIVE_HEADER_SIZE);
}

wsic_status wsic_archive_output_open(const wsic_env *env, const char *path,
                                     wsic_archive_output *output)
{
    *output = (wsic_archive_output){.position = 0};
    wsic_bytes_init(&output->index, env);
    wsic_status status = wsic_file_create(env, path, &output->file);
    if (status == WSIC_OK)
        status = write_header(env, output);
    if (status != WSIC_OK)
        wsic_archive_output_close(env, output);
    return status;
}

void wsic_archive_output_close(const wsic_env *env, wsic_archive_output *output)
{
    while (output->texts) {
        wsic_archive_text *const text = output->texts;
        output->texts = text->next;
        wsic_free(env, text);
    }
    wsic_bytes_release(&output->index);
    wsic_file_abandon(env, &output->file);
}

/* --- content ------------------------------------------------------------- */

static wsic_archive_text *make_text(const wsic_env *env, const char *key, const char *value,
                                    wsic_status *status)
{
    const size_t key_size = strlen(key), value_size = strlen(value);
    wsic_archive_text *const text =
        wsic_alloc(env, sizeof *text + key_size + 1 + value_size + 1, 1, status);

    if (!text)
        return NULL;
    *text = (wsic_archive_text){NULL, key_size, value_size};
    memcpy(text->bytes, key, key_size + 1);
    memcpy(text->bytes + key_size + 1, value, value_size + 1);
    return text;
}

wsic_status wsic_archive_output_text(const wsic_env *env, wsic_archive_output *output,
                                     const char *key, const char *value)
{
    wsic_status status = WSIC_OK;
    wsic_archive_text *const text = make_text(env, key, value, &status);

    if (!text)
        return status;
    wsic_archive_text **place = &output->texts;
    while (*place && strcmp((*place)->bytes, key) != 0)
        place = &(*place)->next;
    wsic_archive_text *const old = *place;
    if (old)
        text->next = old->next;
    *place = text;
    wsic_free(env, old);
    return WSIC_OK;
}

bool wsic_archive_output_has(const wsic_archive_output *output, const char *name)
{
    const size_t size = strlen(name);
    wsic_cursor cursor = wsic_cursor_make(output->index.data, output->index.size);
    wsic_record_head head;

    while (wsic_cursor_left(&cursor) != 0 && wsic_get_record_head(&cursor, &head)) {
        if (head.name_size == size && memcmp(head.name, name, size) == 0)
            return true;
    }
    return false;
}

wsic_status wsic_archive_output_layer(const wsic_env *env, wsic_archive_output *output,
                                      const char *name, const void *bytes, size_t size)
{
    const wsic_record_head head = {WSIC_RECORD_LAYER, name, strlen(name), size};
    return append_record(env, &output->file, &head, bytes, &output->index, &output->position);
}

/* --- end ----------------------------------------------------------------- */

static wsic_record_head text_head(const wsic_archive_text *text)
{
    return (wsic_record_head){WSIC_RECORD_METADATA, text->bytes, text->key_size, text->value_size};
}

uint64_t wsic_archive_output_size(const wsic_archive_output *output, const char *name)
{
    uint64_t position = output->position;
    uint64_t index = output->index.size;

    if (name) {
        const wsic_record_head layer = {WSIC_RECORD_LAYER, name, strlen(name), 0};
        position += wsic_record_size(&layer);
        index += wsic_record_head_size(&layer);
    }
    for (const wsic_archive_text *text = output->texts; text; text = text->next) {
        const wsic_record_head head = text_head(text);
        position += wsic_record_size(&head);
        index += wsic_record_head_size(&head);
    }
    const wsic_record_head last = {WSIC_RECORD_INDEX, "", 0, index};
    return position + wsic_record_size(&last) + WSIC_ARCHIVE_FOOTER_SIZE;
}

static wsic_status write_texts(const wsic_env *env, wsic_archive_output *output, wsic_bytes *index,
                               uint64_t *position)
{
    wsic_status status = WSIC_OK;

    for (const wsic_archive_text *text = output->texts; text && status == WSIC_OK;
         text = text->next) {
        const wsic_record_head head = text_head(text);
        status = append_record(env, &output->file, &head, text->bytes + text->key_size + 1, index,
                               position);
    }
    return status;
}

static wsic_status write_index(const wsic_env *env, wsic_archive_output *output,
                               const wsic_bytes *index, uint64_t *position)
{
    const wsic_record_head head = {WSIC_RECORD_INDEX, "", 0, index->size};
    wsic_bytes bytes;

    wsic_bytes_init(&bytes, env);
    wsic_put_record_head(&bytes, &head);
    wsic_status status = bytes.status;
    if (status == WSIC_OK)
        status = write_record(env, &output->file, (piece){bytes.data, bytes.size},
                              (piece){index->data, index->size}, position);
    wsic_bytes_release(&bytes);
    return status;
}

static wsic_status write_footer(const wsic_env *env, wsic_archive_output *output,
                                uint64_t index_offset, uint64_t *position)
{
    wsic_bytes footer;

    wsic_bytes_init(&footer, env);
    wsic_put_u64(&footer, index_offset);
    wsic_put_u64(&footer, *position - index_offset);
    if (footer.status == WSIC_OK)
        wsic_put_u64(&footer, wsic_checksum_of(footer.data, footer.size));
    wsic_bytes_append(&footer, WSIC_ARCHIVE_END_MAGIC, WSIC_ARCHIVE_MAGIC_SIZE);
    wsic_status status = footer.status;
    if (status == WSIC_OK)
        status = wsic_file_write(env, &output->file, *position, footer.data, footer.size);
    *position += footer.size;
    wsic_bytes_release(&footer);
    return status;
}

/* Everything goes behind the layers, and output->position stays: a call that failed can
 * be repeated, and overwrites what this one left. */
wsic_status wsic_archive_output_finish(const wsic_env *env, wsic_archive_output *output)
{
    uint64_t position = output->position;
    wsic_bytes index;

    wsic_bytes_init(&index, env);
    wsic_bytes_append(&index, output->index.data, output->index.size);
    wsic_status status = index.status;
    if (status == WSIC_OK)
        status = write_texts(env, output, &index, &position);
    const uint64_t index_offset = position;
    if (status == WSIC_OK)
        status = write_index(env, output, &index, &position);
    if (status == WSIC_OK)
        status = write_footer(env, output, index_offset, &position);
    if (status == WSIC_OK)
        status = wsic_file_commit(env, &output->file, position);
    wsic_bytes_release(&index);
    return status;
}
