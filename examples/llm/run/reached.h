/* SPDX-License-Identifier: MIT */
/* Experts that the text does not reach. */
#ifndef EXAMPLES_LLM_RUN_REACHED_H
#define EXAMPLES_LLM_RUN_REACHED_H

#include "llm/run/routes.h"

/* Name on standard error those of a block that no token goes to. */
void reached_tell(const struct routes *routes, const struct config *config, size_t block);

#endif
