/* SPDX-License-Identifier: MIT */
/* One vector for every token of a text, such as its states at some place of a model: in memory, or
 * in a file, which appears under its name only when it is complete. They are written once, token
 * after token, and then read in any order. */
#ifndef EXAMPLES_LLM_MODEL_STATES_H
#define EXAMPLES_LLM_MODEL_STATES_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#include "common/atomic_file.h"

struct states {
    size_t tokens;
    size_t length;       /* of a vector */
    float *values;       /* NULL where they are in a file */
    size_t written;      /* tokens */
    char path[PATH_MAX]; /* empty: in memory */
    atomic_file out;     /* while it is written */
    FILE *in;            /* while it is read */
};

/* Begin to write. path: NULL for memory. */
bool states_begin(struct states *states, const char *path, size_t tokens, size_t length,
                  struct failure *failure);

/* Write the vectors of the next tokens. */
bool states_add(struct states *states, const float *vectors, size_t count, struct failure *failure);

/* All tokens have been written: from now on they can be read. */
bool states_finish(struct states *states, struct failure *failure);

/* Whether a file of this name holds that many vectors of that length. */
bool states_are_there(const char *path, size_t tokens, size_t length);

/* Read what an earlier run has written. */
bool states_open(struct states *states, const char *path, size_t tokens, size_t length,
                 struct failure *failure);

bool states_read(struct states *states, size_t first, size_t count, float *vectors,
                 struct failure *failure);

/* Release; a file that was not finished is not left behind, others stay. */
void states_close(struct states *states);

#endif
