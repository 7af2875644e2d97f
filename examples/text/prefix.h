/* SPDX-License-Identifier: MIT */
/* A stage that puts text before pieces. */
#ifndef EXAMPLES_TEXT_PREFIX_H
#define EXAMPLES_TEXT_PREFIX_H

#include "text/stage.h"

enum prefix_where {
    PREFIX_EVERYWHERE,
    PREFIX_UNLESS_THERE, /* before pieces that do not begin with it */
    PREFIX_FIRST         /* likewise, but only before the first piece of the text, and if there is
                          * no token before that */
};

/* Copies the prefix. */
struct stage *prefix_create(const char *prefix, enum prefix_where where, struct failure *failure);

#endif
