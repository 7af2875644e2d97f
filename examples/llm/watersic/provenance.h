/* SPDX-License-Identifier: MIT */
/* What an archive is made from and how, as its metadata tell it: all that is needed to repeat the
 * run, and to see whether another run would make the same bytes. */
#ifndef EXAMPLES_LLM_WATERSIC_PROVENANCE_H
#define EXAMPLES_LLM_WATERSIC_PROVENANCE_H

#include <jansson.h>
#include <watersic/watersic.h>

#include "common/tokens.h"
#include "llm/model/model.h"
#include "llm/model/package.h"
#include "llm/run/recipe.h"

struct provenance {
    const struct model *model;
    const struct tokens *tokens;
    size_t window;
    const struct recipe *recipe;
    const char *zero_rows; /* as on the command line; NULL for none */
    const char *preset;
    const char *parameters;                    /* of the encoder, as it is before the first layer */
    const struct vocabulary_rates *vocabulary; /* NULL: embedding and head are left alone */
};

/* The metadata by their keys: texts, and objects that are to be written as JSON. Reads the whole
 * checkpoint for its fingerprint. NULL on failure. */
json_t *provenance_describe(const struct provenance *provenance, struct failure *failure);

/* Refuse an unfinished archive that was begun with something else; the message names it. */
bool provenance_check(const json_t *description, const wsic_archive_writer *writer,
                      const char *output, struct failure *failure);

/* Whether an archive is made from this checkpoint, as far as its metadata tell: true also of one
 * that says nothing. Reads the whole checkpoint. */
bool provenance_is_of(const struct package *package, const struct model *model);

bool provenance_write(const json_t *description, wsic_archive_writer *writer, const char *output,
                      struct failure *failure);

#endif
