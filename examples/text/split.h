/* SPDX-License-Identifier: MIT */
/* A stage that splits pieces where an expression matches. */
#ifndef EXAMPLES_TEXT_SPLIT_H
#define EXAMPLES_TEXT_SPLIT_H

#include "text/expression.h"
#include "text/stage.h"

/* What becomes of a match, and of the text between matches. */
enum split_behavior {
    SPLIT_REMOVED,              /* matches are left out */
    SPLIT_ISOLATED,             /* each is a piece of its own */
    SPLIT_MERGED_WITH_PREVIOUS, /* it ends the piece of text before it */
    SPLIT_MERGED_WITH_NEXT,     /* it begins the piece of text behind it */
    SPLIT_CONTIGUOUS            /* neighbouring matches are one piece */
};

/* The expression is the stage's from now on, also on failure. Inverted: what matches is the text,
 * what is between are the matches. */
struct stage *split_create(struct expression *expression, enum split_behavior behavior,
                           bool inverted, struct failure *failure);

#endif
