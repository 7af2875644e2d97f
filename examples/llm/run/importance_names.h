/* SPDX-License-Identifier: MIT */
/* What llama.cpp calls the layers of checkpoints in the layout of Hugging Face. */
#ifndef EXAMPLES_LLM_RUN_IMPORTANCE_NAMES_H
#define EXAMPLES_LLM_RUN_IMPORTANCE_NAMES_H

#include <stdbool.h>
#include <stddef.h>

enum { IMPORTANCE_NAME_SIZE = 128 };

/* *expert: the number of an expert that shares its name with others; 0 for other layers. False: not
 * known. */
bool importance_name(const char *name, char translated[IMPORTANCE_NAME_SIZE], size_t *expert);

#endif
