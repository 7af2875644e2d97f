/* SPDX-License-Identifier: MIT */
/* A text for a model. */
#ifndef EXAMPLES_LLM_TEXT_TEXT_H
#define EXAMPLES_LLM_TEXT_TEXT_H

#include "common/tokens.h"
#include "llm/model/config.h"

/* Load tokens of the model's vocabulary (tokens.h). Warns on standard error where the numbers of
 * the file are too short to name all of it. */
bool text_load(struct tokens *tokens, const char *path, const struct config *config,
               struct failure *failure);

#endif
