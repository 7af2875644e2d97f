/* SPDX-License-Identifier: MIT */
#include "format/archive_format.h"

#include <inttypes.h>
#include <string.h>

#include "base/checksum.h"
#include "base/sort.h"

/* --- records ------------------------------------------------------------- */

static wsic_status fail_damaged(const wsic_env *env, const wsic_archive_item *item)
{
    return wsic_fail(env, WSIC_ERROR_CHECKSUM, "the record of '%s' is damaged", item->name);
}

/* Check that head and zeros in the file are those that follow from the index, and begin the
 * record's checksum with them. */
static wsic_status check_front(const wsic_env *env, const wsic_source *source, unsigned type,
                               const wsic_archive_item *item, wsic_checksum *checksum)
{
    const wsic_record_head head = {type, item->name, strlen(item->name), item->payload_size};
    const size_t size = (size_t)(item->payload - item->offset);
    const size_t head_size = wsic_record_head_size(&head);
    wsic_bytes expected;

    wsic_bytes_init(&expected, env);
    wsic_put_record_head(&expected, &head);
    uint8_t *const zeros = wsic_bytes_extend(&expected, size - head_size + size);
    wsic_status status = expected.status;
    if (status == WSIC_OK) {
        uint8_t *const found = zeros + (size - head_size);
        memset(zeros, 0, size - head_size);
        status = wsic_source_read(env, source, item->offset, found, size);
        wsic_checksum_begin(checksum);
        wsic_checksum_add(checksum, expected.data, size);
        if (status == WSIC_OK && memcmp(expected.data, found, size) != 0)
            status = fail_damaged(env, item);
    }
    wsic_bytes_release(&expected);
    return status;
}

/* Read payload_size bytes of a record whose head the index has told. */
static wsic_status read_record(const wsic_env *env, const wsic_source *source, unsigned type,
                               const wsic_archive_item *item, void *payload)
{
    const size_t size = (size_t)item->payload_size;
    wsic_checksum checksum;
    uint8_t trailer[WSIC_CHECKSUM_SIZE];

    wsic_status status = check_front(env, source, type, item, &checksum);
    if (status == WSIC_OK)
        status = wsic_source_read(env, source, item->payload, payload, size);
    if (status == WSIC_OK)
        status = wsic_source_read(env, source, item->payload + item->payload_size, trailer,
                                  sizeof trailer);
    if (status != WSIC_OK)
        return status;
    wsic_cursor cursor = wsic_cursor_make(trailer, sizeof trailer);
    wsic_checksum_add(&checksum, payload, size);
    return wsic_get_u64(&cursor) == wsic_checksum_end(&checksum) ? WSIC_OK
                                                                 : fail_damaged(env, item);
}

static wsic_status check_fits(const wsic_env *env, const wsic_archive_item *item)
{
    if (item->payload_size >= SIZE_MAX)
        return wsic_fail(env, WSIC_ERROR_TOO_LARGE, "'%s' of %" PRIu64 " bytes does not fit",
                         item->name, item->payload_size);
    return WSIC_OK;
}

wsic_status wsic_archive_read_layer(const wsic_env *env, const wsic_source *source,
                                    const wsic_archive_item *item, wsic_bytes *bytes)
{
    const wsic_status status = check_fits(env, item);
    if (status != WSIC_OK)
        return status;
    uint8_t *const payload = wsic_bytes_extend(bytes, (size_t)item->payload_size);
    if (!payload)
        return bytes->status;
    return read_record(env, source, WSIC_RECORD_LAYER, item, payload);
}

wsic_status wsic_archive_borrow_layer(const wsic_env *env, const wsic_source *source,
                                      const wsic_archive_item *item, const uint8_t **bytes)
{
    wsic_checksum checksum;
    const wsic_status status = check_front(env, source, WSIC_RECORD_LAYER, item, &checksum);

    *bytes = source->memory + item->payload;
    return status;
}

