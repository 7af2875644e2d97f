/* SPDX-License-Identifier: MIT */
/* Quantizing matrices of a checkpoint whose architecture need not be known: by the names of its
 * tensors, one after the other, with statistics of others or none. */
#ifndef EXAMPLES_LLM_COMMAND_TENSORS_H
#define EXAMPLES_LLM_COMMAND_TENSORS_H

#include "llm/command/options.h"

enum outcome command_tensors(const struct options *options, struct failure *failure);

#endif
