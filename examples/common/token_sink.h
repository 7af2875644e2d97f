/* SPDX-License-Identifier: MIT */
/* Where tokens go, one stretch after the other. */
#ifndef EXAMPLES_TOKEN_SINK_H
#define EXAMPLES_TOKEN_SINK_H

#include <stddef.h>
#include <stdint.h>

#include "common/failure.h"

struct token_sink {
    bool (*take)(void *self, const uint32_t *tokens, size_t count, struct failure *failure);
    void *self;
};

#endif
