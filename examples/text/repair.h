/* SPDX-License-Identifier: MIT */
/* From bytes to valid UTF-8. */
#ifndef EXAMPLES_TEXT_REPAIR_H
#define EXAMPLES_TEXT_REPAIR_H

#include "text/bytes.h"
#include "text/stage.h"
#include "text/tokenizer.h"

struct repair {
    struct stage *next;
    struct text_repairs repairs;
    uint64_t read;     /* bytes of the text before `text` */
    struct bytes text; /* what is not handed on yet: the beginning of a character */
    bool any;          /* something was handed on */
};

/* Hand on bytes, whole characters at a time, U+FFFD in place of what is no character. */
bool repair_feed(struct repair *repair, const char *bytes, size_t size, struct failure *failure);
/* That is all. */
bool repair_finish(struct repair *repair, struct failure *failure);

#endif
