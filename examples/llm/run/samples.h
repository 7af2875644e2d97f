/* SPDX-License-Identifier: MIT */
/* Fingerprints of what is too large to be read twice: sizes, and a few pieces of the contents,
 * spread evenly. What is small counts as a whole. */
#ifndef EXAMPLES_LLM_RUN_SAMPLES_H
#define EXAMPLES_LLM_RUN_SAMPLES_H

#include <stdint.h>

#include "common/failure.h"
#include "common/safetensors.h"

/* With its name, type and shape. */
uint64_t samples_of_tensor(uint64_t fingerprint, const struct tensor *tensor);

/* Whatever its name is. */
bool samples_of_file(uint64_t *fingerprint, const char *path, struct failure *failure);

#endif
