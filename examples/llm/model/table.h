/* SPDX-License-Identifier: MIT */
/* A matrix with one row for every token of the vocabulary: the embedding, or the head. It is large
 * beside a block, so that it stays in the checkpoint unless the caller wants it in memory. */
#ifndef EXAMPLES_LLM_MODEL_TABLE_H
#define EXAMPLES_LLM_MODEL_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/safetensors.h"

struct table {
    size_t rows;
    size_t columns;
    const struct tensor *stored;
    float *values; /* all of it, if it is in memory; else NULL, and rows come from the checkpoint */
};

/* Have all of it in memory. */
bool table_load(struct table *table, struct failure *failure);

/* Leave it to the checkpoint again. */
void table_unload(struct table *table);

/* Copy rows. Refuses those that hold what is not finite. */
bool table_read(const struct table *table, size_t first, size_t count, float *out,
                struct failure *failure);

/* Let the pages of the checkpoint go that reading has brought into memory. */
void table_release(const struct table *table);

#endif
