/* SPDX-License-Identifier: MIT */
#include "format/archive_format.h"

#include <stdint.h>
#include <string.h>

#include "base/checked.h"
#include "base/checksum.h"
#include "base/sort.h"

/* The longest head fits the window: type, two lengths, name. Most fit the glance, and there may be
 * many records. */
enum { WINDOW = 1 << 17, GLANCE = 1 << 9 };

/* A walk over the records of an unfinished file, which has no index. */
typedef struct record_walk {
    const wsic_env *env;
    wsic_source source;
    wsic_record_place next;
    uint8_t *window;
} record_walk;

/* --- one record ---------------------------------------------------------- */

static bool is_possible(const record_walk *walk, const wsic_record_head *head)
{
    const uint64_t end = walk->source.size;
    const uint64_t most =
        head->type == WSIC_RECORD_METADATA ? (uint64_t)WSIC_ARCHIVE_VALUE_MAX : UINT64_MAX;

    return (head->type == WSIC_RECORD_LAYER || head->type == WSIC_RECORD_METADATA) &&
           wsic_record_is_named(head) && head->payload_size <= most && head->payload_size <= end &&
           wsic_record_end(head, walk->next) <= end;
}

/* In the first bytes, which are read to the window; *found is false if it is not there. */
static wsic_status look_for_head(const record_walk *walk, size_t size, wsic_record_head *head,
                                 bool *found)
{
    const wsic_status status =
        wsic_source_read(walk->env, &walk->source, walk->next.offset, walk->window, size);
    wsic_cursor cursor = wsic_cursor_make(walk->window, size);

    *found = status == WSIC_OK && wsic_get_record_head(&cursor, head);
    return status;
}

/* The head of the next record, in the window. *found is false where there can be none. */
static wsic_status read_head(const record_walk *walk, wsic_record_head *head, bool *found)
{
    const uint64_t left = walk->source.size - walk->next.offset;
    wsic_status status = look_for_head(walk, left < GLANCE ? (size_t)left : GLANCE, head, found);

    if (status == WSIC_OK && !*found && left > GLANCE)
        status = look_for_head(walk, left < WINDOW ? (size_t)left : WINDOW, head, found);
    *found = *found && is_possible(walk, head);
    return status;
}

static bool are_zero(const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

/* *whole tells whether padding and checksum are right. The head in the window is gone then. */
static wsic_status check_sum(const record_walk *walk, const wsic_record_head *head, bool *whole)
{
    uint64_t offset = walk->next.offset + wsic_record_head_size(head);
    const uint64_t payload = wsic_record_payload(head, walk->next);
    const uint64_t end = payload + head->payload_size;
    bool padded = true;
    uint8_t trailer[WSIC_CHECKSUM_SIZE];
    wsic_checksum checksum;
    wsic_status status = WSIC_OK;

    wsic_checksum_begin(&checksum);
    wsic_checksum_add(&checksum, walk->window, wsic_record_head_size(head));
    while (status == WSIC_OK && offset < end) {
        const size_t size = end - offset < WINDOW ? (size_t)(end - offset) : WINDOW;
        status = wsic_source_read(walk->env, &walk->source, offset, walk->window, size);
        if (status == WSIC_OK) {
            /* All of it is in the first window. */
            padded =
                padded && (offset >= payload || are_zero(walk->window, (size_t)(payload - offset)));
            wsic_checksum_add(&checksum, walk->window, size);
        }
        offset += size;
    }
    if (status == WSIC_OK)
        status = wsic_source_read(walk->env, &walk->source, end, trailer, sizeof trailer);
    if (status != WSIC_OK)
        return status;
    wsic_cursor cursor = wsic_cursor_make(trailer, sizeof trailer);
    *whole = padded && wsic_get_u64(&cursor) == wsic_checksum_end(&checksum);
    return WSIC_OK;
}

/* --- the records --------------------------------------------------------- */

/* The end of the last layer up to which all records are whole. Metadata behind that layer were
 * written when the archive was about to be finished; the writer that finishes it sets them
 * again. */
static wsic_status find_end(record_walk walk, uint64_t *end)
{
    wsic_record_head head;
    bool whole = true;

    *end = walk.next.offset;
    for (;;) {
        wsic_status status = read_head(&walk, &head, &whole);
        if (status == WSIC_OK && whole)
            status = check_sum(&walk, &head, &whole);
        if (status != WSIC_OK || !whole)
            return status;
        walk.next.offset = wsic_record_end(&head, walk.next);
        if (head.type == WSIC_RECORD_LAYER)
            *end = walk.next.offset;
    }
}

static wsic_status note_text(const record_walk *walk, const wsic_record_head *head,
                             wsic_archive_output *output)
{
    const wsic_env *const env = walk->env;
    const size_t size = (size_t)head->payload_size;
    const uint64_t offset = wsic_record_payload(head, walk->next);
    char key[WSIC_ARCHIVE_KEY_MAX + 1];
    wsic_status status = WSIC_OK;

    memcpy(key, head->name, head->name_size);
    key[head->name_size] = '\0';
    char *const value = wsic_alloc(env, size + 1, 1, &status);
    if (!value)
        return status;
    value[size] = '\0';
    status = wsic_source_read(env, &walk->source, offset, value, size);
    if (status == WSIC_OK && !wsic_is_text(value, size))
        status = wsic_fail(env, WSIC_ERROR_FORMAT, "the metadata '%s' is not UTF-8", key);
    if (status == WSIC_OK)
        status = wsic_archive_output_stored_text(env, output, key, value);
    wsic_free(env, value);
    return status;
}

/* Take down what find_end() has checked. */
static wsic_status note_records(record_walk walk, wsic_archive_output *output)
{
    wsic_status status = WSIC_OK;
    wsic_record_head head;
    bool found;

    while (status == WSIC_OK && walk.next.offset < walk.source.size) {
        status = read_head(&walk, &head, &found);
        if (status != WSIC_OK)
            return status;
        if (!found)
            return wsic_fail(walk.env, WSIC_ERROR_IO, "the unfinished file is being changed");
        status = head.type == WSIC_RECORD_LAYER
                     ? wsic_archive_output_stored_layer(walk.env, output, &head)
                     : note_text(&walk, &head, output);
        walk.next.offset = output->position;
    }
    return status;
}

/* --- names ---------------------------------------------------------------- */

static int by_text(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static wsic_status check_different(const wsic_env *env, const char **names, size_t count)
{
    wsic_sort(names, count, sizeof *names, by_text);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(names[i - 1], names[i]) == 0)
            return wsic_fail(env, WSIC_ERROR_FORMAT, "the unfinished file holds '%s' twice",
                             names[i]);
    }
    return WSIC_OK;
}

