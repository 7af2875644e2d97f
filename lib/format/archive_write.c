/* SPDX-License-Identifier: MIT */
#include "format/archive_format.h"

#include <string.h>

#include "base/checksum.h"

/* --- records ------------------------------------------------------------- */

typedef struct piece {
    const void *data;
    size_t size;
} piece;

/* Write what stands before a payload, the payload and their checksum at *position, and move it
 * behind them. */
static wsic_status write_pieces(const wsic_env *env, wsic_file_writer *file, piece front,
                                piece payload, uint64_t *position)
{
    wsic_checksum checksum;
    uint8_t trailer[WSIC_CHECKSUM_SIZE];
    uint64_t offset = *position;

    wsic_checksum_begin(&checksum);
    wsic_checksum_add(&checksum, front.data, front.size);
    wsic_checksum_add(&checksum, payload.data, payload.size);
    const uint64_t value = wsic_checksum_end(&checksum);
    for (size_t i = 0; i < sizeof trailer; i++)
        trailer[i] = (uint8_t)(value >> 8 * i);

    const piece pieces[] = {front, payload, {trailer, sizeof trailer}};
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

static wsic_status write_record(const wsic_env *env, wsic_archive_output *output,
                                const wsic_record_head *head, const void *payload,
                                uint64_t *position)
{
    wsic_bytes front;

    wsic_bytes_init(&front, env);
    wsic_put_record_front(&front, head, (wsic_record_place){*position, output->alignment});
    wsic_status status = front.status;
    if (status == WSIC_OK)
        status = write_pieces(env, &output->file, (piece){front.data, front.size},
                              (piece){payload, (size_t)head->payload_size}, position);
    wsic_bytes_release(&front);
    return status;
}

/* Append the head to the index, write the record, and take the head back if that fails. */
static wsic_status append_record(const wsic_env *env, wsic_archive_output *output,
                                 const wsic_record_head *head, const void *payload,
                                 wsic_bytes *index, uint64_t *position)
{
    const size_t start = index->size;

    wsic_put_record_head(index, head);
    wsic_status status = index->status;
    if (status == WSIC_OK)
        status = write_record(env, output, head, payload, position);
    if (status != WSIC_OK) {
        index->size = start;
        index->status = WSIC_OK;
    }
    return status;
}

/* --- life ---------------------------------------------------------------- */

void wsic_archive_output_init(const wsic_env *env, wsic_archive_output *output)
{
    *output = (wsic_archive_output){.alignment = WSIC_ARCHIVE_ALIGNMENT_MIN};
    output->last_text = &output->texts;
    output->last_layer = &output->layers;
    wsic_bytes_init(&output->index, env);
}

wsic_status wsic_archive_output_begin(const wsic_env *env, wsic_archive_output *output)
{
    uint8_t header[WSIC_ARCHIVE_HEADER_SIZE];

    wsic_put_archive_header(header, output->alignment);
    output->position = WSIC_ARCHIVE_HEADER_SIZE;
    return wsic_file_write(env, &output->file, 0, header, sizeof header);
}

wsic_status wsic_archive_output_align(const wsic_env *env, wsic_archive_output *output,
                                      uint64_t alignment)
{
    const uint64_t before = output->alignment;

    if (alignment == before)
        return WSIC_OK;
    if (output->count != 0)
        return wsic_fail(env, WSIC_ERROR_STATE,
                         "layers are in the archive already, aligned to %u bytes",
                         (unsigned)before);
    output->alignment = alignment;
    const wsic_status status = wsic_archive_output_begin(env, output);
    if (status != WSIC_OK)
        output->alignment = before;
    return status;
}

wsic_status wsic_archive_output_open(const wsic_env *env, const char *path,
                                     wsic_archive_output *output)
{
    wsic_archive_output_init(env, output);
    wsic_status status = wsic_file_create(env, path, &output->file);
    if (status == WSIC_OK)
        status = wsic_archive_output_begin(env, output);
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
    while (output->layers) {
        wsic_archive_entry *const layer = output->layers;
        output->layers = layer->next;
        wsic_free(env, layer);
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
    *text = (wsic_archive_text){NULL, false, key_size, value_size};
    memcpy(text->bytes, key, key_size + 1);
    memcpy(text->bytes + key_size + 1, value, value_size + 1);
    return text;
}

static wsic_record_head text_head(const wsic_archive_text *text)
{
    return (wsic_record_head){WSIC_RECORD_METADATA, text->bytes, text->key_size, text->value_size};
}

const wsic_archive_text *wsic_archive_output_find(const wsic_archive_output *output,
                                                  const char *key)
{
    const wsic_archive_text *text = output->texts;

    while (text && strcmp(text->bytes, key) != 0)
        text = text->next;
    return text;
}

const char *wsic_archive_text_value(const wsic_archive_text *text)
{
    return text->bytes + text->key_size + 1;
}

/* At a link of the list; what is there goes. */
static void put_text(const wsic_env *env, wsic_archive_output *output, wsic_archive_text **place,
                     wsic_archive_text *text)
{
    wsic_archive_text *const old = *place;

    text->next = old ? old->next : NULL;
    if (!text->next)
        output->last_text = &text->next;
    *place = text;
    wsic_free(env, old);
}

static wsic_archive_text **place_of(wsic_archive_output *output, const char *key)
{
    wsic_archive_text **place = &output->texts;

    while (*place && strcmp((*place)->bytes, key) != 0)
        place = &(*place)->next;
    return place;
}

wsic_status wsic_archive_output_text(const wsic_env *env, wsic_archive_output *output,
                                     const char *key, const char *value)
{
    wsic_archive_text **const place = place_of(output, key);
    const wsic_archive_text *const old = *place;
    wsic_status status = WSIC_OK;

    if (old && old->stored && strcmp(wsic_archive_text_value(old), value) == 0)
        return WSIC_OK;
    if (old && old->stored)
        return wsic_fail(env, WSIC_ERROR_STATE,
                         "the metadata '%s' is in the file already, with another value", key);
    wsic_archive_text *const text = make_text(env, key, value, &status);
    if (text)
        put_text(env, output, place, text);
    return status;
}

wsic_status wsic_archive_output_stored_text(const wsic_env *env, wsic_archive_output *output,
                                            const char *key, const char *value)
{
    wsic_status status = WSIC_OK;
    wsic_archive_text *const text = make_text(env, key, value, &status);

    if (!text)
        return status;
    const wsic_record_head head = text_head(text);
    wsic_put_record_head(&output->index, &head);
    if (output->index.status != WSIC_OK) {
        wsic_free(env, text);
        return output->index.status;
    }
    text->stored = true;
    output->position =
        wsic_record_end(&head, (wsic_record_place){output->position, output->alignment});
    put_text(env, output, output->last_text, text);
    return WSIC_OK;
}

const wsic_archive_entry *wsic_archive_output_has(const wsic_archive_output *output,
                                                  const char *name)
{
    const wsic_archive_entry *layer = output->layers;

    while (layer && strcmp(layer->name, name) != 0)
        layer = layer->next;
    return layer;
}

const wsic_archive_entry *wsic_archive_output_at(const wsic_archive_output *output, size_t index)
{
    const wsic_archive_entry *layer = output->layers;

    for (; layer && index > 0; index--)
        layer = layer->next;
    return layer;
}

static wsic_archive_entry *make_entry(const wsic_env *env, const wsic_record_head *head,
                                      wsic_status *status)
{
    wsic_archive_entry *const entry =
        wsic_alloc(env, sizeof *entry + head->name_size + 1, 1, status);

    if (!entry)
        return NULL;
    *entry = (wsic_archive_entry){.item = {entry->name, 0, 0, head->payload_size, NULL}};
    memcpy(entry->name, head->name, head->name_size);
    entry->name[head->name_size] = '\0';
    return entry;
}

/* Returns where the record ends. */
static uint64_t place_entry(wsic_archive_entry *entry, const wsic_record_head *head,
                            wsic_record_place place)
{
    entry->item.offset = place.offset;
    entry->item.payload = wsic_record_payload(head, place);
    return wsic_record_end(head, place);
}

static void link_entry(wsic_archive_output *output, wsic_archive_entry *entry)
{
    *output->last_layer = entry;
    output->last_layer = &entry->next;
    output->count++;
}

wsic_status wsic_archive_output_stored_layer(const wsic_env *env, wsic_archive_output *output,
                                             const wsic_record_head *head)
{
    wsic_status status = WSIC_OK;
    wsic_archive_entry *const entry = make_entry(env, head, &status);

    if (!entry)
        return status;
    wsic_put_record_head(&output->index, head);
    if (output->index.status != WSIC_OK) {
        wsic_free(env, entry);
        return output->index.status;
    }
    output->position =
        place_entry(entry, head, (wsic_record_place){output->position, output->alignment});
    link_entry(output, entry);
    return WSIC_OK;
}

/* Those that are not in the file yet. */
static wsic_status write_texts(const wsic_env *env, wsic_archive_output *output, wsic_bytes *index,
                               uint64_t *position)
{
    wsic_status status = WSIC_OK;

    for (const wsic_archive_text *text = output->texts; text && status == WSIC_OK;
         text = text->next) {
        const wsic_record_head head = text_head(text);
        if (!text->stored)
            status =
                append_record(env, output, &head, wsic_archive_text_value(text), index, position);
    }
    return status;
}

/* Write the record and, where layers are to be on the disk, all texts before it. */
static wsic_status store_layer(const wsic_env *env, wsic_archive_output *output,
                               const wsic_record_head *head, const void *bytes,
                               wsic_archive_entry *entry)
{
    uint64_t position = output->position;
    wsic_status status = WSIC_OK;

    if (output->durable)
        status = write_texts(env, output, &output->index, &position);
    place_entry(entry, head, (wsic_record_place){position, output->alignment});
    if (status == WSIC_OK)
        status = append_record(env, output, head, bytes, &output->index, &position);
    if (status == WSIC_OK && output->durable) {
        status = wsic_file_synchronize(env, &output->file);
        /* What could not be written still reads as if it had been: a resumption would take it
         * for a whole layer, and nobody would write it again. */
        if (status != WSIC_OK)
            wsic_file_drop(&output->file, output->position);
    }
    if (status == WSIC_OK)
        output->position = position;
    return status;
}

wsic_status wsic_archive_output_layer(const wsic_env *env, wsic_archive_output *output,
                                      const char *name, const void *bytes, size_t size)
{
    const wsic_record_head head = {WSIC_RECORD_LAYER, name, strlen(name), size};
    const size_t index_size = output->index.size;
    wsic_status status = WSIC_OK;
    wsic_archive_entry *const entry = make_entry(env, &head, &status);

    if (!entry)
        return status;
    status = store_layer(env, output, &head, bytes, entry);
    if (status != WSIC_OK) {
        output->index.size = index_size;
        wsic_free(env, entry);
        return status;
    }
    link_entry(output, entry);
    for (wsic_archive_text *text = output->texts; text; text = text->next)
        text->stored = output->durable;
    output->file.kept = output->durable;
    return WSIC_OK;
}

/* --- end ----------------------------------------------------------------- */

/* Records that are counted before they are written. */
typedef struct tally {
    uint64_t position;
    uint64_t index;
    uint64_t alignment;
} tally;

static void count_record(tally *sizes, const wsic_record_head *head)
{
    sizes->position = wsic_record_end(head, (wsic_record_place){sizes->position, sizes->alignment});
    sizes->index += wsic_record_head_size(head);
}

static void count_texts(tally *sizes, const wsic_archive_output *output)
{
    for (const wsic_archive_text *text = output->texts; text; text = text->next) {
        const wsic_record_head head = text_head(text);
        if (!text->stored)
            count_record(sizes, &head);
    }
}

/* Texts stand before the layer where layers are brought to the disk one by one, behind it
 * elsewhere: this decides about the zeros before the layer. */
uint64_t wsic_archive_output_size(const wsic_archive_output *output, const char *name,
                                  uint64_t layer_size)
{
    tally sizes = {output->position, output->index.size, output->alignment};

    if (output->durable)
        count_texts(&sizes, output);
    if (name) {
        const wsic_record_head layer = {WSIC_RECORD_LAYER, name, strlen(name), layer_size};
        count_record(&sizes, &layer);
    }
    if (!output->durable)
        count_texts(&sizes, output);
    const wsic_record_head last = {WSIC_RECORD_INDEX, "", 0, sizes.index};
    count_record(&sizes, &last);
    return sizes.position + WSIC_ARCHIVE_FOOTER_SIZE;
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
        status =
            write_record(env, output, &(wsic_record_head){WSIC_RECORD_INDEX, "", 0, index.size},
                         index.data, &position);
    if (status == WSIC_OK)
        status = write_footer(env, output, index_offset, &position);
    if (status == WSIC_OK)
        status = wsic_file_commit(env, &output->file, position);
    wsic_bytes_release(&index);
    return status;
}