static wsic_status read_text(const wsic_env *env, const wsic_source *source,
                             wsic_archive_item *item)
{
    wsic_status status = check_fits(env, item);

    if (status != WSIC_OK)
        return status;
    const size_t size = (size_t)item->payload_size;
    item->value = wsic_alloc(env, size + 1, 1, &status);
    if (!item->value)
        return status;
    item->value[size] = '\0';
    status = read_record(env, source, WSIC_RECORD_METADATA, item, item->value);
    if (status == WSIC_OK && !wsic_is_text(item->value, size))
        status = wsic_fail(env, WSIC_ERROR_FORMAT, "the metadata '%s' is not UTF-8", item->name);
    return status;
}

/* --- header and footer --------------------------------------------------- */

static wsic_status check_header(const wsic_env *env, const wsic_source *source, uint64_t *alignment)
{
    uint8_t header[WSIC_ARCHIVE_HEADER_SIZE];

    if (source->size < WSIC_ARCHIVE_HEADER_SIZE + WSIC_ARCHIVE_FOOTER_SIZE)
        return wsic_fail(env, WSIC_ERROR_TRUNCATED, "%" PRIu64 " bytes are too few for an archive",
                         source->size);
    const wsic_status status = wsic_source_read(env, source, 0, header, sizeof header);
    return status == WSIC_OK
               ? wsic_check_archive_header(env, header, sizeof header, NULL, alignment)
               : status;
}

typedef struct extent {
    uint64_t offset;
    uint64_t size;
} extent;

static wsic_status read_footer(const wsic_env *env, const wsic_source *source, extent *index)
{
    const uint64_t end = source->size - WSIC_ARCHIVE_FOOTER_SIZE;
    uint8_t footer[WSIC_ARCHIVE_FOOTER_SIZE];

    const wsic_status status = wsic_source_read(env, source, end, footer, sizeof footer);
    if (status != WSIC_OK)
        return status;
    wsic_cursor cursor = wsic_cursor_make(footer, sizeof footer);
    index->offset = wsic_get_u64(&cursor);
    index->size = wsic_get_u64(&cursor);
    const uint64_t checksum = wsic_get_u64(&cursor);
    if (memcmp(wsic_take(&cursor, WSIC_ARCHIVE_MAGIC_SIZE), WSIC_ARCHIVE_END_MAGIC,
               WSIC_ARCHIVE_MAGIC_SIZE) != 0)
        return wsic_fail(env, WSIC_ERROR_TRUNCATED,
                         "the file does not end as an archive does: cut off, or never finished");
    if (checksum != wsic_checksum_of(footer, 16))
        return wsic_fail(env, WSIC_ERROR_CHECKSUM, "the footer of the archive is damaged");
    if (index->offset < WSIC_ARCHIVE_HEADER_SIZE || index->offset > end ||
        index->size != end - index->offset)
        return wsic_fail(env, WSIC_ERROR_FORMAT,
                         "an index of %" PRIu64 " bytes at offset %" PRIu64
                         " does not end at the footer",
                         index->size, index->offset);
    return WSIC_OK;
}

/* --- index --------------------------------------------------------------- */

/* Read the index record; *payload is a cursor over its heads within *record, which is
 * the caller's to release, on failure too. */
static wsic_status read_index(const wsic_env *env, const wsic_source *source, extent place,
                              wsic_bytes *record, wsic_cursor *payload)
{
    wsic_record_head head;

    if (place.size < WSIC_CHECKSUM_SIZE || place.size > SIZE_MAX)
        return wsic_fail(env, WSIC_ERROR_FORMAT, "an index cannot have %" PRIu64 " bytes",
                         place.size);
    const size_t covered = (size_t)place.size - WSIC_CHECKSUM_SIZE;
    uint8_t *const bytes = wsic_bytes_extend(record, (size_t)place.size);
    if (!bytes)
        return record->status;
    const wsic_status status =
        wsic_source_read(env, source, place.offset, bytes, (size_t)place.size);
    if (status != WSIC_OK)
        return status;
    wsic_cursor trailer = wsic_cursor_make(bytes + covered, WSIC_CHECKSUM_SIZE);
    if (wsic_get_u64(&trailer) != wsic_checksum_of(bytes, covered))
        return wsic_fail(env, WSIC_ERROR_CHECKSUM, "the index of the archive is damaged");
    *payload = wsic_cursor_make(bytes, covered);
    if (!wsic_get_record_head(payload, &head) || head.type != WSIC_RECORD_INDEX ||
        head.name_size != 0 || head.payload_size != wsic_cursor_left(payload))
        return wsic_fail(env, WSIC_ERROR_FORMAT, "the index of the archive is not an index");
    return WSIC_OK;
}

