/* SPDX-License-Identifier: MIT */
#include "decode_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void decode_table_begin(decode_table *table, const char *quantizer, double rate, double bits)
{
    if (table->count == DECODE_TABLE_LAYERS) {
        fputs("too many layers for a table\n", stderr);
        exit(1);
    }
    decode_line *const line = &table->lines[table->count++];
    *line = (decode_line){.bits = bits};
    snprintf(line->layer, sizeof line->layer, "%s, %g", quantizer, rate);
}

void decode_table_add(decode_table *table, const decode_cell *cell)
{
    decode_line *const line = &table->lines[table->count - 1];

    if (line->count < DECODE_TABLE_CELLS)
        line->cells[line->count++] = *cell;
}

/* NULL if it was not timed. Kernels may be NULL: whichever. */
static const decode_cell *find(const decode_line *line, const char *what, const char *kernels,
                               size_t tokens)
{
    for (size_t k = 0; k < line->count; k++) {
        const decode_cell *const cell = &line->cells[k];
        if (strcmp(cell->what, what) == 0 && cell->tokens == tokens &&
            (!kernels || strcmp(cell->kernels, kernels) == 0))
            return cell;
    }
    return NULL;
}

static void print_cell(const decode_cell *cell)
{
    if (cell)
        printf(" %.2f |", cell->ns);
    else
        printf(" |");
}

static void print_decoding(const decode_table *table)
{
    static const char *const general[] = {"memcpy", "zstd", "htscodecs_x32"};
    static const char *const kernels[] = {"c", "avx2", "avx512", "neon"};
    static const char *const whole[] = {"bare", "codes_i8", "codes_i8_rows"};

    printf("| ns a weight | memcpy | zstd -d | htscodecs X32 |");
    for (size_t k = 0; k < 4; k++) {
        if (find(&table->lines[0], "bare", kernels[k], 0))
            printf(" %s: tiles | I8 | 64 rows |", kernels[k]);
    }
    printf("\n|---|---|---|---|");
    for (size_t k = 0; k < 4; k++) {
        if (find(&table->lines[0], "bare", kernels[k], 0))
            printf("---|---|---|");
    }
    for (size_t i = 0; i < table->count; i++) {
        const decode_line *const line = &table->lines[i];
        printf("\n| %s |", line->layer);
        for (size_t k = 0; k < 3; k++)
            print_cell(find(line, general[k], NULL, 0));
        for (size_t k = 0; k < 4; k++) {
            for (size_t w = 0; w < 3 && find(line, "bare", kernels[k], 0); w++)
                print_cell(find(line, whole[w], kernels[k], 0));
        }
    }
    printf("\n");
}

static void print_products(const decode_table *table)
{
    static const size_t tokens[] = {1, 2, 4, 8, 16, 64};

    printf("\n| ns a weight: product, BLAS on f32 | bits a weight in memory, f32: 32 |");
    for (size_t k = 0; k < 6; k++)
        printf(" %zu token%s |", tokens[k], tokens[k] == 1 ? "" : "s");
    printf("\n|---|---|---|---|---|---|---|---|");
    for (size_t i = 0; i < table->count; i++) {
        const decode_line *const line = &table->lines[i];
        printf("\n| %s | %.2f |", line->layer, line->bits);
        for (size_t k = 0; k < 6; k++) {
            const decode_cell *const cell = find(line, "product", NULL, tokens[k]);
            if (cell)
                printf(" %.2f, %.2f |", cell->ns, cell->blas_ns);
            else
                printf(" |");
        }
    }
    printf("\n");
}

void decode_table_print(const decode_table *table)
{
    if (table->count == 0)
        return;
    print_decoding(table);
    print_products(table);
}
