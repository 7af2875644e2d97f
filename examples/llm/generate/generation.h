/* SPDX-License-Identifier: MIT */
/* A model that reads a text token after token and tells what may come next. Its linear layers stay
 * in memory in one of the forms of resident.h, and so do keys and values of the text. */
#ifndef EXAMPLES_LLM_GENERATE_GENERATION_H
#define EXAMPLES_LLM_GENERATE_GENERATION_H

#include <stdint.h>
#include <watersic/watersic.h>

#include "llm/model/attention_cache.h"
#include "llm/model/forward.h"
#include "llm/model/package.h"
#include "llm/model/resident.h"

/* Tokens of a prompt that are read at once. */
#define GENERATION_STEP 64

struct generation {
    struct model *model; /* borrowed; with embedding and head in memory */
    struct forward forward;
    struct resident_work work;
    struct block *blocks; /* with residents in place of weights */
    struct resident *residents;
    struct attention_cache *caches;
    float *hidden;
    float *logits; /* of the token that was read last */
    size_t past;   /* tokens of the text */
    size_t capacity;
};

/* What a generation keeps in memory, in bytes. */
struct generation_memory {
    uint64_t layers; /* linear layers of all blocks */
    uint64_t tables; /* embedding and head */
    uint64_t cache;  /* keys and values */
};

/* Get a model ready for a text of at most so many tokens. Layers of the package, which may be NULL,
 * are kept in the form; what is no layer of it is kept as floats. The package may be closed
 * afterwards only if form is not RESIDENT_CODED. */
bool generation_create(struct generation *generation, struct model *model,
                       const struct package *package, enum resident_form form,
                       wsic_context *context, size_t capacity, struct failure *failure);
void generation_free(struct generation *generation);

struct generation_memory generation_memory(const struct generation *generation);

/* Whether these tokens can be read: they are in the vocabulary, and there is room for them. */
bool generation_takes(const struct generation *generation, const uint32_t *tokens, size_t count,
                      struct failure *failure);

/* Read tokens of the text, at least one, and compute the logits of what comes next. Refuses tokens
 * that are not in the vocabulary, and a text longer than the capacity, before anything is read. */
bool generation_read(struct generation *generation, const uint32_t *tokens, size_t count,
                     struct failure *failure);

#endif
