/* SPDX-License-Identifier: MIT */
/* The bytes of an archive. docs/format.md, section "Archive", is the normative
 * description. Writing and reading are separate files, so that a decoder can be built
 * without the encoder. */
#ifndef WSIC_FORMAT_ARCHIVE_FORMAT_H
#define WSIC_FORMAT_ARCHIVE_FORMAT_H

#include "base/bytes.h"
#include "base/env.h"
#include "base/file.h"

enum {
    WSIC_ARCHIVE_VERSION = 2,
    WSIC_ARCHIVE_MAGIC_SIZE = 8,
    WSIC_ARCHIVE_HEADER_SIZE = 12,
    WSIC_ARCHIVE_FOOTER_SIZE = 32,
    WSIC_ARCHIVE_NAME_MAX = 65535,
    WSIC_ARCHIVE_KEY_MAX = 255,
    WSIC_ARCHIVE_VALUE_MAX = 16 << 20,
    WSIC_ARCHIVE_ALIGNMENT_MIN = 64, /* and what a writer takes unless it is told */
    WSIC_ARCHIVE_ALIGNMENT_MAX = 65536
};

#define WSIC_ARCHIVE_MAGIC     "WSICARCH"
#define WSIC_ARCHIVE_END_MAGIC "WSICDONE"

/* Types of records. A reader skips those that it does not know. */
enum { WSIC_RECORD_LAYER = 1, WSIC_RECORD_METADATA = 2, WSIC_RECORD_INDEX = 3 };

/* --- both sides (archive_format.c) --------------------------------------- */

/* The header of an archive whose layers lie at multiples of alignment, a power of two. */
void wsic_put_archive_header(uint8_t header[WSIC_ARCHIVE_HEADER_SIZE], uint64_t alignment);
/* Check the first size bytes of a header, at most all of it, and tell the alignment; path goes
 * into the message and may be NULL. */
wsic_status wsic_check_archive_header(const wsic_env *env, const uint8_t *bytes, size_t size,
                                      const char *path, uint64_t *alignment);

/* How a record begins. The index is a list of heads, in the order of the records: since
 * records follow each other without gaps, their offsets need not be stored. */
typedef struct wsic_record_head {
    unsigned type;
    const char *name; /* without NUL */
    size_t name_size;
    uint64_t payload_size;
} wsic_record_head;

/* Where a record is, in an archive of this alignment. */
typedef struct wsic_record_place {
    uint64_t offset;
    uint64_t alignment;
} wsic_record_place;

size_t wsic_record_head_size(const wsic_record_head *head);
/* Zeros between the head and the payload of a layer bring that to a multiple of the alignment. */
uint64_t wsic_record_payload(const wsic_record_head *head, wsic_record_place place);
/* Behind payload and checksum. */
uint64_t wsic_record_end(const wsic_record_head *head, wsic_record_place place);
void wsic_put_record_head(wsic_bytes *bytes, const wsic_record_head *head);
/* What stands before the payload: the head and the zeros. */
void wsic_put_record_front(wsic_bytes *bytes, const wsic_record_head *head,
                           wsic_record_place place);
/* False if the cursor does not stand at a head in its shortest form; the name points
 * into the cursor's bytes. */
bool wsic_get_record_head(wsic_cursor *cursor, wsic_record_head *head);

/* Well-formed UTF-8 without NUL? */
bool wsic_is_text(const char *text, size_t size);
/* Is the name one that layers or metadata, whichever it is, may have? */
bool wsic_record_is_named(const wsic_record_head *head);

/* What is known of a record. */
typedef struct wsic_archive_item {
    const char *name;
    uint64_t offset;  /* of the record */
    uint64_t payload; /* offset of its payload */
    uint64_t payload_size;
    char *value; /* of metadata */
} wsic_archive_item;

/* --- writing (archive_write.c) ------------------------------------------- */

/* A metadata entry: key and value, each ended by NUL, stand behind it. */
typedef struct wsic_archive_text {
    struct wsic_archive_text *next;
    bool stored; /* in the file already */
    size_t key_size;
    size_t value_size;
    char bytes[];
} wsic_archive_text;

/* A layer that is in the file; the name stands behind it. */
typedef struct wsic_archive_entry {
    struct wsic_archive_entry *next;
    wsic_archive_item item;
    char name[];
} wsic_archive_entry;

