/* SPDX-License-Identifier: MIT */
/* The bytes of an archive. docs/format.md, section "Archive", is the normative
 * description. Writing and reading are separate files, so that a decoder can be built
 * without the encoder. */
#ifndef WSIC_FORMAT_ARCHIVE_FORMAT_H
#define WSIC_FORMAT_ARCHIVE_FORMAT_H

#include "base/env.h"
#include "base/file.h"
#include "format/bytes.h"

enum {
    WSIC_ARCHIVE_VERSION = 1,
    WSIC_ARCHIVE_MAGIC_SIZE = 8,
    WSIC_ARCHIVE_HEADER_SIZE = 12,
    WSIC_ARCHIVE_FOOTER_SIZE = 32,
    WSIC_ARCHIVE_NAME_MAX = 65535,
    WSIC_ARCHIVE_KEY_MAX = 255,
    WSIC_ARCHIVE_VALUE_MAX = 16 << 20
};

#define WSIC_ARCHIVE_MAGIC     "WSICARCH"
#define WSIC_ARCHIVE_END_MAGIC "WSICDONE"

/* Types of records. A reader skips those that it does not know. */
enum { WSIC_RECORD_LAYER = 1, WSIC_RECORD_METADATA = 2, WSIC_RECORD_INDEX = 3 };

/* --- both sides (archive_format.c) --------------------------------------- */

/* How a record begins. The index is a list of heads, in the order of the records: since
 * records follow each other without gaps, their offsets need not be stored. */
typedef struct wsic_record_head {
    unsigned type;
    const char *name; /* without NUL */
    size_t name_size;
    uint64_t payload_size;
} wsic_record_head;

size_t wsic_record_head_size(const wsic_record_head *head);
/* Head, payload and checksum. */
uint64_t wsic_record_size(const wsic_record_head *head);
void wsic_put_record_head(wsic_bytes *bytes, const wsic_record_head *head);
/* False if the cursor does not stand at a head in its shortest form; the name points
 * into the cursor's bytes. */
bool wsic_get_record_head(wsic_cursor *cursor, wsic_record_head *head);

/* Well-formed UTF-8 without NUL? */
bool wsic_is_text(const char *text, size_t size);

/* --- writing (archive_write.c) ------------------------------------------- */

/* A metadata entry: key and value, each ended by NUL, stand behind it. */
typedef struct wsic_archive_text {
    struct wsic_archive_text *next;
    size_t key_size;
    size_t value_size;
    char bytes[];
} wsic_archive_text;

typedef struct wsic_archive_output {
    wsic_file_writer file;
    uint64_t position; /* behind the last complete record */
    wsic_bytes index;  /* heads of the layers */
    wsic_archive_text *texts;
} wsic_archive_output;

/* env must live as long as the output. Arguments have been checked by the caller. On
 * failure the output is as before. */
wsic_status wsic_archive_output_open(const wsic_env *env, const char *path,
                                     wsic_archive_output *output);
void wsic_archive_output_close(const wsic_env *env, wsic_archive_output *output);
wsic_status wsic_archive_output_text(const wsic_env *env, wsic_archive_output *output,
                                     const char *key, const char *value);
bool wsic_archive_output_has(const wsic_archive_output *output, const char *name);
wsic_status wsic_archive_output_layer(const wsic_env *env, wsic_archive_output *output,
                                      const char *name, const void *bytes, size_t size);
/* Size of the finished file, with an empty layer of that name if name is not NULL. */
uint64_t wsic_archive_output_size(const wsic_archive_output *output, const char *name);
wsic_status wsic_archive_output_finish(const wsic_env *env, wsic_archive_output *output);

/* --- reading (archive_read.c) -------------------------------------------- */

typedef struct wsic_archive_item {
    const char *name;
    uint64_t offset; /* of the record */
    uint64_t payload_size;
    char *value; /* of metadata */
} wsic_archive_item;

/* Items in the order of the file, and the same sorted by name. */
typedef struct wsic_archive_list {
    size_t count;
    wsic_archive_item *items;
    const wsic_archive_item **sorted;
} wsic_archive_list;

typedef struct wsic_archive_input {
    wsic_source source;
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
wsic_status wsic_archive_input_layer(const wsic_env *env, const wsic_archive_input *input,
                                     const wsic_archive_item *item, wsic_bytes *bytes);

#endif
