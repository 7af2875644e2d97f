/* SPDX-License-Identifier: MIT */
/* What a command writes must not be what it reads. */
#ifndef EXAMPLES_LLM_COMMAND_OUTPUT_FILES_H
#define EXAMPLES_LLM_COMMAND_OUTPUT_FILES_H

#include "llm/model/model.h"
#include "llm/command/options.h"

/* Refuse a file to be written that is one to be read, whatever both are called; the message names
 * both. An archive may be tuned onto itself. */
bool output_files_check(const struct options *options, const struct model *model,
                        struct failure *failure);

#endif
