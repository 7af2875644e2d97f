/* SPDX-License-Identifier: MIT */
/* "normalizer" of tokenizer.json. */
#ifndef EXAMPLES_TEXT_NORMALIZER_H
#define EXAMPLES_TEXT_NORMALIZER_H

#include <jansson.h>

#include "text/stage.h"

/* Add its stages to a chain: NFC, Prepend, Replace of a text, Sequence of them, or null. Others are
 * refused by their name. */
bool normalizer_read(struct chain *chain, const json_t *json, struct failure *failure);

#endif