typedef struct wsic_archive_output {
    wsic_file_writer file;
    bool durable;       /* every layer is brought to the disk, and all texts before it */
    uint64_t alignment; /* of layers */
    uint64_t position;  /* behind the last complete record */
    wsic_bytes index;   /* heads of the records */
    wsic_archive_text *texts;
    wsic_archive_text **last_text; /* where the next one is to be linked */
    wsic_archive_entry *layers;
    wsic_archive_entry **last_layer;
    size_t count; /* of layers */
} wsic_archive_output;

/* env must live as long as the output. Arguments have been checked by the caller. On
 * failure the output is as before. */
wsic_status wsic_archive_output_open(const wsic_env *env, const char *path,
                                     wsic_archive_output *output);
void wsic_archive_output_close(const wsic_env *env, wsic_archive_output *output);
/* WSIC_ERROR_STATE if the file holds another value already. */
wsic_status wsic_archive_output_text(const wsic_env *env, wsic_archive_output *output,
                                     const char *key, const char *value);
wsic_status wsic_archive_output_layer(const wsic_env *env, wsic_archive_output *output,
                                      const char *name, const void *bytes, size_t size);
/* NULL if there is none of that key or name, or not as many layers. */
const wsic_archive_text *wsic_archive_output_find(const wsic_archive_output *output,
                                                  const char *key);
const wsic_archive_entry *wsic_archive_output_has(const wsic_archive_output *output,
                                                  const char *name);
const wsic_archive_entry *wsic_archive_output_at(const wsic_archive_output *output, size_t index);
const char *wsic_archive_text_value(const wsic_archive_text *text);
/* Size of the finished file, with a layer of that name and size if name is not NULL. */
uint64_t wsic_archive_output_size(const wsic_archive_output *output, const char *name,
                                  uint64_t layer_size);
/* Before the first layer only. */
wsic_status wsic_archive_output_align(const wsic_env *env, wsic_archive_output *output,
                                      uint64_t alignment);
wsic_status wsic_archive_output_finish(const wsic_env *env, wsic_archive_output *output);

/* The parts of opening: an output without a file, and the header of an empty one. */
void wsic_archive_output_init(const wsic_env *env, wsic_archive_output *output);
wsic_status wsic_archive_output_begin(const wsic_env *env, wsic_archive_output *output);
/* Take down a record that is in the file at output->position, and move that behind it. Whether
 * the name is there already is for the caller to find out. */
wsic_status wsic_archive_output_stored_layer(const wsic_env *env, wsic_archive_output *output,
                                             const wsic_record_head *head);
wsic_status wsic_archive_output_stored_text(const wsic_env *env, wsic_archive_output *output,
                                            const char *key, const char *value);

/* --- going on with an unfinished file (archive_resume.c) ------------------ */

/* As wsic_archive_output_open(), with what the unfinished file of that path holds. On failure that
 * file is as before. */
wsic_status wsic_archive_output_resume(const wsic_env *env, const char *path,
                                       wsic_archive_output *output);

/* --- reading (archive_read.c) -------------------------------------------- */

/* Items in the order of the file, and the same sorted by name. */
typedef struct wsic_archive_list {
    size_t count;
    wsic_archive_item *items;
    const wsic_archive_item **sorted;
} wsic_archive_list;

typedef struct wsic_archive_input {
    wsic_source source;
    uint64_t alignment;
    char *names; /* of all items */
    wsic_archive_list layers;
    wsic_archive_list texts;
} wsic_archive_input;

/* Takes over the source, on failure too. */
wsic_status wsic_archive_input_open(const wsic_env *env, wsic_source source,
                                    wsic_archive_input *input);
void wsic_archive_input_close(const wsic_env *env, wsic_archive_input *input);
/* NULL if there is none of that name. */
const wsic_archive_item *wsic_archive_list_find(const wsic_archive_list *list, const char *name);
/* Append the bytes of a layer after checking its record. */
wsic_status wsic_archive_read_layer(const wsic_env *env, const wsic_source *source,
                                    const wsic_archive_item *item, wsic_bytes *bytes);
/* Borrow the bytes of a layer from the memory that the source has. What stands before them is
 * checked; the layer itself has a checksum of its own. */
wsic_status wsic_archive_borrow_layer(const wsic_env *env, const wsic_source *source,
                                      const wsic_archive_item *item, const uint8_t **bytes);

#endif
