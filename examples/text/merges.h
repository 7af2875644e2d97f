/* SPDX-License-Identifier: MIT */
/* Which two neighbours byte-pair encoding joins, and which pair first. */
#ifndef EXAMPLES_TEXT_MERGES_H
#define EXAMPLES_TEXT_MERGES_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "common/failure.h"

struct merge {
    uint32_t left;
    uint32_t right;
    uint32_t rank; /* lower ones go first */
    uint32_t product;
};

struct merges {
    struct merge *slots; /* by the hash of left and right; product is PIECES_NONE in empty ones */
    size_t slots_mask;
};

/* Read "merges" of a BPE model: "left right" or ["left", "right"], in the order of their ranks;
 * of equal pairs the last one counts. Their texts and those of their products are in "vocab". */
bool merges_read(struct merges *merges, const json_t *list, const json_t *vocabulary,
                 struct failure *failure);
void merges_free(struct merges *merges);

/* What two tokens become; NULL if they stay two. */
const struct merge *merges_find(const struct merges *merges, uint32_t left, uint32_t right);

#endif
