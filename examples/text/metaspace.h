/* SPDX-License-Identifier: MIT */
/* Spaces as vocabularies of SentencePiece have them: as a visible character, also before the
 * text. */
#ifndef EXAMPLES_TEXT_METASPACE_H
#define EXAMPLES_TEXT_METASPACE_H

#include <jansson.h>

#include "common/failure.h"

/* Before which pieces that do not begin with it that character is put. */
enum metaspace_prepend { METASPACE_NEVER, METASPACE_FIRST, METASPACE_ALWAYS };

struct metaspace {
    const char *replacement; /* of the JSON; one character */
    enum metaspace_prepend prepend;
    bool split; /* pieces begin at replacements */
};

/* Read what the pre-tokenizer or the decoder "Metaspace" says. */
bool metaspace_read(struct metaspace *metaspace, const json_t *json, struct failure *failure);

#endif