/* A walk over the index, which keeps account of where the records are. */
typedef struct index_walk {
    wsic_cursor cursor;
    wsic_record_place next;
    uint64_t end; /* of the last */
} index_walk;

static wsic_status check_name(const wsic_env *env, const wsic_record_head *head)
{
    if (!wsic_record_is_named(head))
        return wsic_fail(env, WSIC_ERROR_FORMAT,
                         "the index of the archive holds a name of %zu bytes that is none",
                         head->name_size);
    if (head->type == WSIC_RECORD_METADATA && head->payload_size > WSIC_ARCHIVE_VALUE_MAX)
        return wsic_fail(env, WSIC_ERROR_FORMAT, "metadata of %" PRIu64 " bytes, more than 16 MiB",
                         head->payload_size);
    return WSIC_OK;
}

static bool is_known(const wsic_record_head *head)
{
    return head->type == WSIC_RECORD_LAYER || head->type == WSIC_RECORD_METADATA;
}

static wsic_status next_record(const wsic_env *env, index_walk *walk, wsic_record_head *head,
                               wsic_record_place *place)
{
    *place = walk->next;
    if (!wsic_get_record_head(&walk->cursor, head) || head->type == WSIC_RECORD_INDEX)
        return wsic_fail(env, WSIC_ERROR_FORMAT,
                         "the index of the archive is malformed at byte %zu",
                         walk->cursor.position);
    if (head->payload_size > walk->end - place->offset || wsic_record_end(head, *place) > walk->end)
        return wsic_fail(env, WSIC_ERROR_FORMAT,
                         "a record of %" PRIu64 " bytes at offset %" PRIu64
                         " reaches into the index of the archive",
                         head->payload_size, place->offset);
    walk->next.offset = wsic_record_end(head, *place);
    return is_known(head) ? check_name(env, head) : WSIC_OK;
}

/* First pass: check, and count what has to be allocated. */
static wsic_status count_records(const wsic_env *env, index_walk walk, wsic_archive_input *input,
                                 size_t *name_bytes)
{
    wsic_record_head head;
    wsic_record_place place;

    while (wsic_cursor_left(&walk.cursor) != 0) {
        const wsic_status status = next_record(env, &walk, &head, &place);
        if (status != WSIC_OK)
            return status;
        if (!is_known(&head))
            continue;
        *name_bytes += head.name_size + 1;
        if (head.type == WSIC_RECORD_LAYER)
            input->layers.count++;
        else
            input->texts.count++;
    }
    if (walk.next.offset != walk.end)
        return wsic_fail(env, WSIC_ERROR_FORMAT,
                         "the index of the archive leaves out %" PRIu64 " bytes before it",
                         walk.end - walk.next.offset);
    return WSIC_OK;
}

/* Second pass: what the first has checked is taken down. */
static void list_records(const wsic_env *env, index_walk walk, wsic_archive_input *input)
{
    wsic_archive_item *layer = input->layers.items, *text = input->texts.items;
    char *name = input->names;
    wsic_record_head head;
    wsic_record_place place;

    while (wsic_cursor_left(&walk.cursor) != 0) {
        next_record(env, &walk, &head, &place);
        if (!is_known(&head))
            continue;
        wsic_archive_item *const item = head.type == WSIC_RECORD_LAYER ? layer++ : text++;
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): count_records() counted them */
        *item = (wsic_archive_item){name, place.offset, wsic_record_payload(&head, place),
                                    head.payload_size, NULL};
        memcpy(name, head.name, head.name_size);
        name[head.name_size] = '\0';
        name += head.name_size + 1;
    }
}

