/* SPDX-License-Identifier: MIT */
/* A stage that brings text to the Unicode normalization form C. */
#ifndef EXAMPLES_TEXT_COMPOSE_H
#define EXAMPLES_TEXT_COMPOSE_H

#include "text/stage.h"

struct stage *compose_create(struct failure *failure);

#endif
