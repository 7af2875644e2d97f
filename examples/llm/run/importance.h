/* SPDX-License-Identifier: MIT */
/* Importance matrices of llama.cpp: of every layer the mean square of each input, the diagonal of
 * its covariance. Read from the old format (.dat) and from GGUF. */
#ifndef EXAMPLES_LLM_RUN_IMPORTANCE_H
#define EXAMPLES_LLM_RUN_IMPORTANCE_H

#include <stddef.h>

#include "common/failure.h"

struct importance;

bool importance_open(struct importance **out, const char *path, struct failure *failure);
void importance_close(struct importance *importance);

/* The diagonal for a matrix of a checkpoint in the layout of Hugging Face, whose name is translated
 * into llama.cpp's. A name that has no translation, or of which nothing is there, is refused; so is
 * another number of inputs, and what is negative or not finite. */
bool importance_diagonal(const struct importance *importance, const char *name, size_t columns,
                         double *diagonal, struct failure *failure);

#endif