/* --- sorted lists -------------------------------------------------------- */

static int by_name(const void *left, const void *right)
{
    const wsic_archive_item *const a = *(const wsic_archive_item *const *)left;
    const wsic_archive_item *const b = *(const wsic_archive_item *const *)right;

    return strcmp(a->name, b->name);
}

static wsic_status sort_list(const wsic_env *env, wsic_archive_list *list)
{
    const wsic_archive_item **const sorted = list->sorted;

    for (size_t i = 0; i < list->count; i++)
        sorted[i] = &list->items[i];
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
    wsic_sort(sorted, list->count, sizeof *sorted, by_name);
    for (size_t i = 1; i < list->count; i++) {
        if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0)
            return wsic_fail(env, WSIC_ERROR_FORMAT, "the archive holds '%s' twice",
                             sorted[i]->name);
    }
    return WSIC_OK;
}

const wsic_archive_item *wsic_archive_list_find(const wsic_archive_list *list, const char *name)
{
    size_t low = 0, high = list->count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = strcmp(name, list->sorted[middle]->name);
        if (order == 0)
            return list->sorted[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static wsic_status allocate_list(const wsic_env *env, wsic_archive_list *list)
{
    wsic_status status = WSIC_OK;

    list->items = wsic_alloc_zero(env, list->count, sizeof *list->items, &status);
    if (!list->items)
        return status;
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
    list->sorted = wsic_alloc(env, list->count, sizeof *list->sorted, &status);
    return status;
}

/* --- the whole ----------------------------------------------------------- */

static wsic_status build_lists(const wsic_env *env, index_walk records, wsic_archive_input *input)
{
    size_t name_bytes = 0;

    wsic_status status = count_records(env, records, input, &name_bytes);
    if (status == WSIC_OK)
        status = allocate_list(env, &input->layers);
    if (status == WSIC_OK)
        status = allocate_list(env, &input->texts);
    if (status != WSIC_OK)
        return status;
    input->names = wsic_alloc(env, name_bytes, 1, &status);
    if (!input->names)
        return status;
    list_records(env, records, input);
    status = sort_list(env, &input->layers);
    return status == WSIC_OK ? sort_list(env, &input->texts) : status;
}

static wsic_status read_lists(const wsic_env *env, wsic_archive_input *input)
{
    extent place;
    wsic_bytes record;
    index_walk records = {.next.offset = WSIC_ARCHIVE_HEADER_SIZE};

    wsic_status status = check_header(env, &input->source, &input->alignment);
    if (status == WSIC_OK)
        status = read_footer(env, &input->source, &place);
    if (status != WSIC_OK)
        return status;
    records.next.alignment = input->alignment;
    records.end = place.offset;
    wsic_bytes_init(&record, env);
    status = read_index(env, &input->source, place, &record, &records.cursor);
    if (status == WSIC_OK)
        status = build_lists(env, records, input);
    wsic_bytes_release(&record);
    return status;
}

wsic_status wsic_archive_input_open(const wsic_env *env, wsic_source source,
                                    wsic_archive_input *input)
{
    *input = (wsic_archive_input){.source = source};
    wsic_status status = read_lists(env, input);
    for (size_t i = 0; status == WSIC_OK && i < input->texts.count; i++)
        status = read_text(env, &input->source, &input->texts.items[i]);
    if (status != WSIC_OK)
        wsic_archive_input_close(env, input);
    return status;
}

void wsic_archive_input_close(const wsic_env *env, wsic_archive_input *input)
{
    for (size_t i = 0; input->texts.items && i < input->texts.count; i++)
        wsic_free(env, input->texts.items[i].value);
    wsic_free(env, input->names);
    wsic_free(env, input->layers.items);
    wsic_free(env, (void *)(uintptr_t)input->layers.sorted);
    wsic_free(env, input->texts.items);
    wsic_free(env, (void *)(uintptr_t)input->texts.sorted);
    wsic_source_close(&input->source);
    *input = (wsic_archive_input){.names = NULL};
}
