/* SPDX-License-Identifier: MIT */
/* Pieces of a vocabulary for people to read. */
#ifndef EXAMPLES_LLM_TEXT_PIECE_H
#define EXAMPLES_LLM_TEXT_PIECE_H

#include <stdio.h>

#include "text/tokenizer.h"

/* Print a line: the token's number, a tab, and its piece in quotation marks. Control characters and
 * bytes that are no UTF-8 by themselves are written \n, \t, \r or \xHH. */
void piece_print(FILE *stream, const struct tokenizer *tokenizer, uint32_t token);

#endif
