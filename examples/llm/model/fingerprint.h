/* SPDX-License-Identifier: MIT */
/* Fingerprints: numbers that tell whether something is what it was when a file was written. Parts
 * are added one after the other, beginning with 0. Not proof against those who mean to deceive. */
#ifndef EXAMPLES_LLM_MODEL_FINGERPRINT_H
#define EXAMPLES_LLM_MODEL_FINGERPRINT_H

#include <stdint.h>

#include "common/tokens.h"
#include "llm/model/model.h"

uint64_t fingerprint_add(uint64_t fingerprint, const void *data, size_t size);
uint64_t fingerprint_number(uint64_t fingerprint, double number);
uint64_t fingerprint_text(uint64_t fingerprint, const char *text);
uint64_t fingerprint_tokens(uint64_t fingerprint, const struct tokens *tokens);

/* What the model computes: configuration and tensors. */
uint64_t fingerprint_checkpoint(uint64_t fingerprint, const struct model *model);

/* The same and what is kept out of it (exclusions.h). */
uint64_t fingerprint_model(uint64_t fingerprint, const struct model *model);

enum { FINGERPRINT_SIZE = 17 };

/* As hexadecimal digits. */
void fingerprint_print(uint64_t fingerprint, char text[FINGERPRINT_SIZE]);

#endif
