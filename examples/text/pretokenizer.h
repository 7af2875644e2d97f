/* SPDX-License-Identifier: MIT */
/* "pre_tokenizer" of tokenizer.json. */
#ifndef EXAMPLES_TEXT_PRETOKENIZER_H
#define EXAMPLES_TEXT_PRETOKENIZER_H

#include <jansson.h>

#include "text/stage.h"

/* Add its stages to a chain: Split, ByteLevel, Metaspace, Digits, Sequence of them, or null. Others
 * are refused by their name. Notes whether the vocabulary is byte-level. */
bool pretokenizer_read(struct chain *chain, const json_t *json, bool *byte_level,
                       struct failure *failure);

#endif
