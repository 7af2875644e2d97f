/* SPDX-License-Identifier: MIT */
/* The last stage: from pieces of text to tokens. */
#ifndef EXAMPLES_TEXT_WORDS_H
#define EXAMPLES_TEXT_WORDS_H

#include "text/bpe.h"
#include "text/stage.h"
#include "text/tokenizer.h"

/* A stage that encodes pieces, cut where that makes no difference. Not yet connected: words_sink().
 * The model must outlive it. */
struct stage *words_create(const struct bpe *bpe, struct failure *failure);

/* Where tokens go from now on. */
void words_sink(struct stage *stage, const struct token_sink *sink);

/* Hand on what tokens are still here. */
bool words_flush(struct stage *stage, struct failure *failure);

#endif
