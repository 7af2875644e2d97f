/* SPDX-License-Identifier: MIT */
/* What a tokenizer is made of. */
#ifndef EXAMPLES_TEXT_PARTS_H
#define EXAMPLES_TEXT_PARTS_H

#include "text/added_tokens.h"
#include "text/bpe.h"
#include "text/decoder.h"
#include "text/repair.h"
#include "text/stage.h"
#include "text/template.h"
#include "text/tokenizer.h"
#include "text/words.h"

struct tokenizer {
    struct repair repair;
    struct chain chain; /* added tokens, normalizer, added tokens again, pre-tokenizer, words */
    struct bpe bpe;
    struct added_tokens added;
    struct template template;
    struct decoder decoder;
    bool framed;
};

#endif
