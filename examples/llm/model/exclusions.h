/* SPDX-License-Identifier: MIT */
/* What is kept out of quantization: layers that stay as they are in the checkpoint, and rows that
 * become zero before anything else is done. */
#ifndef EXAMPLES_LLM_MODEL_EXCLUSIONS_H
#define EXAMPLES_LLM_MODEL_EXCLUSIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/failure.h"
#include "llm/model/config.h"

/* Of one layer. Columns of down that take what zero rows of gate or up have left are listed as
 * well: their input is always 0. */
struct exclusion {
    bool skipped;
    size_t *rows;
    size_t row_count;
    size_t *columns;
    size_t column_count;
};

struct exclusions {
    size_t layers;
    struct exclusion *of; /* every layer */
};

/* skip: "NAME,NAME,...", zero_rows: "NAME:ROW,ROW,...;NAME:..."; either may be NULL. Names are
 * those of tensors, or patterns as of the shell that match some. */
bool exclusions_create(struct exclusions *exclusions, const struct config *config, const char *skip,
                       const char *zero_rows, struct failure *failure);
void exclusions_free(struct exclusions *exclusions);

#endif
