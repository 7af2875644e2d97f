/* SPDX-License-Identifier: MIT */
/* Matrices of a checkpoint by the names of its tensors, whatever its architecture is. */
#ifndef EXAMPLES_LLM_RUN_MATRICES_H
#define EXAMPLES_LLM_RUN_MATRICES_H

#include "llm/model/stored.h"

enum { MATRIX_NAME_SIZE = 192 };

/* A tensor of three dimensions is one matrix for each index of the first: NAME.0, NAME.1, ... */
struct matrix {
    char name[MATRIX_NAME_SIZE];
    struct stored stored;
};

struct matrices {
    struct matrix *of; /* in the order of files and of their bytes */
    size_t count;
    size_t vectors; /* tensors of one dimension that match as well, and stay as they are */
};

/* patterns: "PATTERN,PATTERN,...", as of the shell. Each must match a matrix. block: of FP8
 * (stored.h). Nothing is read but headers. */
bool matrices_find(struct matrices *matrices, struct checkpoint *checkpoint, const char *patterns,
                   const size_t block[2], struct failure *failure);
void matrices_free(struct matrices *matrices);

#endif
