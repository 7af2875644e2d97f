/* SPDX-License-Identifier: MIT */
/* Tokens that are kept on the disk until it is known how many they are: which of them make up an
 * even sample depends on that, and all of them may be more than memory holds. */
#ifndef EXAMPLES_LLM_TEXT_SPOOL_H
#define EXAMPLES_LLM_TEXT_SPOOL_H

#include <stdio.h>

#include "common/tokens.h"

struct spool {
    FILE *file; /* without a name; gone when it is closed */
    size_t count;
};

bool spool_open(struct spool *spool, struct failure *failure);
/* For a token_sink: self is the spool. */
bool spool_take(void *self, const uint32_t *tokens, size_t count, struct failure *failure);
/* The same tokens that tokens_sample() would keep of all. */
bool spool_sample(struct spool *spool, size_t window, size_t most, struct tokens *tokens,
                  struct failure *failure);
void spool_close(struct spool *spool);

#endif
