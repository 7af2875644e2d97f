/* SPDX-License-Identifier: MIT */
/* General decoders that decoding is measured against, where they are installed. */
#ifndef BENCH_ENTROPY_CODERS_H
#define BENCH_ENTROPY_CODERS_H

#include <stddef.h>
#include <stdint.h>

/* Bytes that were coded, and how to get them back. */
typedef struct entropy_coded {
    const char *name;
    uint8_t *bytes; /* released with free() */
    size_t size;
    size_t count; /* of the symbols */
    void (*decode)(const struct entropy_coded *coded, uint8_t *out);
} entropy_coded;

enum { ENTROPY_CODERS_MOST = 2 };

/* Code the symbols with each coder that this program was built with; returns how many there are.
 * Ends the program if one fails. */
size_t entropy_coders_run(const uint8_t *symbols, size_t count, entropy_coded *coded);

#endif
