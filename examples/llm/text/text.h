/* SPDX-License-Identifier: MIT */
/* A text for a model. */
#ifndef EXAMPLES_LLM_TEXT_TEXT_H
#define EXAMPLES_LLM_TEXT_TEXT_H

#include "common/tokens.h"
#include "llm/model/config.h"
#include "text/tokenizer.h"

/* How windows of a text begin. */
enum text_beginning {
    TEXT_BEGINNING_CUT,   /* where the one before ends: only the first begins as a text */
    TEXT_BEGINNING_MODEL, /* as a text of the model, if the tokenizer says how that begins */
    TEXT_BEGINNING_SET,   /* the same, and a model that does not say it is refused (framing.h) */
    TEXT_BEGINNING_USUAL  /* for options: one of the others, as the command does it */
};

/* Where it comes from: a file of tokens (tokens.h), or a text and the tokenizer.json of a
 * checkpoint. */
struct text_source {
    const char *tokens; /* NULL: text */
    const char *text;
    const char *model; /* directory of the checkpoint; not looked at for tokens that are only cut */
    enum text_beginning beginning;
};

/* The file. */
const char *text_name(const struct text_source *source);

/* Load what tokens_sample() keeps of a text of the model's vocabulary. Tokens that windows begin
 * with (see beginning) count as well, and are added before each. Warns on standard error where
 * numbers of the file are too short to name all of the vocabulary, or where text is not UTF-8. */
bool text_load(struct tokens *tokens, const struct text_source *source, const struct config *config,
               size_t window, size_t most, struct failure *failure);

/* Open the tokenizer of a checkpoint: its tokenizer.json, and what tokenizer_config.json says of
 * tokens around a text. NULL on failure. */
struct tokenizer *text_open_tokenizer(const char *model, struct failure *failure);

/* Warn of text that was not UTF-8. */
void text_warn(const char *path, const struct text_repairs *repairs);

#endif
