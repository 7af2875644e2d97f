/* SPDX-License-Identifier: MIT */
/* Bytes that can be read by range: a file, or memory of the caller. Any number of threads may
 * read one source at the same time. errno is what it was before. */
#ifndef WSIC_BASE_SOURCE_H
#define WSIC_BASE_SOURCE_H

#include "base/env.h"

typedef struct wsic_source {
    const uint8_t *memory; /* all bytes: the caller's or the mapping; NULL: neither */
    int descriptor;        /* -1: there is no file, the bytes are in memory */
    bool owned;            /* descriptor and mapping go with the source */
    uint64_t size;
} wsic_source;

wsic_status wsic_source_open(const wsic_env *env, const char *path, wsic_source *source);
/* Map the open file, so that its bytes can be borrowed: memory stays NULL where the system
 * refuses. Ranges are read from the file as before: where it shrinks they come back with a
 * status, while a look at the mapping raises SIGBUS. */
void wsic_source_map(wsic_source *source);
wsic_source wsic_source_memory(const void *bytes, size_t size);
/* WSIC_ERROR_TRUNCATED if the range is not within the source. */
wsic_status wsic_source_read(const wsic_env *env, const wsic_source *source, uint64_t offset,
                             void *data, size_t size);
void wsic_source_close(wsic_source *source);

#endif
