/* SPDX-License-Identifier: MIT */
/* What bench/decode has timed, as tables in Markdown: a line for each layer. */
#ifndef BENCH_DECODE_TABLE_H
#define BENCH_DECODE_TABLE_H

#include <stddef.h>

enum { DECODE_TABLE_CELLS = 96, DECODE_TABLE_LAYERS = 32 };

/* Something that was timed; tokens is 0 where there are none. */
typedef struct decode_cell {
    const char *what;
    const char *kernels;
    size_t tokens;
    double ns;      /* a weight */
    double blas_ns; /* of the same product, or 0 */
} decode_cell;

typedef struct decode_line {
    char layer[32];
    double bits; /* a weight, in memory */
    decode_cell cells[DECODE_TABLE_CELLS];
    size_t count;
} decode_line;

typedef struct decode_table {
    decode_line lines[DECODE_TABLE_LAYERS];
    size_t count;
} decode_table;

/* Begin a line; its memory in bits a weight. Ends the program if there are too many. */
void decode_table_begin(decode_table *table, const char *quantizer, double rate, double bits);
void decode_table_add(decode_table *table, const decode_cell *cell);
/* A table of decoding by kernels, and one of products. */
void decode_table_print(const decode_table *table);

#endif