/* At the end, for all of them: one after the other it would take quadratic time. */
static wsic_status check_names(const wsic_env *env, const wsic_archive_output *output)
{
    size_t texts = 0, count = 0;
    wsic_status status;

    for (const wsic_archive_text *text = output->texts; text; text = text->next)
        texts++;
    const char **const names =
        wsic_alloc(env, wsic_max_size(texts, output->count), sizeof *names, &status);
    if (!names)
        return status;
    for (const wsic_archive_text *text = output->texts; text; text = text->next)
        names[count++] = text->bytes;
    status = check_different(env, names, count);
    count = 0;
    for (const wsic_archive_entry *layer = output->layers; layer; layer = layer->next)
        names[count++] = layer->name;
    if (status == WSIC_OK)
        status = check_different(env, names, count);
    wsic_free(env, (void *)(uintptr_t)names);
    return status;
}

/* --- the file ------------------------------------------------------------ */

/* A file that was cut off within its header is one without records; any other that does not begin
 * as an archive does was not made by a writer. */
static wsic_status check_header(const wsic_env *env, wsic_archive_output *output,
                                const wsic_source *source)
{
    uint8_t header[WSIC_ARCHIVE_HEADER_SIZE];
    const size_t size =
        source->size < sizeof header ? (size_t)source->size : (size_t)WSIC_ARCHIVE_HEADER_SIZE;

    const wsic_status status = wsic_source_read(env, source, 0, header, size);
    return status == WSIC_OK ? wsic_check_archive_header(env, header, size, output->file.temporary,
                                                         &output->alignment)
                             : status;
}

static wsic_status take_records(const wsic_env *env, wsic_archive_output *output,
                                wsic_source source)
{
    wsic_status status = WSIC_OK;
    record_walk walk = {
        .env = env, .source = source, .next = {WSIC_ARCHIVE_HEADER_SIZE, output->alignment}};
    uint64_t end = 0;

    walk.window = wsic_alloc(env, WINDOW, 1, &status);
    if (!walk.window)
        return status;
    status = find_end(walk, &end);
    walk.source.size = end;
    output->position = walk.next.offset;
    if (status == WSIC_OK)
        status = note_records(walk, output);
    if (status == WSIC_OK)
        status = check_names(env, output);
    wsic_free(env, walk.window);
    return status;
}

static wsic_status take_file(const wsic_env *env, wsic_archive_output *output, uint64_t size)
{
    const wsic_source source = wsic_file_source(&output->file, size);
    wsic_status status = check_header(env, output, &source);

    if (status == WSIC_OK && size > WSIC_ARCHIVE_HEADER_SIZE)
        status = take_records(env, output, source);
    if (status == WSIC_OK && output->count == 0) {
        /* Whoever begins anew chooses anew. */
        output->alignment = WSIC_ARCHIVE_ALIGNMENT_MIN;
        status = wsic_archive_output_begin(env, output);
    }
    if (status == WSIC_OK && size > output->position)
        status = wsic_file_cut(env, &output->file, output->position);
    return status;
}

wsic_status wsic_archive_output_resume(const wsic_env *env, const char *path,
                                       wsic_archive_output *output)
{
    uint64_t size = 0;

    wsic_archive_output_init(env, output);
    wsic_status status = wsic_file_resume(env, path, &output->file, &size);
    if (status == WSIC_OK)
        status = take_file(env, output, size);
    if (status != WSIC_OK) {
        output->file.kept = size != 0;
        wsic_archive_output_close(env, output);
        return status;
    }
    output->durable = true;
    /* Nobody misses a file without layers. */
    output->file.kept = output->count != 0;
    return WSIC_OK;
}
