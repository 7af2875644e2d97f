/* SPDX-License-Identifier: MIT */
#include "llm/text/text.h"

#include <stdio.h>

bool text_load(struct tokens *tokens, const char *path, const struct config *config,
               struct failure *failure)
{
    if (!tokens_load(tokens, path, config->vocabulary, failure))
        return false;
    if (tokens_numbers(path) < config->vocabulary)
        fprintf(stderr,
                "watersic-llm: warning: %s: numbers of 16 bits name %zu tokens of a vocabulary of "
                "%zu: are these tokens of this model?\n",
                path, tokens_numbers(path), config->vocabulary);
    return true;
}
