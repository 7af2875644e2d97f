/* SPDX-License-Identifier: MIT */
/* A stage that replaces one text by another wherever it occurs in a piece. */
#ifndef EXAMPLES_TEXT_REPLACE_H
#define EXAMPLES_TEXT_REPLACE_H

#include "text/stage.h"

/* Copies both; `from` must not be empty. */
struct stage *replace_create(const char *from, const char *to, struct failure *failure);

#endif
