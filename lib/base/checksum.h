/* SPDX-License-Identifier: MIT */
/* XXH3-64 with seed 0, the checksum of every format. xxhash is a header that is compiled
 * in: checksum.c is the only file that sees it. */
#ifndef WSIC_BASE_CHECKSUM_H
#define WSIC_BASE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

enum { WSIC_CHECKSUM_SIZE = 8 };

/* Room for the state of xxhash. */
typedef struct wsic_checksum {
    unsigned char state[640];
} wsic_checksum;

uint64_t wsic_checksum_of(const void *data, size_t size);

/* The same in pieces. */
void wsic_checksum_begin(wsic_checksum *checksum);
void wsic_checksum_add(wsic_checksum *checksum, const void *data, size_t size);
uint64_t wsic_checksum_end(const wsic_checksum *checksum);

#endif
